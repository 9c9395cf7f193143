"""Judges a model that has no judge of its own, by the domains that it was trained on.

What it paints should resemble held-out pictures of its last domain. The first picture that it asks
for is shown it from its first domain, the second from its second, and so on; a number is counted
up.
"""

from itertools import cycle
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.evaluation import metrics
from stylefuse.evaluation.bench import DISTANCES, Bench
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sheets import save_grid, spread

SHOWN, SIDE = 8, 128  # columns of the sheet, and the side of a picture in it


def judge(bench: Bench) -> tuple[dict[str, Any], Page]:
    """Paint from held-out pictures or from numbers, beside doing nothing or copying."""
    domains, recipe = bench.train.domains, bench.recipe
    asked = [name for name, kind in recipe.inputs.items() if kind is Image.Image]
    shown = {name: bench.tiles(domain) for name, domain in zip(asked, cycle(domains), strict=False)}
    most = bench.settings.photographs if asked else bench.settings.portraits
    count = min([most, *map(len, shown.values())])

    def inputs(index: int) -> dict[str, Any]:
        pictures = {name: Image.fromarray(tiles[index]) for name, tiles in shown.items()}
        return {name: pictures.get(name, index) for name in recipe.inputs}

    options = recipe.options()
    painted = np.stack(
        [np.asarray(bench.artist.paint(inputs(index), options)) for index in range(count)]
    )
    target = domains[-1]
    beside, others = (
        ("doing nothing", shown[asked[0]][:count])
        if asked
        else ("training pictures", bench.tiles(target, "train"))
    )
    methods = {beside: np.asarray(others), OURS: painted}
    references = bench.network(np.asarray(bench.tiles(target)))
    rows = {name: bench.distances(bench.network(x), references) for name, x in methods.items()}
    if asked:
        for name, pictures in methods.items():
            rows[name]["ssim"] = float(np.mean(list(map(metrics.ssim, pictures, others))))

    sheet = bench.sheets / "samples.png"
    columns = [spread(np.asarray(tiles[:count]), SHOWN) for tiles in (*shown.values(), painted)]
    save_grid(sheet, columns, SIDE, names=[*asked, OURS])
    result = {"painted": count, "references": len(references.pooled), "methods": rows}
    return result, _page(bench, result, beside, Picture(sheet, "inputs, and what was painted"))


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
