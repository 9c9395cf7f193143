"""Evaluation of generated portraits: similarity to held-out ones, variety and novelty."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from stylefuse.evaluation.comparison import KID, PictureResults
from stylefuse.evaluation.context import DISTANCES_NOTE, EvaluationContext
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import save_grid
from stylefuse.inference.options import PortraitOptions
from stylefuse.models.portrait.batches import invent, keras_portraits

TRAINING, UNTRAINED = "training pictures", "untrained"
GRID_COLUMNS, CELL_SIDE = 8, 96  # of a sample grid; the side in pixels
NEIGHBOURS = 3  # nearest training portraits in a sample grid


class Portraits(NamedTuple):
    """Portraits and their features."""

    pictures: np.ndarray  # uint8 [n, side, side, 3]
    features: Features


def evaluate(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Evaluate generated portraits, the training set and an untrained generator."""
    (domain,) = context.model_settings.domains
    predictor, untrained = context.predictor, _untrained_generator(context)

    def with_features(pictures: np.ndarray) -> Portraits:
        return Portraits(pictures, context.network(pictures))

    held_out = with_features(np.asarray(context.tiles(domain)))
    training = np.asarray(context.tiles(domain, "train"))
    known = with_features(_with_mirrored(training))
    methods = {
        TRAINING: with_features(training),
        UNTRAINED: with_features(_generate(context, keras_portraits(untrained), untrained.latent)),
        OURS: with_features(_generate(context, predictor.generate, predictor.latent)),
    }
    held_out_metrics = _diversity_metrics(held_out, known)
    rows = {
        name: {
            **context.distances(portraits.features, held_out.features),
            **{
                metric: value / held_out_metrics[metric]
                for metric, value in _diversity_metrics(portraits, known).items()
            },
        }
        for name, portraits in methods.items()
    }
    result = {
        "portraits": len(methods[OURS].pictures),
        "references": len(held_out.pictures),
        "training": len(training),
        "methods": rows,
    }
    _save_grids(context, methods[OURS], known)
    return result, _page(context, result)


def picture_results(context: EvaluationContext) -> PictureResults:
    """Per-picture results of generated portraits: features for KID, variety and novelty."""
    (domain,) = context.model_settings.domains
    training = np.asarray(context.tiles(domain, "train"))
    known = context.network(_with_mirrored(training)).pooled
    predictor = context.predictor
    generated = context.network(_generate(context, predictor.generate, predictor.latent)).pooled
    held_out = context.network(np.asarray(context.tiles(domain))).pooled
    mean_distance = cdist(generated, generated).sum(axis=1) / (len(generated) - 1)
    held_out_novelty = cdist(held_out, known).min(axis=1).mean()
    return PictureResults(
        primary=KID,
        metrics={
            # each portrait is in both places of a pair
            "variety": 2 * mean_distance - mean_distance.mean(),
            # more distance to training portraits than held-out ones have is no merit: noise has it
            "nearest": np.minimum(cdist(generated, known).min(axis=1), held_out_novelty),
        },
        groups=np.arange(len(generated)),
        features=generated,
        references=held_out,
        reference_groups=np.arange(len(held_out)),
        paired=False,  # a seed gives another character with another generator
    )


def _with_mirrored(pictures: np.ndarray) -> np.ndarray:
    return np.concatenate([pictures, pictures[:, :, ::-1]])


def _generate(
    context: EvaluationContext, generate: Callable[[np.ndarray], np.ndarray], latent: int
) -> np.ndarray:
    return invent(generate, context.settings.portraits, latent, context.params.seed)


def _untrained_generator(context: EvaluationContext) -> Any:
    """A generator of the same architecture with initial weights."""
    keras.utils.set_random_seed(context.params.seed)
    architecture = context.task.architecture_of(context.model_settings)
    generator = context.task.build_generator(**architecture)
    context.task.calibrate_batch_norm(generator)
    return generator


def _diversity_metrics(portraits: Portraits, known: Portraits) -> dict[str, float]:
    """Mean distance of two portraits, and of a portrait to the nearest known one."""
    pixels = cdist(*(x.pictures.reshape(len(x.pictures), -1) for x in (portraits, known)))
    features = cdist(portraits.features.pooled, known.features.pooled)
    return {
        "variety": float(pdist(portraits.features.pooled).mean()),
        "nearest": float(features.min(axis=1).mean()),
        "nearest_pixels": float(pixels.min(axis=1).mean()),
    }


def _save_grids(context: EvaluationContext, generated: Portraits, known: Portraits) -> None:
    """Write samples, some of them with their nearest training portraits, and interpolations."""
    samples = generated.pictures[: GRID_COLUMNS**2]
    rows = [samples[i : i + GRID_COLUMNS] for i in range(0, len(samples), GRID_COLUMNS)]
    save_grid(context.sample_grids / "samples.png", rows, CELL_SIDE)

    distances = cdist(generated.features.pooled[:GRID_COLUMNS], known.features.pooled)
    nearest = distances.argsort(axis=1)[:, :NEIGHBOURS]
    columns = [
        [portrait, *known.pictures[row]]
        for portrait, row in zip(generated.pictures, nearest, strict=False)
    ]
    row_names = ("generated", "nearest", *[""] * (NEIGHBOURS - 1))
    path = context.sample_grids / "neighbours.png"
    save_grid(path, list(zip(*columns, strict=True)), CELL_SIDE, row_names=row_names)

    shares = np.linspace(0, 1, GRID_COLUMNS)
    interpolations = [
        [_interpolate(context, seed, towards, share) for share in shares]
        for seed, towards in ((0, 1), (2, 3))
    ]
    save_grid(context.sample_grids / "blends.png", interpolations, CELL_SIDE)


def _interpolate(context: EvaluationContext, seed: int, towards: int, share: float) -> np.ndarray:
    options = PortraitOptions(towards, float(share))
    picture: Image.Image = context.predictor.paint({"seed": seed}, options)
    return np.asarray(picture)


def _page(context: EvaluationContext, result: dict[str, Any]) -> Page:
    ours, training, untrained = (result["methods"][name] for name in (OURS, TRAINING, UNTRAINED))
    return Page(
        "Generated portraits compared with held-out ones",
        f"KID to held-out portraits is <b>{ours['kid']:.3f}</b>, {untrained['kid']:.3f} before "
        f"training and {training['kid']:.3f} for the training portraits themselves, which is the "
        f"best that a generator can be expected to reach. The variety of generated portraits is "
        f"<b>{ours['variety']:.2f}</b> times that of real ones; their distance to the nearest "
        f"training portrait is <b>{ours['nearest']:.2f}</b> times that of held-out ones.",
        {
            "Generated portraits": [
                Picture(context.sample_grids / "samples.png", "one portrait per seed")
            ],
            "Metrics": [
                Table(result["methods"]),
                f"{result['portraits']} generated portraits, {result['references']} held-out ones "
                f"of the {context.split} split, {result['training']} training portraits. "
                f"{DISTANCES_NOTE} Variety is the mean distance of two portraits in features, "
                "divided by that of held-out portraits. Novelty is the mean distance to the "
                "nearest training portrait or its mirror image, divided by that of held-out "
                "portraits; a novelty far below 1 means copies. Blurred portraits are closer to "
                "all others in pixels, so look at the nearest portraits, too.",
            ],
            "Nearest training portraits": [
                Picture(
                    context.sample_grids / "neighbours.png",
                    "generated portraits above, their nearest training portraits in features below",
                )
            ],
            "Interpolation between seeds": [
                Picture(context.sample_grids / "blends.png", "each row from one seed to another")
            ],
        },
    )
