"""How many pictures a second each model is trained on, on each backend.

    python -m benchmarks.speed.training
    python -m benchmarks.speed.training --docs .cache/trial --rounds 2 --models portrait    a trial

Needs `data/prepared`, which `make repro` leaves. The backends take turns, each in a process of its
own, on real pictures, which are cut and damaged while the step before runs.
"""

import time
from collections.abc import Callable

from benchmarks import report
from benchmarks.paired_timing import Answer, median_of, own, ratio, run, take_turns
from stylefuse.config import load_params

BACKENDS = ("tensorflow", "jax")
STEPS = 32  # of a turn: each holds every kind of step as often as the others


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
        f"Medians of {args.rounds} turns of {STEPS} steps, once all is compiled, with the settings "
        f"of the profile `{load_params().profile}`; beside the ratio, where its middle half lies. "
        "Training on Keras's third backend, PyTorch, is refused: nothing here needs it.",
    )


def row(model: str, rounds: int) -> dict[str, str]:
    found = take_turns({name: own("train", model, KERAS_BACKEND=name) for name in BACKENDS}, rounds)
    return {
        **{name: f"{median_of(found[name], 'rate'):.1f}" for name in BACKENDS},
        "jax ÷ tensorflow": ratio(found["jax"], found["tensorflow"], "rate"),
        **{f"{name}, peak MiB": f"{found[name][-1]['peak']:.0f}" for name in BACKENDS},
    }


def train(model: str) -> Callable[[], Answer]:
    from stylefuse.training.compile_steps import compile_steps
    from stylefuse.training.state import TrainingState

    state = TrainingState(model, load_params())
    advance = compile_steps(state)
    done = 0

    def work() -> Answer:
        nonlocal done
        start = time.perf_counter()
        advance(done, STEPS)
        done += STEPS
        rate = STEPS * state.settings.batch / (time.perf_counter() - start)
        return {"rate": rate, "peak": report.peak_mib()}

    return work


if __name__ == "__main__":
    run(main, [train])
