"""What a discriminator that wins looks like, and what each remedy does about it.

    python benchmarks/stability.py
    python benchmarks/stability.py --docs .cache/trial --kimg 0.5 --judging '{"portraits": 16}'

The portrait model has the fewest pictures to learn by heart, so that it is the one to provoke.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.quality.variants import FACES, run_variants
from stylefuse.evaluation.report import OURS

TICKS = 40  # rows of metrics in a run
CURVES = {
    "accuracy_real": ("right on real", "#4477aa"),
    "accuracy_fake": ("right on painted", "#ee6677"),
    "accuracy_held_out": ("right on held-out real", "#66ccee"),
    "variety": ("variety of the painted", "#777777"),
}
PROVOKED, TASK = "provoked", "the recipe"


def main() -> None:
    args = page.judged_parser(__doc__, kimg=6).parse_args()
    asked = {
        name: FACES | {"kimg": args.kimg, "tick_kimg": args.kimg / TICKS, **own}
        for name, own in _remedies().items()
    }
    results = run_variants("stability", "portrait", asked, **args.judging)
    args.docs.mkdir(parents=True, exist_ok=True)
    _chart(results, args.docs / "stability.svg")
    page.write(
        args.docs,
        "stability",
        "A discriminator that wins, and what helps",
        f"The portrait model for {args.kimg:g} thousand pictures. *{PROVOKED}*: five times the "
        "discriminator's learning rate, twice its width, no gradient penalty, no augmentation. "
        f"Each remedy changes one thing of that; *{TASK}* changes all.",
        "![curves](stability.svg)",
        page.table({name: _row(result) for name, result in results.items()}),
        "Accuracies and variety are means over the last quarter of the run. *By heart* is how much "
        "more often the discriminator is right on the portraits it is trained on than on held-out "
        "ones. Variety and KID are against real portraits; KID is on the validation split.",
        _conclusions({name: r for name, r in results.items() if "diverged" not in r}),
    )


def _remedies() -> dict[str, dict[str, Any]]:
    rate, width = FACES["discriminator_learning_rate"], FACES["discriminator_width"]
    provoked = {
        "discriminator_learning_rate": 5 * rate,
        "discriminator_width": 2 * width,
        "discriminator_interval": 1,
        "r1": 0.0,
        "augment_target": 0.0,
    }
    remedies = {
        PROVOKED: {},
        "a lower rate": {"discriminator_learning_rate": rate},
        "a narrower one": {"discriminator_width": width // 2},
        "every other step": {"discriminator_interval": 2},
        "gradient penalty": {"r1": FACES["r1"]},
        "augmentation": {"augment_target": 0.7},
    }
    return {name: provoked | own for name, own in remedies.items()} | {TASK: {}}


def _late(result: dict, figure: str) -> float:
    """The mean over the last quarter of a run."""
    curve = [row[figure] for row in result["curves"]]
    return float(np.mean(curve[-max(1, len(curve) // 4) :]))


def _by_heart(result: dict) -> float:
    return _late(result, "accuracy_real") - _late(result, "accuracy_held_out")


def _kid(result: dict) -> float:
    return result["figures"]["methods"][OURS]["kid"]


def _row(result: dict) -> dict[str, str]:
    if not result["curves"]:
        return {"alarms": result["diverged"]}
    return {
        "real": f"{_late(result, 'accuracy_real'):.0%}",
        "painted": f"{_late(result, 'accuracy_fake'):.0%}",
        "held-out real": f"{_late(result, 'accuracy_held_out'):.0%}",
        "by heart ↓": f"{_by_heart(result):.0%}",
        "variety → 1": f"{_late(result, 'variety'):.2f}",
        "KID ↓": "diverged" if "diverged" in result else f"{_kid(result):.3f}",
        "alarms": "; ".join(result["alarms"]) or "none",
    }


def _conclusions(results: dict[str, dict]) -> str:
    """What the figures say, in words that are chosen by the figures alone."""
    if PROVOKED not in results:
        return "The provoked run diverged."
    provoked = results[PROVOKED]
    remedies = {name: r for name, r in results.items() if name not in (PROVOKED, TASK)}

    def best(figure: Callable[[dict], float], form: str) -> str:
        name = min(remedies, key=lambda name: figure(remedies[name]))
        before, after = figure(provoked), figure(remedies[name])
        verb = "moves it most" if after < before else "comes nearest, and does not better it"
        return f"“{name}” {verb}, from {before:{form}} to {after:{form}}"

    better = [name for name, result in remedies.items() if _kid(result) < _kid(provoked)]
    quiet = [name for name, result in results.items() if not result["alarms"]]
    sentences = [
        f"Provoked, the discriminator is right on {_late(provoked, 'accuracy_real'):.0%} of real "
        f"and {_late(provoked, 'accuracy_fake'):.0%} of painted portraits, and on "
        f"{_late(provoked, 'accuracy_held_out'):.0%} of real ones that it was not trained on.",
        f"What it knows by heart: {best(_by_heart, '.0%')}.",
        f"How surely it tells painted ones: {best(lambda r: _late(r, 'accuracy_fake'), '.0%')}.",
        f"KID: {best(_kid, '.3f')}; of the single remedies "
        f"{', '.join(better) or 'none'} improve it.",
    ]
    if TASK in results:
        task = results[TASK]
        sentences.append(
            f"All together they leave {_by_heart(task):.0%} by heart, a variety of "
            f"{_late(task, 'variety'):.2f} (provoked {_late(provoked, 'variety'):.2f}) and a KID "
            f"of {_kid(task):.3f} (provoked {_kid(provoked):.3f})."
        )
    sentences.append(f"No alarm is raised in: {', '.join(quiet) or 'no run'}.")
    return " ".join(sentences)


def _chart(results: dict[str, dict], path: Path) -> None:
    """Small multiples, one run each."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    style = {"svg.hashsalt": "stylefuse", "font.size": 9, "axes.spines.top": False,
             "axes.spines.right": False, "axes.edgecolor": "#999999"}  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = pyplot.subplots(
            2, 4, figsize=(11, 4.6), sharex=True, sharey=True, layout="constrained"
        )
        *panels, last = axes.flat
        for axis, (name, result) in zip(panels, results.items(), strict=True):
            kimg = [row["kimg"] for row in result["curves"]]
            for curve, (label, colour) in CURVES.items():
                values = [row[curve] for row in result["curves"]]
                axis.plot(kimg, values, color=colour, linewidth=1.4, label=label)
            axis.set_title(name, loc="left")
            axis.set_ylim(0, 1.25)
            axis.grid(alpha=0.2)
        for axis in axes[1]:
            axis.set_xlabel("thousands of pictures")
        axes[0, 3].tick_params(labelbottom=True)
        last.axis("off")
        last.legend(*panels[0].get_legend_handles_labels(), loc="center", frameon=False)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


if __name__ == "__main__":
    main()
