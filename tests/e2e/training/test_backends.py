"""The portrait networks compute the same on TensorFlow and on JAX."""

import numpy as np

from tests.support.trainings import ROOT, run_on_jax


def run_networks(folder, backend):
    """Save what all architectures compute, with the weights of the first backend."""
    from stylefuse.models.portrait.networks import ARCHITECTURES
    from stylefuse.training.backend import compile_loss
    from tests.unit.models.test_portrait_networks import build

    latents = np.random.default_rng(0).standard_normal((3, 8)).astype("float32")
    outputs = {}
    for name in ARCHITECTURES:
        generator, discriminator = nets = build(name)
        for net in nets:
            file = f"{folder}/{name}_{net.name}.weights.h5"
            net.save_weights(file) if backend == "tensorflow" else net.load_weights(file)
        growth = {"level": 2, "fade": 0.3} if name == "progressive" else {}

        def painted_and_logits(latents, generator=generator, critic=discriminator, growth=growth):
            pictures = generator(latents, **growth)
            return None, (pictures, critic(pictures, **growth))

        run = compile_loss(painted_and_logits, [v for net in nets for v in net.variables])
        outputs[name], outputs[f"{name}_logits"] = map(np.asarray, run(latents))
    np.savez(f"{folder}/{backend}.npz", **outputs)


def test_backends_agree(tmp_path):
    run_networks(tmp_path, "tensorflow")
    program = f"import sys; from {__name__} import run_networks; run_networks(*sys.argv[1:])"
    run_on_jax(program, tmp_path, "jax", cwd=ROOT)
    tensorflow, jax = (np.load(tmp_path / f"{name}.npz") for name in ("tensorflow", "jax"))
    assert list(tensorflow) == list(jax)
    for name in tensorflow:
        np.testing.assert_allclose(tensorflow[name], jax[name], atol=1e-4, err_msg=name)
