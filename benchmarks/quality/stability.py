"""Training stability: a discriminator that wins, and the effect of each countermeasure.

    python -m benchmarks.quality.stability
    python -m benchmarks.quality.stability --docs .cache/trial --kimg 0.5 --seeds 7 \\
        --evaluate '{"portraits": 16}'                                               a trial

Needs the data that `make repro` leaves. The portrait model has the fewest training pictures, so its
discriminator overfits most easily.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.quality.variants import PORTRAIT_SETTINGS, run_variants
from stylefuse.evaluation.report import OURS
from stylefuse.training.diagnostics import MAX_ACCURACY, TICKS, alarms

TICKS_PER_RUN = 40  # rows of metrics
CURVES = {
    "accuracy_real": ("accuracy on real", "#4477aa"),
    "accuracy_fake": ("accuracy on generated", "#ee6677"),
    "accuracy_held_out": ("accuracy on held-out real", "#66ccee"),
    "variety": ("variety of generated", "#777777"),
}
Metric = Callable[[dict], float]  # of the result of a run
PROVOKED, ALL = "provoked", "all together"
WINS = "discriminator wins"


def main() -> None:
    parser = report.training_parser(__doc__, kimg=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    args = parser.parse_args()
    variants = {
        f"{name} {seed}": PORTRAIT_SETTINGS
        | {"kimg": args.kimg, "tick_kimg": args.kimg / TICKS_PER_RUN, "seed": seed, **changes}
        for seed in args.seeds
        for name, changes in _countermeasures().items()
    }
    results = run_variants("stability", "portrait", variants, **args.evaluate)
    runs = {name: [results[f"{name} {seed}"] for seed in args.seeds] for name in _countermeasures()}
    args.docs.mkdir(parents=True, exist_ok=True)
    first = {name: seeds[0]["curves"] for name, seeds in runs.items()}
    _chart(first, args.docs / "stability.svg")
    report.write(
        args.docs,
        "stability",
        "A discriminator that wins, and what helps",
        f"The portrait model for {args.kimg:g} thousand pictures, with "
        f"{len(args.seeds)} seeds. *{PROVOKED}*: five times the discriminator's learning rate, "
        "twice its width, no gradient penalty, no augmentation. Each countermeasure changes one of "
        f"these; *{ALL}* changes all. The curves are of the first seed.",
        "![curves](stability.svg)",
        report.table({name: _row(seeds) for name, seeds in runs.items()}),
        "Means over the last quarter of each run, then over the seeds; in brackets the least and "
        "the most of the seeds. *Overfitting* is the accuracy on the portraits that the "
        "discriminator is trained on, less that on held-out ones. Variety and KID are relative to "
        "real portraits; KID is on the validation split. The last column counts the runs with the "
        f"alarm that the discriminator wins: over {TICKS} ticks, its accuracy is more than "
        f"{MAX_ACCURACY:.0%} on real and on generated portraits.",
        _conclusions(runs),
    )


def _countermeasures() -> dict[str, dict[str, Any]]:
    rate, width = (
        PORTRAIT_SETTINGS["discriminator_learning_rate"],
        PORTRAIT_SETTINGS["discriminator_width"],
    )
    provoked = {
        "discriminator_learning_rate": 5 * rate,
        "discriminator_width": 2 * width,
        "discriminator_interval": 1,
        "r1": 0.0,
        "augment_target": 0.0,
    }
    changes: dict[str, dict[str, Any]] = {
        PROVOKED: {},
        "a lower rate": {"discriminator_learning_rate": rate},
        "a narrower one": {"discriminator_width": width // 2},
        "every other step": {"discriminator_interval": 2},
        "gradient penalty": {"r1": PORTRAIT_SETTINGS["r1"]},
        "augmentation": {"augment_target": 0.7},
    }
    return {name: provoked | change for name, change in changes.items()} | {ALL: {}}


def _late(result: dict, metric: str) -> float:
    """The mean over the last quarter of a run."""
    curve = [row[metric] for row in result["curves"]]
    return float(np.mean(curve[-max(1, len(curve) // 4) :]))


def _overfitting(result: dict) -> float:
    return _late(result, "accuracy_real") - _late(result, "accuracy_held_out")


def _variety(result: dict) -> float:
    return _late(result, "variety")


def _kid(result: dict) -> float:
    return result["metrics"]["methods"][OURS]["kid"]


def _won(result: dict) -> bool:
    """Whether the alarm is raised, with the current thresholds."""
    curves = result["curves"]
    return any(WINS in alarms(curves[:end]) for end in range(1, len(curves) + 1))


def _row(seeds: list[dict]) -> dict[str, str]:
    finished = [result for result in seeds if "diverged" not in result]
    if not finished:
        return {"KID ↓": "diverged"}

    def spread(metric: Metric, form: str) -> str:
        values = [metric(result) for result in finished]
        mean = f"{np.mean(values):{form}}"
        return f"{mean} ({min(values):{form}}…{max(values):{form}})" if len(values) > 1 else mean

    return {
        "real": spread(lambda r: _late(r, "accuracy_real"), ".0%"),
        "generated": spread(lambda r: _late(r, "accuracy_fake"), ".0%"),
        "overfitting ↓": spread(_overfitting, ".0%"),
        "variety → 1": spread(_variety, ".2f"),
        "KID ↓": spread(_kid, ".3f"),
        "alarm": f"{sum(map(_won, seeds))} of {len(seeds)}",
    }


def _conclusions(runs: dict[str, list[dict]]) -> str:
    """Compare the countermeasures with the provoked run, seed by seed."""
    provoked = runs[PROVOKED]
    others = {name: seeds for name, seeds in runs.items() if name != PROVOKED}

    def better(metric: Metric, sign: int) -> str:
        """The countermeasures that are better than the provoked run with every seed."""
        names = [
            name
            for name, seeds in others.items()
            if all(
                "diverged" not in run | baseline and sign * (metric(run) - metric(baseline)) > 0
                for run, baseline in zip(seeds, provoked, strict=True)
            )
        ]
        return ", ".join(names) or "nothing"

    return (
        f"Better than the provoked run with every seed: in variety {better(_variety, 1)}; "
        f"in overfitting {better(_overfitting, -1)}; in KID {better(_kid, -1)}."
    )


def _chart(curves: dict[str, list[dict]], path: Path) -> None:
    """Draw the curves of each run in a panel of its own."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    style: dict[Any, Any] = {"svg.hashsalt": "stylefuse", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.edgecolor": "#999999"}  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = pyplot.subplots(
            2, 4, figsize=(11, 4.6), sharex=True, sharey=True, layout="constrained"
        )
        *panels, legend = axes.flat
        for axis, (name, rows) in zip(panels, curves.items(), strict=True):
            kimg = [row["kimg"] for row in rows]
            for metric, (label, colour) in CURVES.items():
                values = [row[metric] for row in rows]
                axis.plot(kimg, values, color=colour, linewidth=1.4, label=label)
            axis.set_title(name, loc="left")
            axis.set_ylim(0, 1.25)
            axis.grid(alpha=0.2)
        for axis in axes[1]:
            axis.set_xlabel("thousands of pictures")
        axes[0, 3].tick_params(labelbottom=True)
        legend.axis("off")
        legend.legend(*panels[0].get_legend_handles_labels(), loc="center", frameon=False)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


if __name__ == "__main__":
    main()
