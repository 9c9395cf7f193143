"""Judges a model that has no judge of its own, by the domains that it was trained on.

What it paints should resemble held-out pictures of its last domain. The first picture that it asks
for is shown it from its first domain, the second from its second, and so on; a number is counted
up.
"""

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.evaluation.comparison import KID, PictureResults
from stylefuse.evaluation.context import DISTANCES, EvaluationContext
from stylefuse.evaluation.metrics.ssim import ssim
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import save_grid, spread

SHOWN, SIDE = 8, 128  # columns of the sheet, and the side of a picture in it


class BatchResult(NamedTuple):
    """What a model was shown, by the name of its inputs, and what it painted of it."""

    shown: dict[str, np.ndarray]  # uint8 [n, side, side, 3] each; empty where it asks for numbers
    pictures: np.ndarray  # uint8 [n, height, width, 3]


def judge(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Paint from held-out pictures or from numbers, beside doing nothing or copying."""
    shown, painted = _paint(context)
    asked, target = list(shown), context.train.domains[-1]
    beside, others = (
        ("doing nothing", shown[asked[0]])
        if asked
        else ("training pictures", np.asarray(context.tiles(target, "train")))
    )
    methods = {beside: others, OURS: painted}
    references = context.network(_target(context))
    rows = {name: context.distances(context.network(x), references) for name, x in methods.items()}
    if asked:
        for name, pictures in methods.items():
            rows[name]["ssim"] = float(np.mean(list(map(ssim, pictures, others))))

    sample_grid = context.sample_grids / "samples.png"
    columns = [spread(tiles, SHOWN) for tiles in (*shown.values(), painted)]
    save_grid(sample_grid, columns, SIDE, names=[*asked, OURS])
    result = {"painted": len(painted), "references": len(references.pooled), "methods": rows}
    return result, _page(
        context, result, beside, Picture(sample_grid, "inputs, and what was painted")
    )


def score(context: EvaluationContext) -> PictureResults:
    """What was painted: nearness to held-out pictures, and to its own first input."""
    shown, painted = _paint(context)
    found, references = context.network(painted), context.network(_target(context))
    first = next(iter(shown.values()), None)
    kept = {} if first is None else {"ssim": np.array(list(map(ssim, painted, first)))}
    return PictureResults(
        aim=KID,
        figures=kept,
        groups=np.arange(len(painted)),
        features=found.pooled,
        references=references.pooled,
        reference_groups=np.arange(len(references.pooled)),
        paired=bool(shown),
    )


def _target(context: EvaluationContext) -> np.ndarray:
    return np.asarray(context.tiles(context.train.domains[-1]))


def _paint(context: EvaluationContext) -> BatchResult:
    task, domains = context.task, cycle(context.train.domains)
    asked = [name for name, kind in task.inputs.items() if kind is Image.Image]
    tiles = {name: context.tiles(domain) for name, domain in zip(asked, domains, strict=False)}
    most = context.settings.photographs if asked else context.settings.portraits
    count = min([most, *map(len, tiles.values())])
    shown = {name: np.asarray(pictures[:count]) for name, pictures in tiles.items()}

    def inputs(index: int) -> dict[str, Any]:
        pictures = {name: Image.fromarray(tiles[index]) for name, tiles in shown.items()}
        return {name: pictures.get(name, index) for name in task.inputs}

    options = task.options()
    painted = [
        np.asarray(context.predictor.paint(inputs(index), options)) for index in range(count)
    ]
    return BatchResult(shown, np.stack(painted))


def _page(
    context: EvaluationContext, result: dict[str, Any], beside: str, sample_grid: Picture
) -> Page:
    rows, target = result["methods"], context.train.domains[-1]
    return Page(
        f"The model {context.task.name}, judged on held-out pictures",
        f"The distance to held-out pictures of the domain {target} (KID) is "
        f"<b>{rows[OURS]['kid']:.3f}</b>; {beside} would be at {rows[beside]['kid']:.3f}.",
        {
            "Pictures": [sample_grid],
            "Figures": [
                Table(rows),
                f"{result['painted']} pictures; {result['references']} of the {context.split} split "
                f"to compare with. {DISTANCES} SSIM is to the picture that was "
                "painted from, if any.",
            ],
        },
    )
