"""Objectives, optimisation and checkpoints; the same bytes for the same inputs."""

import os

DETERMINISTIC = "--xla_gpu_deterministic_ops"  # GPUs sum in whatever order is ready first, without

# XLA reads its flags once, when JAX is first used.
if DETERMINISTIC not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DETERMINISTIC}=true".strip()
