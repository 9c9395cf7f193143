"""Default evaluation, for models without an evaluator of their own.

Outputs are compared with held-out pictures of the last domain that the model was trained on.
The picture inputs of the model get pictures of its domains in order; an integer input gets
0, 1, 2, …
"""

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.evaluation.comparison import KID, PictureResults
from stylefuse.evaluation.context import DISTANCES_NOTE, EvaluationContext
from stylefuse.evaluation.metrics.ssim import ssim
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import evenly_spaced, save_grid

UNCHANGED, TRAINING = "unchanged input", "training pictures"  # baselines
GRID_COLUMNS, CELL_SIDE = 8, 128  # of the sample grid; the side in pixels


class Outputs(NamedTuple):
    """What a model painted, and from which inputs.

    Attributes:
        inputs: picture input → uint8 `[n, side, side, 3]`; empty if all inputs are integers.
        pictures: the outputs, uint8 `[n, height, width, 3]`.
    """

    inputs: dict[str, np.ndarray]
    pictures: np.ndarray


def evaluate(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Evaluate outputs and, as the baseline, unchanged inputs or training pictures."""
    inputs, outputs = _paint(context)
    domain = context.model_settings.domains[-1]
    if inputs:
        baseline, baseline_pictures = UNCHANGED, next(iter(inputs.values()))
    else:
        baseline, baseline_pictures = TRAINING, np.asarray(context.tiles(domain, "train"))
    methods = {baseline: baseline_pictures, OURS: outputs}
    references = context.network(_reference_pictures(context))
    rows = {name: context.distances(context.network(x), references) for name, x in methods.items()}
    if inputs:
        for name, pictures in methods.items():
            rows[name]["ssim"] = float(np.mean(list(map(ssim, pictures, baseline_pictures))))

    path = context.sample_grids / "samples.png"
    grid = [evenly_spaced(pictures, GRID_COLUMNS) for pictures in (*inputs.values(), outputs)]
    save_grid(path, grid, CELL_SIDE, row_names=[*inputs, OURS])
    result = {"painted": len(outputs), "references": len(references.pooled), "methods": rows}
    return result, _page(context, result, baseline, Picture(path, "inputs and outputs"))


def picture_results(context: EvaluationContext) -> PictureResults:
    """Per-picture results: features for KID, and similarity to the first input picture."""
    inputs, outputs = _paint(context)
    references = context.network(_reference_pictures(context)).pooled
    first_input = next(iter(inputs.values()), None)
    metrics = {}
    if first_input is not None:
        metrics["ssim"] = np.array(list(map(ssim, outputs, first_input)))
    return PictureResults(
        primary=KID,
        metrics=metrics,
        groups=np.arange(len(outputs)),
        features=context.network(outputs).pooled,
        references=references,
        reference_groups=np.arange(len(references)),
        paired=bool(inputs),
    )


def _reference_pictures(context: EvaluationContext) -> np.ndarray:
    return np.asarray(context.tiles(context.model_settings.domains[-1]))


def _paint(context: EvaluationContext) -> Outputs:
    domains = cycle(context.model_settings.domains)
    kinds = context.predictor.inputs
    names = [name for name, kind in kinds.items() if kind is Image.Image]
    tiles = {name: context.tiles(domain) for name, domain in zip(names, domains, strict=False)}
    max_count = context.settings.photographs if names else context.settings.portraits
    count = min([max_count, *map(len, tiles.values())])
    inputs = {name: np.asarray(pictures[:count]) for name, pictures in tiles.items()}

    def inputs_at(index: int) -> dict[str, Any]:
        pictures = {name: Image.fromarray(tiles[index]) for name, tiles in inputs.items()}
        return {name: pictures.get(name, index) for name in kinds}

    options = context.predictor.options()
    outputs = [
        np.asarray(context.predictor.paint(inputs_at(index), options)) for index in range(count)
    ]
    return Outputs(inputs, np.stack(outputs))


def _page(
    context: EvaluationContext, result: dict[str, Any], baseline: str, sample_grid: Picture
) -> Page:
    rows, domain = result["methods"], context.model_settings.domains[-1]
    return Page(
        f"The model {context.task.name} on held-out pictures",
        f"KID to held-out pictures of the domain {domain} is <b>{rows[OURS]['kid']:.3f}</b>; "
        f"the baseline ({baseline}) has {rows[baseline]['kid']:.3f}.",
        {
            "Pictures": [sample_grid],
            "Metrics": [
                Table(rows),
                f"{result['painted']} outputs; {result['references']} references of the "
                f"{context.split} split. {DISTANCES_NOTE} SSIM compares with the first input "
                "picture, if there is one.",
            ],
        },
    )
