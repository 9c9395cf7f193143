"""Comparison of three generator architectures for portraits, trained on the same pictures.

    python -m benchmarks.quality.portraits
    python -m benchmarks.quality.portraits --docs .cache/trial --kimg 0.1 \\
        --evaluate '{"portraits": 16}'                                               a trial

Needs the data that `make repro` leaves.
"""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from benchmarks import report
from benchmarks.quality.variants import (
    PORTRAIT_SETTINGS,
    SAMPLE_GRIDS,
    run_variants,
    variant_folder,
)
from stylefuse.evaluation.evaluators.portrait import TRAINING, UNTRAINED
from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.evaluation.report import OURS
from stylefuse.evaluation.sample_grids import INK, PAPER

# The widths give each generator about a quarter of a million weights. DCGAN is trained as in its
# paper. Other settings are those of `PORTRAIT_SETTINGS`.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "dcgan": {
        "latent": 100, "width": 12, "discriminator_width": 12,
        "learning_rate": 2e-4, "discriminator_learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999,
        "r1": 0.0, "augment_target": 0.0,
    },
    "progressive": {"latent": 64, "width": 9, "discriminator_width": 9},
    "regular": {"latent": 64, "width": 8, "discriminator_width": 8},
}  # fmt: skip
METRICS = ("kid", "fid", "variety", "nearest", "nearest_pixels")
CAPTION_HEIGHT = 26  # pixels above each sample grid


def main() -> None:
    args = report.training_parser(__doc__, kimg=20).parse_args()
    variants = {
        name: PORTRAIT_SETTINGS | {"architecture": name, "kimg": args.kimg, **changes}
        for name, changes in ARCHITECTURES.items()
    }
    results = run_variants("portraits", "portrait", variants, **args.evaluate)
    metrics = results["regular"]["metrics"]
    rows = {name: _format(metrics["methods"][name]) for name in (TRAINING, UNTRAINED)}
    for name, result in results.items():
        weights = result["weights"]
        rows[name] = _format(result["metrics"]["methods"][OURS]) | {
            "images/s": f"{result['images_per_second']:.0f}",
            "weights, generator": f"{weights['generator']:,}",
            "discriminator": f"{weights['discriminator']:,}",
        }
    report.write(
        args.docs,
        "portraits",
        "Three generator architectures for portraits",
        report.table(rows, f"{args.kimg:g} thousand pictures each"),
        f"{metrics['portraits']} generated portraits compared with {metrics['references']} of the "
        f"validation split; {metrics['training']} training portraits. Variety and novelty are "
        "relative to those of the validation portraits: a variety far below 1 is mode collapse, a "
        "novelty far below 1 means copies of training portraits. Speeds are averages over whole "
        "runs; progressive growing is faster while its pictures are small.",
        "![samples and neighbours](portraits.jpg)",
        "Each column shows a generated portrait above its nearest training portraits in the "
        "features of the evaluation's network.",
    )
    _save_sample_grids(args.docs / "portraits.jpg")


def _format(row: dict[str, float]) -> dict[str, str]:
    return {METRIC_LABELS[m].title: METRIC_LABELS[m].format.format(row[m]) for m in METRICS}


def _save_sample_grids(path: Path) -> None:
    """Write the neighbours of all three architectures as one picture, one below the other."""
    grids = [
        Image.open(variant_folder("portraits", name) / SAMPLE_GRIDS / "neighbours.png")
        for name in ARCHITECTURES
    ]
    height = sum(grid.height + CAPTION_HEIGHT for grid in grids)
    picture = Image.new("RGB", (max(grid.width for grid in grids), height), PAPER)
    draw, font, top = ImageDraw.Draw(picture), ImageFont.load_default(15), 0
    for name, grid in zip(ARCHITECTURES, grids, strict=True):
        draw.text((picture.width / 2, top + CAPTION_HEIGHT / 2), name, INK, font, anchor="mm")
        picture.paste(grid, (0, top + CAPTION_HEIGHT))
        top += grid.height + CAPTION_HEIGHT
    picture.save(path, quality=88, optimize=True)


if __name__ == "__main__":
    main()
