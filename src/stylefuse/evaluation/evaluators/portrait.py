"""Invented portraits beside real ones that were never trained on: how like, how varied, how new."""

from typing import Any, NamedTuple

import keras
import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from stylefuse.evaluation.comparison import KID, PictureResults
from stylefuse.evaluation.context import DISTANCES, EvaluationContext
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import save_grid
from stylefuse.inference.options import PortraitOptions
from stylefuse.models.portrait.batches import invent

SHOWN, NEIGHBOURS, SIDE = 8, 3, 96  # portraits of a sheet, and the side of one in it


class Portraits(NamedTuple):
    """Pictures and what the judging network sees in them."""

    pictures: np.ndarray  # uint8 [n, side, side, 3]
    features: Features


def judge(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Judge invented portraits, and for comparison the training set and an untrained generator."""
    (domain,) = context.train.domains

    def seen(pictures: np.ndarray) -> Portraits:
        return Portraits(pictures, context.network(pictures))

    held_out = seen(np.asarray(context.tiles(domain)))
    training = np.asarray(context.tiles(domain, "train"))
    known = seen(np.concatenate([training, training[:, :, ::-1]]))
    methods = {
        "training pictures": seen(training),
        "untrained": seen(_invent(context, _untrained(context))),
        OURS: seen(_invent(context, context.generator)),
    }
    real = _variety(held_out), *_nearest(held_out, known)
    rows = {}
    for name, made in methods.items():
        beside = (_variety(made), *_nearest(made, known))
        ratios = (float(ours / theirs) for ours, theirs in zip(beside, real, strict=True))
        names = ("variety", "nearest", "nearest_pixels")
        rows[name] = context.distances(made.features, held_out.features) | dict(
            zip(names, ratios, strict=True)
        )
    counts = {
        "portraits": len(methods[OURS].pictures),
        "references": len(held_out.pictures),
        "training": len(training),
    }
    result = {**counts, "methods": rows}
    _save_sheets(context, methods[OURS], known)
    return result, _page(context, result)


def score(context: EvaluationContext) -> PictureResults:
    """Invented portraits: nearness to real ones, how far from each other and from known ones."""
    (domain,) = context.train.domains
    training = np.asarray(context.tiles(domain, "train"))
    known = context.network(np.concatenate([training, training[:, :, ::-1]])).pooled
    invented = context.network(_invent(context, context.generator)).pooled
    held_out = context.network(np.asarray(context.tiles(domain))).pooled
    apart = cdist(invented, invented).sum(axis=1) / (len(invented) - 1)
    real = cdist(held_out, known).min(axis=1).mean()
    return PictureResults(
        aim=KID,
        figures={
            "variety": 2 * apart - apart.mean(),  # each portrait is in both places of a pair
            # further from training pictures than other real ones are is no merit: noise is
            "nearest": np.minimum(cdist(invented, known).min(axis=1), real),
        },
        groups=np.arange(len(invented)),
        features=invented,
        references=held_out,
        reference_groups=np.arange(len(held_out)),
        paired=False,  # a seed is another character to another generator
    )


def _invent(context: EvaluationContext, generator: Any) -> np.ndarray:
    return invent(generator, context.settings.portraits, generator.latent, context.params.seed)


def _untrained(context: EvaluationContext) -> Any:
    """A generator like the judged one, with its weights as they are before training."""
    keras.utils.set_random_seed(context.params.seed)
    architecture = context.task.architecture_of(context.train)
    generator = context.task.build_generator(**architecture)
    context.task.calibrate_batch_norm(generator)
    return generator


def _variety(portraits: Portraits) -> float:
    """Mean distance of two portraits in features."""
    return float(pdist(portraits.features.pooled).mean())


def _nearest(portraits: Portraits, known: Portraits) -> tuple[float, float]:
    """Mean distance to the nearest known portrait, in features and in pixels."""
    pixels = cdist(*(x.pictures.reshape(len(x.pictures), -1) for x in (portraits, known)))
    features = cdist(portraits.features.pooled, known.features.pooled)
    return float(features.min(axis=1).mean()), float(pixels.min(axis=1).mean())


def _save_sheets(context: EvaluationContext, invented: Portraits, known: Portraits) -> None:
    """Samples, some of them with their nearest training portraits, and one turning into another."""
    grid = invented.pictures[: SHOWN**2]
    rows = [grid[i : i + SHOWN] for i in range(0, len(grid), SHOWN)]
    save_grid(context.sample_grids / "samples.png", rows, SIDE)

    away = cdist(invented.features.pooled[:SHOWN], known.features.pooled)
    order = away.argsort(axis=1)[:, :NEIGHBOURS]
    columns = [
        [portrait, *known.pictures[nearest]]
        for portrait, nearest in zip(invented.pictures, order, strict=False)
    ]
    names = ("invented", "nearest", *[""] * (NEIGHBOURS - 1))
    save_grid(
        context.sample_grids / "neighbours.png", list(zip(*columns, strict=True)), SIDE, names=names
    )

    shares = np.linspace(0, 1, SHOWN)
    blends = [
        [_blend(context, start, towards, share) for share in shares]
        for start, towards in ((0, 1), (2, 3))
    ]
    save_grid(context.sample_grids / "blends.png", blends, SIDE)


def _blend(context: EvaluationContext, seed: int, towards: int, share: float) -> np.ndarray:
    options = PortraitOptions(towards, float(share))
    picture: Image.Image = context.predictor.paint({"seed": seed}, options)
    return np.asarray(picture)


def _page(context: EvaluationContext, result: dict[str, Any]) -> Page:
    ours, training, untrained = (
        result["methods"][name] for name in (OURS, "training pictures", "untrained")
    )
    return Page(
        "Portraits, judged beside real ones that were held out",
        f"The distance to held-out portraits (KID) is <b>{ours['kid']:.3f}</b>; before training it "
        f"was {untrained['kid']:.3f}, and the training portraits themselves, which no generator "
        f"should better, stand at {training['kid']:.3f}. Portraits vary "
        f"<b>{ours['variety']:.2f}</b> times as much as real ones, and are "
        f"<b>{ours['nearest']:.2f}</b> times as far from their nearest training portrait.",
        {
            "Invented portraits": [Picture(context.sample_grids / "samples.png", "one seed each")],
            "Figures": [
                Table(result["methods"]),
                f"{result['portraits']} portraits; {result['references']} real ones of the "
                f"{context.split} split to compare with, {result['training']} to train on. "
                f"{DISTANCES} Variety: the mean distance of two portraits in features, beside that "
                "of held-out ones. Novelty: the mean distance to the nearest training portrait, "
                "mirrored ones included, beside that of held-out ones; far below 1 portraits are "
                "copies, 0 for the training portraits. Blurred portraits are nearer to everything "
                "in pixels: there, look at the neighbours too.",
            ],
            "Nearest training portraits": [
                Picture(
                    context.sample_grids / "neighbours.png",
                    "above an invented portrait, below the training portraits nearest in features",
                )
            ],
            "From one seed to another": [
                Picture(context.sample_grids / "blends.png", "each row from one seed to another")
            ],
        },
    )
