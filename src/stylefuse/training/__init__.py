"""Training of the models in `stylefuse.models`: the same inputs give the same weights."""

import os

# without this flag, GPUs sum in whatever order is ready first
DETERMINISTIC = "--xla_gpu_deterministic_ops"

# XLA reads its flags once, when JAX is first used
if DETERMINISTIC not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DETERMINISTIC}=true".strip()
