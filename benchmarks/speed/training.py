"""Training speed of each model on each backend, in pictures per second.

    python -m benchmarks.speed.training
    python -m benchmarks.speed.training --docs .cache/trial --rounds 2 --models portrait   a trial

Needs `data/prepared`, which `make repro` leaves. The backends take turns, each in its own process.
They train on real pictures, which are cropped and degraded while the previous step runs.
"""

import time
from collections.abc import Callable

from benchmarks import report
from benchmarks.paired_timing import Measurements, median_of, own, ratio, run, take_turns
from stylefuse.config import load_params

BACKENDS = ("tensorflow", "jax")
STEPS = 32  # of a turn; every kind of step is as frequent in each turn


def main() -> None:
    models = tuple(load_params().models)
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    args = parser.parse_args()
    report.write_section(
        args.docs,
        "Training",
        report.table({model: row(model, args.rounds) for model in args.models}, "images/s"),
        f"Medians of {args.rounds} turns of {STEPS} steps after compilation, with the settings of "
        f"the profile `{load_params().profile}`; the ratio with its interquartile range. Training "
        "on Keras's PyTorch backend is not supported.",
    )


def row(model: str, rounds: int) -> dict[str, str]:
    workers = {name: own("train", model, KERAS_BACKEND=name) for name in BACKENDS}
    turns = take_turns(workers, rounds)
    return {
        **{name: f"{median_of(turns[name], 'rate'):.1f}" for name in BACKENDS},
        "jax ÷ tensorflow": ratio(turns["jax"], turns["tensorflow"], "rate"),
        **{f"{name}, peak MiB": f"{turns[name][-1]['peak']:.0f}" for name in BACKENDS},
    }


def train(model: str) -> Callable[[], Measurements]:
    from stylefuse.training.compile_steps import compile_steps
    from stylefuse.training.state import TrainingState

    state = TrainingState(model, load_params())
    advance = compile_steps(state)
    done = 0

    def take_turn() -> Measurements:
        nonlocal done
        start = time.perf_counter()
        advance(done, STEPS)
        done += STEPS
        rate = STEPS * state.settings.batch / (time.perf_counter() - start)
        return {"rate": rate, "peak": report.peak_mib()}

    return take_turn


if __name__ == "__main__":
    run(main, [train])
