"""Transfer beside doing nothing, matching colours and the published network; and fusion."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from scipy.stats import spearmanr

from stylefuse.evaluation.baselines.style_transfer import ArbitraryStylisation, match_colours
from stylefuse.evaluation.comparison import KID, PictureResults
from stylefuse.evaluation.context import DISTANCES, MANIFEST, NETWORKS, EvaluationContext
from stylefuse.evaluation.evaluators.fusion import evaluate_fusion, make_couples, save_fusions
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.metrics.patch_retrieval import patch_retrieval
from stylefuse.evaluation.metrics.ssim import low_pass_ssim, ssim
from stylefuse.evaluation.metrics.style_distance import style_distance
from stylefuse.evaluation.pairs import Pairs, make_pairs
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import save_grid, spread

BATCH = 10
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
STRENGTH_PAIRS = 20
SHOWN, SIDE = 6, 176  # rows of a sheet, and the side of a picture in it

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def judge(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Paint the pairs with every method, and fuse some."""
    pairs = make_pairs(
        pd.read_parquet(MANIFEST), context.split, context.settings, context.params.seed
    )
    stylize = context.predictor.stylizer.stylize
    methods: dict[str, Method] = {
        "doing nothing": lambda contents, styles: contents,
        "matching colours": match_colours,
        "published network": ArbitraryStylisation(NETWORKS / "arbitrary-stylisation").stylize,
        OURS: stylize,
    }
    painted = {name: _paint(method, pairs, name) for name, method in methods.items()}
    contents, styles, references = map(
        context.network, (pairs.contents, pairs.styles, pairs.references)
    )
    untouched = style_distance(contents.style, styles.style).mean()

    def figures(pictures: np.ndarray) -> dict[str, float]:
        found = context.network(pictures)
        away = style_distance(found.style, styles.style).mean()
        kept = {
            measure.__name__: float(np.mean(list(map(measure, pictures, pairs.contents))))
            for measure in (low_pass_ssim, ssim, patch_retrieval)
        }
        return context.distances(found, references) | kept | {"style_ratio": away / untouched}

    rows = {name: figures(pictures) for name, pictures in painted.items()}
    even = pairs.works % 2 == 0
    floor = context.distances(*(Features(*(x[half] for x in references)) for half in (even, ~even)))
    couples = make_couples(pairs, context.params.seed)
    result = {
        "pairs": len(pairs.rows),
        "references": len(references.pooled),
        "methods": rows,
        "paintings beside paintings": floor,
        "kid_beside_doing_nothing": rows[OURS]["kid"] / rows["doing nothing"]["kid"],
        "peer_kid_beside_doing_nothing": rows["published network"]["kid"]
        / rows["doing nothing"]["kid"],
        "strength_rank_correlation": _strength_order(context, pairs, styles),
        "fusion": evaluate_fusion(context.predictor, context.network, couples),
    }
    _save_sheets(context, pairs, painted)
    save_fusions(context.predictor, couples, context.sample_grids)
    return result, _page(context, result)


def score(context: EvaluationContext) -> PictureResults:
    """The painted pairs: nearness to paintings, and whether the scene stayed."""
    pairs = make_pairs(
        pd.read_parquet(MANIFEST), context.split, context.settings, context.params.seed
    )
    painted = _paint(context.predictor.stylizer.stylize, pairs, "the pairs")
    kept = (low_pass_ssim, patch_retrieval)
    return PictureResults(
        aim=KID,
        figures={m.__name__: np.array(list(map(m, painted, pairs.contents))) for m in kept},
        groups=pairs.rows[:, 0],
        features=context.network(painted).pooled,
        references=context.network(pairs.references).pooled,
        reference_groups=pairs.works,
    )


def _paint(method: Method, pairs: Pairs, name: str) -> np.ndarray:
    starts = range(0, len(pairs.rows), BATCH)
    parts = [
        method(pairs.contents[i : i + BATCH], pairs.styles[i : i + BATCH])
        for i in track(starts, description=f"painting: {name}")
    ]
    return np.concatenate(parts)


def _strength_order(context: EvaluationContext, pairs: Pairs, styles: Features) -> float:
    """Spearman correlation of strength and nearness to the style, averaged over some pairs."""
    every = slice(None, None, max(1, len(pairs.rows) // STRENGTH_PAIRS))
    contents, paintings = pairs.contents[every], pairs.styles[every]
    nearness = []
    for strength in track(STRENGTHS, description="turning the strength dial"):
        painted = context.network(context.predictor.stylizer.stylize(contents, paintings, strength))
        nearness.append(-style_distance(painted.style, styles.style[every]))
    orders = [spearmanr(STRENGTHS, row).statistic for row in np.transpose(nearness)]
    return float(np.mean(orders))


def _save_sheets(context: EvaluationContext, pairs: Pairs, painted: dict[str, np.ndarray]) -> None:
    """A table of photographs by paintings, and the methods side by side."""
    photographs, paintings = spread(pairs.photographs, SHOWN), spread(pairs.paintings, SHOWN)
    table: list[list[np.ndarray | None]] = [[None, *paintings]]
    for photograph in photographs:
        contents = np.repeat(photograph[None], len(paintings), axis=0)
        table.append([photograph, *context.predictor.stylizer.stylize(contents, paintings)])
    columns = ["photograph", *["painting"] * len(paintings)]
    save_grid(context.sample_grids / "styles.png", table, SIDE, columns)

    shown = [name for name in painted if name != "doing nothing"]
    every = spread(np.arange(len(pairs.rows)), SHOWN)
    rows = [[pairs.contents[i], pairs.styles[i], *(painted[m][i] for m in shown)] for i in every]
    save_grid(context.sample_grids / "methods.png", rows, SIDE, ["photograph", "painting", *shown])


def _page(context: EvaluationContext, result: dict[str, Any]) -> Page:
    methods, fusion = result["methods"], result["fusion"]
    exposure = {name: row["double_exposure"] for name, row in fusion["modes"].items()}
    return Page(
        "Style transfer and fusion, judged on held-out pictures",
        "The distance to held-out paintings (KID) is "
        f"<b>{result['kid_beside_doing_nothing']:.2f}</b> of doing nothing's; the published "
        f"network reaches {result['peer_kid_beside_doing_nothing']:.2f}. The scene stays: low-pass "
        f"SSIM to the photograph is <b>{methods[OURS]['low_pass_ssim']:.2f}</b>. A fusion with its "
        f"dials in the middle scores <b>{exposure['saliency']:.2f}</b> as a double exposure, a "
        f"cross-fade {exposure['cross-fade']:.2f}.",
        {
            "Photographs painted after paintings never trained on": [
                Picture(
                    context.sample_grids / "styles.png",
                    "photographs down the side, paintings along the top",
                )
            ],
            "Transfer": [
                Table(
                    {**methods, "paintings, half beside half": result["paintings beside paintings"]}
                ),
                f"{result['pairs']} pairs of a photograph and a painting of the {context.split} "
                f"split; {result['references']} crops of its paintings to compare with. "
                f"{DISTANCES} Style distance: to the painting, beside the photograph's own. SSIM "
                "alone rewards doing nothing.",
                "Strength and nearness to the style go together with a rank correlation of "
                f"{result['strength_rank_correlation']:.2f}.",
                Picture(
                    context.sample_grids / "methods.png", "one row per pair, one column per method"
                ),
            ],
            "Fusion": [
                Picture(
                    context.sample_grids / "fusion.png",
                    "content from B to A across, style from B to A downwards",
                ),
                "Content turns from B to A across, style from B to A downwards.",
                Table(fusion["dials"], "dial"),
                f"Over {fusion['dialled']} pairs: the rank correlation of a dial with the way that "
                "content or style has gone from B to A, how much of that way it goes in all, and "
                "its largest step.",
                Table(fusion["ends"], "against A or B"),
                "With both dials at an end the picture is the network's own reconstruction "
                f"of A or B, to within {fusion['largest_difference']} of 255 levels.",
                Table(fusion["modes"], "dials in the middle"),
                f"Over {fusion['pairs']} pairs of held-out pictures, half of them of a photograph "
                "and a painting; a cross-fade is of pixels, a painted one of the network's "
                "reconstructions. A double exposure shows both pictures on top of each other: 1 "
                "for an even cross-fade, 0 where each place shows one of them. Edges kept: "
                "Q<sup>AB/F</sup> of Xydeas &amp; Petrović. The mask shows A on the left; seam "
                "energy is that of the steps across its border, beside those near it.",
                Picture(
                    context.sample_grids / "modes.png", "one row per pair, one column per mode"
                ),
            ],
        },
    )
