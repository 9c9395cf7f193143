"""The cost of deterministic training: steps with and without the measures that it needs.

    python -m benchmarks.speed.determinism
    python -m benchmarks.speed.determinism --rounds 3 --models portrait      a trial

Needs `data/prepared`, which `make repro` leaves. On a CPU the optimiser waits for all gradients
(`training.backend`); without this, two runs may differ. TensorFlow's own option for determinism is
measured, too, and not used. On a GPU an XLA flag fixes the order of additions
(`training/__init__.py`); `KERAS_BACKEND=jax` measures that flag instead. Expected on two cores: no
measurable cost for portraits, in three minutes; the other two models compile for longer.
"""

import os
from collections.abc import Callable
from contextlib import nullcontext

from benchmarks import report
from benchmarks.paired_timing import Measurements, median_of, own, ratio, run, take_turns
from benchmarks.speed.training import train
from stylefuse.config import load_params

NONDETERMINISTIC_XLA = "--xla_gpu_deterministic_ops=false"


DETERMINISTIC, NONDETERMINISTIC = "deterministic", "not deterministic"


def main() -> None:
    models = tuple(load_params().models)
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    args = parser.parse_args()
    print(report.table({model: row(model, args.rounds) for model in args.models}, "images/s"))


def row(model: str, rounds: int) -> dict[str, str]:
    workers = {DETERMINISTIC: own("deterministic", model)}
    if os.environ.get("KERAS_BACKEND") == "jax":
        workers[NONDETERMINISTIC] = own("deterministic", model, XLA_FLAGS=NONDETERMINISTIC_XLA)
    else:
        workers[NONDETERMINISTIC] = own("nondeterministic", model)
        workers["TensorFlow's option"] = own("tensorflow_option", model)
    turns = take_turns(workers, rounds)
    rates = {name: f"{median_of(measured, 'rate'):.1f}" for name, measured in turns.items()}
    return rates | {
        f"{name} ÷ {NONDETERMINISTIC}": ratio(turns[name], turns[NONDETERMINISTIC], "rate")
        for name in turns
        if name != NONDETERMINISTIC
    }


def deterministic(model: str) -> Callable[[], Measurements]:
    return train(model)


def nondeterministic(model: str) -> Callable[[], Measurements]:
    import tensorflow as tf

    tf.control_dependencies = lambda _: nullcontext()
    return train(model)


def tensorflow_option(model: str) -> Callable[[], Measurements]:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    return train(model)


if __name__ == "__main__":
    run(main, (deterministic, nondeterministic, tensorflow_option))
