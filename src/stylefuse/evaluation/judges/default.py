"""Judges a model that has no judge of its own, by the domains that it was trained on.

What it paints should resemble held-out pictures of its last domain. The first picture that it asks
for is shown it from its first domain, the second from its second, and so on; a number is counted
up.
"""

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.evaluation import metrics
from stylefuse.evaluation.bench import DISTANCES, Bench
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.scores import KID, Scores
from stylefuse.evaluation.sheets import save_grid, spread

SHOWN, SIDE = 8, 128  # columns of the sheet, and the side of a picture in it


class Painted(NamedTuple):
    """What a model was shown, by the name of its inputs, and what it painted of it."""

    shown: dict[str, np.ndarray]  # uint8 [n, side, side, 3] each; empty where it asks for numbers
    pictures: np.ndarray  # uint8 [n, height, width, 3]


def judge(bench: Bench) -> tuple[dict[str, Any], Page]:
    """Paint from held-out pictures or from numbers, beside doing nothing or copying."""
    shown, painted = _paint(bench)
    asked, target = list(shown), bench.train.domains[-1]
    beside, others = (
        ("doing nothing", shown[asked[0]])
        if asked
        else ("training pictures", np.asarray(bench.tiles(target, "train")))
    )
    methods = {beside: others, OURS: painted}
    references = bench.network(_target(bench))
    rows = {name: bench.distances(bench.network(x), references) for name, x in methods.items()}
    if asked:
        for name, pictures in methods.items():
            rows[name]["ssim"] = float(np.mean(list(map(metrics.ssim, pictures, others))))

    sheet = bench.sheets / "samples.png"
    columns = [spread(tiles, SHOWN) for tiles in (*shown.values(), painted)]
    save_grid(sheet, columns, SIDE, names=[*asked, OURS])
    result = {"painted": len(painted), "references": len(references.pooled), "methods": rows}
    return result, _page(bench, result, beside, Picture(sheet, "inputs, and what was painted"))


def score(bench: Bench) -> Scores:
    """What was painted: nearness to held-out pictures, and to its own first input."""
    shown, painted = _paint(bench)
    found, references = bench.network(painted), bench.network(_target(bench))
    first = next(iter(shown.values()), None)
    kept = {} if first is None else {"ssim": np.array(list(map(metrics.ssim, painted, first)))}
    return Scores(
        aim=KID,
        figures=kept,
        groups=np.arange(len(painted)),
        features=found.pooled,
        references=references.pooled,
        reference_groups=np.arange(len(references.pooled)),
        paired=bool(shown),
    )


def _target(bench: Bench) -> np.ndarray:
    return np.asarray(bench.tiles(bench.train.domains[-1]))


def _paint(bench: Bench) -> Painted:
    recipe, domains = bench.recipe, cycle(bench.train.domains)
    asked = [name for name, kind in recipe.inputs.items() if kind is Image.Image]
    tiles = {name: bench.tiles(domain) for name, domain in zip(asked, domains, strict=False)}
    most = bench.settings.photographs if asked else bench.settings.portraits
    count = min([most, *map(len, tiles.values())])
    shown = {name: np.asarray(pictures[:count]) for name, pictures in tiles.items()}

    def inputs(index: int) -> dict[str, Any]:
        pictures = {name: Image.fromarray(tiles[index]) for name, tiles in shown.items()}
        return {name: pictures.get(name, index) for name in recipe.inputs}

    options = recipe.options()
    painted = [np.asarray(bench.artist.paint(inputs(index), options)) for index in range(count)]
    return Painted(shown, np.stack(painted))


def _page(bench: Bench, result: dict[str, Any], beside: str, sheet: Picture) -> Page:
    rows, target = result["methods"], bench.train.domains[-1]
    return Page(
        f"The model {bench.recipe.name}, judged on held-out pictures",
        f"The distance to held-out pictures of the domain {target} (KID) is "
        f"<b>{rows[OURS]['kid']:.3f}</b>; {beside} would be at {rows[beside]['kid']:.3f}.",
        {
            "Pictures": [sheet],
            "Figures": [
                Table(rows),
                f"{result['painted']} pictures; {result['references']} of the {bench.split} split "
                f"to compare with. {DISTANCES} SSIM is to the picture that was "
                "painted from, if any.",
            ],
        },
    )
