"""What the same bytes cost: training steps with and without what keeps them in order.

    python -m benchmarks.speed.determinism
    python -m benchmarks.speed.determinism --rounds 3 --models portrait      a trial

Needs `data/prepared`, which `make repro` leaves. On a CPU the optimiser waits for all gradients
(`training.backend`), and that is all: without it two runs may differ. TensorFlow's own switch is
beside it, and is not used. On a GPU XLA is told to add in a fixed order (`training/__init__.py`);
`KERAS_BACKEND=jax` measures that instead. Expected on two cores: nothing that can be measured
for portraits, in three minutes; the other two models compile for longer.
"""

import os
from collections.abc import Callable
from contextlib import nullcontext

from benchmarks import report
from benchmarks.paired_timing import Answer, median_of, own, ratio, run, take_turns
from benchmarks.speed.training import train
from stylefuse.config import load_params

FREE = "--xla_gpu_deterministic_ops=false"


def main() -> None:
    models = tuple(load_params().models)
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    args = parser.parse_args()
    print(report.table({model: row(model, args.rounds) for model in args.models}, "images/s"))


def row(model: str, rounds: int) -> dict[str, str]:
    workers = {"in order": own("in_order", model)}
    if os.environ.get("KERAS_BACKEND") == "jax":
        workers["in any order"] = own("in_order", model, XLA_FLAGS=FREE)
    else:
        workers["in any order"] = own("in_any_order", model)
        workers["TensorFlow's switch"] = own("switched", model)
    found = take_turns(workers, rounds)
    free = found["in any order"]
    return {name: f"{median_of(answers, 'rate'):.1f}" for name, answers in found.items()} | {
        f"{name} ÷ in any order": ratio(found[name], free, "rate")
        for name in found
        if name != "in any order"
    }


def in_order(model: str) -> Callable[[], Answer]:
    return train(model)


def in_any_order(model: str) -> Callable[[], Answer]:
    import tensorflow as tf

    tf.control_dependencies = lambda _: nullcontext()
    return train(model)


def switched(model: str) -> Callable[[], Answer]:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    return train(model)


if __name__ == "__main__":
    run(main, (in_order, in_any_order, switched))
