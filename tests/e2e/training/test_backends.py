"""The portrait networks compute the same on TensorFlow and on JAX."""

import os
import subprocess
import sys

import numpy as np

from tests.support.trainings import ROOT

RUN_NETWORKS = """
import sys
import numpy as np
from stylefuse.models.portrait.networks import ARCHITECTURES
from stylefuse.training.backend import compile_loss
from tests.unit.models.test_portrait_networks import build
latents = np.random.default_rng(0).standard_normal((3, 8)).astype("float32")
outputs = {}
for name in ARCHITECTURES:
    generator, discriminator = nets = build(name)
    for net in nets:
        file = f"{sys.argv[1]}/{name}_{net.name}.weights.h5"
        net.save_weights(file) if sys.argv[2] == "save" else net.load_weights(file)
    growth = {"level": 2, "fade": 0.3} if name == "progressive" else {}
    def painted_and_logits(latents):
        pictures = generator(latents, **growth)
        return None, (pictures, discriminator(pictures, **growth))
    run = compile_loss(painted_and_logits, [v for net in nets for v in net.variables])
    outputs[name], outputs[name + "_logits"] = map(np.asarray, run(latents))
np.savez(sys.argv[3], **outputs)
"""


def test_backends_agree(tmp_path):
    outputs = []
    for backend, action in (("tensorflow", "save"), ("jax", "load")):
        path = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, "-c", RUN_NETWORKS, str(tmp_path), action, str(path)],
            env={**os.environ, "KERAS_BACKEND": backend}, cwd=ROOT, check=True,
        )  # fmt: skip
        outputs.append(np.load(path))
    for name in outputs[0]:
        np.testing.assert_allclose(outputs[0][name], outputs[1][name], atol=1e-4, err_msg=name)
