"""Profile of a training step in TensorFlow and in PyTorch.

    python -m benchmarks.speed.step_profile
    python -m benchmarks.speed.step_profile --docs .cache/trial --rounds 2        a trial

Needs the environment of `benchmarks.speed.pytorch`. Both frameworks compute convolutions with
oneDNN, which logs the time of each operation.
"""

import json
from collections import defaultdict
from statistics import median

from benchmarks import report
from benchmarks.paired_timing import Worker, own, run
from benchmarks.speed.pytorch import FOLDER, STEPS, TORCH_MODULE, train

PROFILING = {"ONEDNN_VERBOSE": "profile_exec"}


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", default=".cache/torch/bin/python", help="Python with PyTorch")
    args = parser.parse_args()
    ours = own("train", "tensorflow", KERAS_BACKEND="tensorflow", **PROFILING)
    profile_turn(ours)  # writes the files that PyTorch reads
    torch = Worker(args.python, *TORCH_MODULE, str(FOLDER), str(STEPS), **PROFILING)
    workers = {"tensorflow": ours, "pytorch": torch}
    rounds = [
        {name: profile_turn(worker) for name, worker in workers.items()} for _ in range(args.rounds)
    ]
    rows = {name: row([turns[name] for turns in rounds[1:]]) for name in workers}
    report.write_section(
        args.docs,
        "Training: profile of a step",
        report.table(rows, "milliseconds of a step"),
        "Medians, on the batch of the section above. If everything except convolutions took no "
        f"time, TensorFlow's step would be ×{max_speed_up(rounds[1:]):.2f} as fast as PyTorch's.",
    )


def profile_turn(worker: Worker) -> dict[str, float]:
    """Take a turn; returns the milliseconds of a step, in total and by oneDNN's operations."""
    assert worker.process.stdin and worker.process.stdout
    worker.process.stdin.write("\n")
    worker.process.stdin.flush()
    milliseconds: dict[str, float] = defaultdict(float)
    for line in worker.process.stdout:
        if line.startswith("{"):
            result = json.loads(line)
            break
        fields = line.strip().split(",")
        if fields[0] == "onednn_verbose" and "exec" in fields:
            milliseconds[fields[fields.index("exec") + 2]] += float(fields[-1]) / STEPS
    batch = json.loads((FOLDER / "settings.json").read_text())["batch"]
    return {"all": 1000 * batch / result["rate"], **milliseconds}


def row(turns: list[dict[str, float]]) -> dict[str, str]:
    kinds = ("all", "convolution", "deconvolution", "matmul", "inner_product", "reorder")
    medians = {kind: median(turn.get(kind, 0.0) for turn in turns) for kind in kinds}
    medians["everything else"] = medians["all"] - sum(medians[kind] for kind in kinds[1:])
    return {kind: f"{value:.1f}" for kind, value in medians.items()}


def max_speed_up(rounds: list[dict[str, dict[str, float]]]) -> float:
    """PyTorch's step ÷ the time of TensorFlow's convolutions, median of the rounds."""
    ratios = (turns["pytorch"]["all"] / turns["tensorflow"]["convolution"] for turns in rounds)
    return median(ratios)


if __name__ == "__main__":
    run(main, [train])
