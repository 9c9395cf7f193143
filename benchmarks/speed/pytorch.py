"""Training speed of the transfer model, compared with the same model in plain PyTorch.

    python -m venv .cache/torch && .cache/torch/bin/pip install torch==2.13.0 numpy
    python -m benchmarks.speed.pytorch
    python -m benchmarks.speed.pytorch --docs .cache/trial --rounds 2             a trial

The first command downloads 200 MB if pip finds a CPU build, otherwise several GB. Needs
`data/prepared`, which `make repro` leaves. Both train on the same batch.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import Measurements, Worker, median_of, own, ratio, run, take_turns

FOLDER = Path(".cache/pytorch")
STEPS = 16  # of a turn; every kind of step is as frequent in each turn
TORCH_MODULE = ("-m", "benchmarks.speed.torch_transfer")
BACKENDS = ("tensorflow", "jax")
LOSSES = (
    "discriminator_loss",
    "adversarial",
    "reconstruction",
    "content",
)  # names of a run's metrics


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--python", default=".cache/torch/bin/python", help="Python with PyTorch")
    args = parser.parse_args()
    workers = {backend: own("train", backend, KERAS_BACKEND=backend) for backend in BACKENDS}
    first = {
        name: worker.take_turn() for name, worker in workers.items()
    }  # writes the files that PyTorch reads
    workers["pytorch"] = Worker(args.python, *TORCH_MODULE, str(FOLDER), str(STEPS))
    first["pytorch"] = workers["pytorch"].take_turn()
    turns = take_turns(workers, args.rounds, warm_up=1)
    rows = {
        name: {
            "images/s": f"{median_of(measured, 'rate'):.1f}",
            "÷ PyTorch": ratio(measured, turns["pytorch"], "rate"),
            **(losses(first[name]) if name != "jax" else {}),  # JAX starts from other weights
        }
        for name, measured in turns.items()
    }
    ours = first["tensorflow"]
    report.write_section(
        args.docs,
        "Training, compared with PyTorch",
        report.table(rows, "transfer, float32"),
        f"Medians of {args.rounds} turns of {STEPS} steps, ratios with their interquartile "
        "ranges. Networks, losses, penalty, Adam and averaging are the same, on one random "
        f"batch of {ours['batch']} crops of {ours['crop']}²: {ours['generator']:,} weights in the "
        f"generator, {ours['discriminator']:,} in the discriminator. The losses of the first step "
        "confirm it; PyTorch starts from TensorFlow's weights. "
        f"PyTorch {first['pytorch']['version']}, channels last, not compiled.",
    )


def losses(turn: Measurements) -> dict[str, str]:
    return {name: f"{x:.4f}" for name, x in zip(LOSSES, turn["losses"], strict=True)}


def train(backend: str) -> Callable[[], Measurements]:
    from stylefuse.config import load_params
    from stylefuse.training.compile_steps import compile_steps
    from stylefuse.training.state import TrainingState

    params = load_params()
    settings = params.model_settings("transfer").model_copy(
        update={"augment_target": 0.0, "precision": "float32", "steps_per_call": 1}
    )
    models = {"transfer": {params.profile: settings}}
    state: Any = TrainingState("transfer", params.model_copy(update={"models": models}))
    state.prefetcher = ConstantBatch(state, settings.batch, settings.crop)
    if backend == "tensorflow":
        write_inputs(state)
    sizes = {
        "batch": settings.batch,
        "crop": settings.crop,
        "generator": state.generator.count_params(),
        "discriminator": state.discriminator.count_params(),
    }
    advance = compile_steps(state)
    done = 0

    def take_turn() -> Measurements:
        nonlocal done
        start = time.perf_counter()
        metrics = advance(done, STEPS)
        done += STEPS
        rate = STEPS * settings.batch / (time.perf_counter() - start)
        first = [float(metrics[0, state.metric_names.index(name)]) for name in LOSSES]
        return {"rate": rate, "losses": first, **sizes}

    return take_turn


class ConstantBatch:
    """The same random batch for every step, so that only training is timed."""

    def __init__(self, state: Any, n: int, side: int):
        rng = np.random.default_rng(0)
        pictures = rng.standard_normal((4, n, side, side, 3), dtype=np.float32)
        photograph, painting, reference, noise = pictures
        mask = rng.random((n, side, side, 1), np.float32)
        weight = rng.random((n, 1), np.float32)
        self.batch = photograph, painting, reference, mask, weight, noise
        self.draws = state.data.at(0).draws  # of augmentation, which is off

    def at(self, step: int) -> tuple:
        return (*self.batch, self.draws)


def write_inputs(state: Any) -> None:
    """Write settings, batch and weights for PyTorch."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = state.settings.model_dump(mode="json")
    (FOLDER / "settings.json").write_text(json.dumps(settings))
    np.savez(FOLDER / "batch.npz", *state.prefetcher.batch)
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    weights: dict[str, Any] = {
        f"{name}/{variable.path.removeprefix(name + '/')}": np.asarray(variable.value)
        for name, network in networks.items()
        for variable in network.weights
    }
    np.savez(FOLDER / "weights.npz", **weights)


if __name__ == "__main__":
    run(main, [train])
