"""Where a training step's time goes, here and in PyTorch.

    python -m benchmarks.speed.step_profile          after `pytorch.py`, whose environment it uses
    python -m benchmarks.speed.step_profile --docs .cache/trial --rounds 2                               a trial

Both frameworks compute their convolutions with oneDNN, which tells the time of each one.
"""

import json
from collections import Counter
from statistics import median

from benchmarks import report
from benchmarks.paired_timing import Worker, own, run
from benchmarks.speed.pytorch import FOLDER, OTHER, STEPS, train

TOLD = {"ONEDNN_VERBOSE": "profile_exec"}


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", default=".cache/torch/bin/python", help="that has PyTorch")
    args = parser.parse_args()
    ours = own("train", "tensorflow", KERAS_BACKEND="tensorflow", **TOLD)
    heard(ours)  # writes what PyTorch reads
    theirs = Worker(args.python, *OTHER, str(FOLDER), str(STEPS), **TOLD)
    workers = {"tensorflow": ours, "pytorch": theirs}
    rounds = [{name: heard(worker) for name, worker in workers.items()} for _ in range(args.rounds)]
    rows = {name: row([one[name] for one in rounds[1:]]) for name in workers}
    report.write_section(
        args.docs,
        "Training: where the floor is",
        report.table(rows, "milliseconds of a step"),
        "Medians, on the batch of the section above. If all but TensorFlow's convolutions cost "
        f"nothing, its step would be ×{floor(rounds[1:]):.2f} as fast as PyTorch's: that is the "
        "floor.",
    )


def heard(worker: Worker) -> dict[str, float]:
    """A turn: milliseconds of a step, in all and by kind of what oneDNN did."""
    assert worker.process.stdin and worker.process.stdout
    worker.process.stdin.write("\n")
    worker.process.stdin.flush()
    spent: Counter[str] = Counter()
    for line in worker.process.stdout:
        if line.startswith("{"):
            answer = json.loads(line)
            break
        fields = line.strip().split(",")
        if fields[0] == "onednn_verbose" and "exec" in fields:
            spent[fields[fields.index("exec") + 2]] += float(fields[-1]) / STEPS
    batch = json.loads((FOLDER / "settings.json").read_text())["batch"]
    return {"all": 1000 * batch / answer["rate"], **spent}


def row(turns: list[dict[str, float]]) -> dict[str, str]:
    kinds = ("all", "convolution", "deconvolution", "matmul", "inner_product", "reorder")
    found = {kind: median(turn.get(kind, 0.0) for turn in turns) for kind in kinds}
    found["everything else"] = found["all"] - sum(found[kind] for kind in kinds[1:])
    return {kind: f"{value:.1f}" for kind, value in found.items()}


def floor(rounds: list[dict[str, dict[str, float]]]) -> float:
    """PyTorch's step ÷ the time of our convolutions, median of the rounds."""
    return median(one["pytorch"]["all"] / one["tensorflow"]["convolution"] for one in rounds)


if __name__ == "__main__":
    run(main, [train])
