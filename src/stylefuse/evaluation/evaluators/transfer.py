"""Evaluation of style transfer, compared with three baselines, and of fusion."""

from typing import Any

import numpy as np
from rich.progress import track
from scipy.stats import spearmanr

from stylefuse.evaluation.baselines.colour_matching import match_colours
from stylefuse.evaluation.baselines.published_network import ArbitraryStylisation
from stylefuse.evaluation.comparison import PictureResults
from stylefuse.evaluation.context import DISTANCES_NOTE, EvaluationContext
from stylefuse.evaluation.evaluators.fusion import (
    FusionPair,
    evaluate_fusion,
    make_fusion_pairs,
    save_fusion_grids,
)
from stylefuse.evaluation.evaluators.strokes import Method, StrokeEvaluation
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.metrics.patch_retrieval import patch_retrieval
from stylefuse.evaluation.metrics.ssim import low_pass_ssim, ssim
from stylefuse.evaluation.metrics.style_distance import style_distance
from stylefuse.evaluation.pairs import Pairs, make_pairs
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import evenly_spaced, save_grid

PHOTOGRAPH = "unstyled photograph"  # the identity baseline
COLOUR_MATCHING = "colour matching"
PUBLISHED = "published network"
STROKE_SCORE = "stroke_score"
BATCH = 10
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
STRENGTH_PAIRS = 20
GRID_ROWS, CELL_SIDE = 6, 176  # of a sample grid; the side in pixels


def evaluate(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Stylize the evaluation pairs with every method, and fuse some pictures."""
    pairs = _pairs(context)
    methods: dict[str, Method] = {
        PHOTOGRAPH: lambda contents, styles: contents,
        COLOUR_MATCHING: match_colours,
        PUBLISHED: ArbitraryStylisation().stylize,
        OURS: context.predictor.stylizer.stylize,
    }
    outputs = {name: _stylize(method, pairs, name) for name, method in methods.items()}
    contents, styles, references = map(
        context.network, (pairs.contents, pairs.styles, pairs.references)
    )
    unstyled_distance = style_distance(contents.style, styles.style).mean()

    def metrics(pictures: np.ndarray) -> dict[str, float]:
        features = context.network(pictures)
        distance = style_distance(features.style, styles.style).mean()
        content_metrics = {
            metric.__name__: float(np.mean(list(map(metric, pictures, pairs.contents))))
            for metric in (low_pass_ssim, ssim, patch_retrieval)
        }
        return {
            **context.distances(features, references),
            **content_metrics,
            "style_ratio": distance / unstyled_distance,
        }

    strokes = StrokeEvaluation(context)
    rows = {
        name: _stroke_metrics(strokes, method, name) | metrics(outputs[name])
        for name, method in methods.items()
    }
    even = pairs.reference_paintings % 2 == 0
    halves = (Features(*(x[half] for x in references)) for half in (even, ~even))
    fusion_pairs = make_fusion_pairs(pairs, context.params.seed)
    result = {
        "pairs": len(pairs.rows),
        "references": len(references.pooled),
        "methods": rows,
        "half_against_half": context.distances(*halves),
        "kid_ratio": rows[OURS]["kid"] / rows[PHOTOGRAPH]["kid"],
        "published_network_kid_ratio": rows[PUBLISHED]["kid"] / rows[PHOTOGRAPH]["kid"],
        "strength_rank_correlation": _strength_rank_correlation(context, pairs, styles),
        "fusion": evaluate_fusion(context.predictor, context.network, fusion_pairs),
    }
    _save_grids(context, pairs, outputs, fusion_pairs)
    return result, _page(context, result)


def picture_results(context: EvaluationContext) -> PictureResults:
    """Per-picture results: stroke score and content preservation, resampled by painting."""
    strokes = StrokeEvaluation(context)
    outputs = strokes.paint(context.predictor.stylizer.stylize, OURS)
    return PictureResults(
        primary=STROKE_SCORE,
        metrics={
            STROKE_SCORE: strokes.scores(outputs).stroke_score,
            **{
                metric.__name__: np.array(list(map(metric, outputs, strokes.contents)))
                for metric in (low_pass_ssim, patch_retrieval)
            },
        },
        groups=strokes.paintings,
    )


def _stroke_metrics(strokes: StrokeEvaluation, method: Method, name: str) -> dict[str, float]:
    scores = strokes.scores(strokes.paint(method, name))
    return {STROKE_SCORE: scores.stroke_score.mean(), "nearest_painting": scores.nearest.mean()}


def _pairs(context: EvaluationContext) -> Pairs:
    return make_pairs(context.manifest(), context.split, context.settings, context.params.seed)


def _stylize(method: Method, pairs: Pairs, name: str) -> np.ndarray:
    contents, styles = pairs.contents, pairs.styles
    batches = [
        method(contents[i : i + BATCH], styles[i : i + BATCH])
        for i in track(range(0, len(contents), BATCH), description=f"stylizing: {name}")
    ]
    return np.concatenate(batches)


def _strength_rank_correlation(context: EvaluationContext, pairs: Pairs, styles: Features) -> float:
    """Spearman correlation of strength with similarity to the style, averaged over some pairs."""
    selected = slice(None, None, max(1, len(pairs.rows) // STRENGTH_PAIRS))
    contents, paintings = pairs.contents[selected], pairs.styles[selected]
    similarities = []
    for strength in track(STRENGTHS, description="stylizing at several strengths"):
        outputs = context.network(context.predictor.stylizer.stylize(contents, paintings, strength))
        similarities.append(-style_distance(outputs.style, styles.style[selected]))
    correlations = [spearmanr(STRENGTHS, row).statistic for row in np.transpose(similarities)]
    return float(np.mean(correlations))


def _save_grids(
    context: EvaluationContext,
    pairs: Pairs,
    outputs: dict[str, np.ndarray],
    fusion_pairs: list[FusionPair],
) -> None:
    """Write photographs by paintings, the methods side by side, and fusions."""
    photographs = evenly_spaced(pairs.photographs, GRID_ROWS)
    paintings = evenly_spaced(pairs.paintings, GRID_ROWS)
    rows: list[list[np.ndarray | None]] = [[None, *paintings]]
    for photograph in photographs:
        contents = np.repeat(photograph[None], len(paintings), axis=0)
        rows.append([photograph, *context.predictor.stylizer.stylize(contents, paintings)])
    names = ["photograph", *["painting"] * len(paintings)]
    save_grid(context.sample_grids / "styles.png", rows, CELL_SIDE, names)

    methods = [name for name in outputs if name != PHOTOGRAPH]
    selected = evenly_spaced(np.arange(len(pairs.rows)), GRID_ROWS)
    rows = [
        [pairs.contents[i], pairs.styles[i], *(outputs[method][i] for method in methods)]
        for i in selected
    ]
    names = ["photograph", "painting", *methods]
    save_grid(context.sample_grids / "methods.png", rows, CELL_SIDE, names)
    save_fusion_grids(context.predictor, fusion_pairs, context.sample_grids)


def _page(context: EvaluationContext, result: dict[str, Any]) -> Page:
    methods, fusion = result["methods"], result["fusion"]
    exposure = {name: row["double_exposure"] for name, row in fusion["modes"].items()}
    return Page(
        "Style transfer and fusion on held-out pictures",
        f"The stroke score is <b>{methods[OURS][STROKE_SCORE]:.2f}</b>: 0 is the photograph's "
        "brushwork, 1 the painting's. The published network's is "
        f"{methods[PUBLISHED][STROKE_SCORE]:.2f}. KID to held-out paintings is "
        f"<b>{_relative_to_photograph(result['kid_ratio'])}</b>; the published network's is "
        f"{_relative_to_photograph(result['published_network_kid_ratio'])}. Low-pass SSIM to the "
        f"photograph, which measures whether the scene is preserved, is "
        f"<b>{methods[OURS]['low_pass_ssim']:.2f}</b>. The double-exposure metric of a fusion with "
        f"balanced options is <b>{exposure['saliency']:.2f}</b>, that of a cross-fade "
        f"{exposure['cross-fade']:.2f}.",
        {
            "Photographs in the style of held-out paintings": [
                Picture(
                    context.sample_grids / "styles.png",
                    "one row per photograph, one column per painting",
                )
            ],
            "Transfer": [
                Table({**methods, "paintings, half against half": result["half_against_half"]}),
                f"{result['pairs']} pairs of a photograph and a painting of the {context.split} "
                f"split; {result['references']} crops of its paintings as references. "
                "The stroke score compares luminance only, with half of a painting while the other "
                "half was given as style; beside it the share of outputs whose strokes are nearest "
                f"to their own painting's. {DISTANCES_NOTE} The {PHOTOGRAPH} is the identity "
                "baseline. Style distance is the distance to the painting, divided by that of the "
                "photograph. SSIM alone favours the identity baseline.",
                "The rank correlation of strength with similarity to the style is "
                f"{result['strength_rank_correlation']:.2f}.",
                Picture(
                    context.sample_grids / "methods.png", "one row per pair, one column per method"
                ),
            ],
            "Fusion": [
                Picture(
                    context.sample_grids / "fusion.png",
                    "content from B to A in columns, style from B to A in rows",
                ),
                "Content changes from B to A from left to right, style from B to A downwards.",
                Table(fusion["balances"], "balance"),
                f"Over {fusion['balance_pairs']} pairs: the rank correlation of a balance with the "
                "position of content or style between B (0) and A (1), the range of that position, "
                "and the largest step over the mean step.",
                Table(fusion["endpoints"], "compared with A or B"),
                "With both balances at an endpoint the fusion is the network's reconstruction of A "
                f"or B, to within {fusion['max_difference']} of 255 levels.",
                Table(fusion["modes"], "balanced options"),
                f"Over {fusion['pairs']} pairs of held-out pictures, half of them of a photograph "
                "and a painting. A cross-fade is of pixels, a painted one of the network's "
                "reconstructions. Double exposure is 1 for an even cross-fade and 0 if each place "
                "shows only one picture. Edge transfer is Q<sup>AB/F</sup> of Xydeas &amp; "
                "Petrović. The mask shows A on the left; seam energy is the energy of the steps "
                "across its border, divided by that of the steps near it.",
                Picture(
                    context.sample_grids / "modes.png", "one row per pair, one column per mode"
                ),
            ],
        },
    )


def _relative_to_photograph(ratio: float) -> str:
    """'27 % lower than the unstyled photograph's'."""
    change = "lower" if ratio < 1 else "higher"
    return f"{100 * abs(1 - ratio):.0f} % {change} than the {PHOTOGRAPH}'s"
