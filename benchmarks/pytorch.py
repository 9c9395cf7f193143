"""Training speed of the transfer model beside a plain PyTorch version of it, on the same batch.

    python -m venv .cache/torch && .cache/torch/bin/pip install torch==2.13.0 numpy
    python benchmarks/pytorch.py
    python benchmarks/pytorch.py --docs .cache/trial --rounds 2                   a trial

The first command fetches some 200 MB where pip finds a CPU build, several GB where not.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import page
from turns import Worker, middle, ratio, serve, take_turns

FOLDER = Path(".cache/pytorch")
STEPS = 16  # of a turn
OTHER = Path(__file__).with_name("torch_transfer.py")


def main() -> None:
    parser = page.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--python", default=".cache/torch/bin/python", help="that has PyTorch")
    args = parser.parse_args()
    ours = {
        backend: Worker(
            sys.executable, __file__, "--work", backend,
            KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3",
        )
        for backend in ("tensorflow", "jax")
    }  # fmt: skip
    for worker in ours.values():
        worker.ask()  # what the other side reads is written now
    found = take_turns(
        ours | {"pytorch": Worker(args.python, str(OTHER), str(FOLDER), str(STEPS))}, args.rounds
    )
    rows = {
        name: {
            "images/s": f"{middle(answers, 'rate'):.1f}",
            "beside PyTorch": f"{ratio(answers, found['pytorch'], 'rate'):.2f}",
        }
        for name, answers in found.items()
    }
    last = found["pytorch"][-1]
    weights = found["tensorflow"][-1]
    page.write(
        args.docs,
        "pytorch",
        "Training speed beside PyTorch",
        page.table(rows, "transfer, float32"),
        f"Median of {args.rounds} turns of {STEPS} steps, ratios of neighbours in time. Networks, "
        "losses, penalty, Adam and averaging are the same, on one random batch of the profile's "
        f"size: {weights['generator']:,.0f} weights in the generator and "
        f"{weights['discriminator']:,.0f} in the discriminator. Handed the same weights, outputs "
        f"of the two generators differ by {last['painted apart']:.1e}, of the discriminators by "
        f"{last['judged apart']:.1e}, at the most.",
    )


def work(backend: str) -> None:
    """Train ours, once the other side has been told all that it needs."""
    import keras

    from stylefuse.config import load_params
    from stylefuse.training.run import Run

    params = load_params()
    settings = params.train("transfer")
    ours = {name: 0.0 for name in ("contrastive", "perceptual") if hasattr(settings, name)}
    settings = settings.model_copy(update=ours | {"augment_target": 0.0})
    models = {"transfer": {params.profile: settings}}
    run = Run("transfer", params.model_copy(update={"models": models}))
    n, side = settings.batch, settings.crop
    stream = np.random.default_rng(0)

    def normal(channels: int) -> np.ndarray:
        return stream.standard_normal((n, side, side, channels), dtype=np.float32)

    shares = stream.random((n, side, side, 1), np.float32), stream.random((n, 1), np.float32)
    batch = (normal(3), normal(3), normal(3), *shares, normal(3))

    class Same:
        """The same batch at every step."""

        def at(self, step: int) -> tuple:
            return (*batch, run_draws)

    run_draws = run.data.at(0).draws
    run.data = Same()
    networks = {"generator": run.generator, "discriminator": run.discriminator}
    if backend == "tensorflow":
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "settings.json").write_text(json.dumps(settings.model_dump(mode="json")))
        np.savez(FOLDER / "batch.npz", *batch)
        painted = run.generator(batch[0], batch[1])
        judged = run.discriminator(painted, run.discriminator.features(batch[1]))
        weights = {
            f"{name}/{variable.path.split('/', 1)[1]}": np.asarray(variable.value)
            for name, network in networks.items()
            for variable in network.weights
        }
        shown = {"content": batch[0], "style": batch[1], "painted": painted, "judged": judged}
        arrays = {name: keras.ops.convert_to_numpy(x) for name, x in shown.items()}
        np.savez(FOLDER / "twin.npz", **weights, **arrays)
    counts = {name: float(network.count_params()) for name, network in networks.items()}
    done = 0

    def turn() -> dict[str, float]:
        nonlocal done
        start = time.perf_counter()
        run.advance(done, STEPS)
        done += STEPS
        return {"rate": STEPS * n / (time.perf_counter() - start), **counts}

    serve(turn)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2])
    else:
        main()
