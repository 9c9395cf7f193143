"""Training speed of the transfer model beside a plain PyTorch version of it, on the same batch.

    python -m venv .cache/torch && .cache/torch/bin/pip install torch==2.13.0 numpy
    python -m benchmarks.speed.pytorch
    python -m benchmarks.speed.pytorch --docs .cache/trial --rounds 2                             a trial

The first command fetches some 200 MB where pip finds a CPU build, several GB where not. Needs
`data/prepared`, which `make repro` leaves.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import Answer, Worker, median_of, own, ratio, run, take_turns

FOLDER = Path(".cache/pytorch")
STEPS = 16  # of a turn: each holds every kind of step as often as the others
OTHER = ("-m", "benchmarks.speed.torch_transfer")
BACKENDS = ("tensorflow", "jax")
LOSSES = ("discriminator_loss", "adversarial", "reconstruction", "content")  # as a run names them


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--python", default=".cache/torch/bin/python", help="that has PyTorch")
    args = parser.parse_args()
    workers = {backend: own("train", backend, KERAS_BACKEND=backend) for backend in BACKENDS}
    first = {name: worker.ask() for name, worker in workers.items()}  # writes what PyTorch reads
    workers["pytorch"] = Worker(args.python, *OTHER, str(FOLDER), str(STEPS))
    first["pytorch"] = workers["pytorch"].ask()
    found = take_turns(workers, args.rounds, unheard=1)
    rows = {
        name: {
            "images/s": f"{median_of(answers, 'rate'):.1f}",
            "÷ PyTorch": ratio(answers, found["pytorch"], "rate"),
            **(losses(first[name]) if name != "jax" else {}),  # which starts from other weights
        }
        for name, answers in found.items()
    }
    ours = first["tensorflow"]
    report.write_section(
        args.docs,
        "Training, beside PyTorch",
        report.table(rows, "transfer, float32"),
        f"Medians of {args.rounds} turns of {STEPS} steps, and beside the ratio where its middle "
        "half lies. Networks, losses, penalty, Adam and averaging are the same, on one random "
        f"batch of {ours['batch']} crops of {ours['crop']}²: {ours['generator']:,} weights in the "
        f"generator, {ours['discriminator']:,} in the discriminator. That they are the same shows "
        "in the losses of the first step, for which PyTorch is handed TensorFlow's weights. "
        f"PyTorch {first['pytorch']['version']}, channels last, not compiled.",
    )


def losses(answer: Answer) -> dict[str, str]:
    return {name: f"{x:.4f}" for name, x in zip(LOSSES, answer["losses"], strict=True)}


def train(backend: str) -> Callable[[], Answer]:
    from stylefuse.config import load_params
    from stylefuse.training.compile_steps import compile_steps
    from stylefuse.training.state import TrainingState

    params = load_params()
    settings = params.model_settings("transfer").model_copy(
        update={"augment_target": 0.0, "precision": "float32", "steps_per_call": 1}
    )
    models = {"transfer": {params.profile: settings}}
    trained: Any = TrainingState("transfer", params.model_copy(update={"models": models}))
    trained.prefetcher = Same(trained, settings.batch, settings.crop)
    if backend == "tensorflow":
        tell(trained)
    facts = {
        "batch": settings.batch,
        "crop": settings.crop,
        "generator": trained.generator.count_params(),
        "discriminator": trained.discriminator.count_params(),
    }
    advance = compile_steps(trained)
    done = 0

    def work() -> Answer:
        nonlocal done
        start = time.perf_counter()
        reports = advance(done, STEPS)
        done += STEPS
        rate = STEPS * settings.batch / (time.perf_counter() - start)
        reported = [float(reports[0, trained.metric_names.index(name)]) for name in LOSSES]
        return {"rate": rate, "losses": reported, **facts}

    return work


class Same:
    """One random batch at every step: what is timed is training alone."""

    def __init__(self, trained: Any, n: int, side: int):
        stream = np.random.default_rng(0)
        pictures = stream.standard_normal((4, n, side, side, 3), dtype=np.float32)
        photograph, painting, reference, noise = pictures
        mask = stream.random((n, side, side, 1), np.float32)
        weight = stream.random((n, 1), np.float32)
        self.batch = photograph, painting, reference, mask, weight, noise
        self.draws = trained.data.at(0).draws  # of augmentation, which is off

    def at(self, step: int) -> tuple:
        return (*self.batch, self.draws)


def tell(trained: Any) -> None:
    """Write settings, batch and weights for the other side."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = trained.settings.model_dump(mode="json")
    (FOLDER / "settings.json").write_text(json.dumps(settings))
    np.savez(FOLDER / "batch.npz", *trained.prefetcher.batch)
    networks = {"generator": trained.generator, "discriminator": trained.discriminator}
    weights: dict[str, Any] = {
        f"{name}/{variable.path.removeprefix(name + '/')}": np.asarray(variable.value)
        for name, network in networks.items()
        for variable in network.weights
    }
    np.savez(FOLDER / "twin.npz", **weights)


if __name__ == "__main__":
    run(main, [train])
