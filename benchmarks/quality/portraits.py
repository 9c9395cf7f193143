"""Three ways to train a generator of portraits, on the same pictures for as long.

python -m benchmarks.quality.portraits
python -m benchmarks.quality.portraits --docs .cache/trial --kimg 0.1 --judging '{"portraits": 16}'
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks import report
from benchmarks.quality.variants import FACES, folder_of, run_variants
from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.evaluation.report import OURS
from stylefuse.evaluation.sample_grids import INK, PAPER

# Widths give each generator about a quarter of a million weights. DCGAN is trained as in its paper;
# what is not named here is as in `FACES`.
ARCHITECTURES = {
    "dcgan": {
        "latent": 100, "width": 12, "discriminator_width": 12,
        "learning_rate": 2e-4, "discriminator_learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999,
        "r1": 0.0, "augment_target": 0.0,
    },
    "progressive": {"latent": 64, "width": 9, "discriminator_width": 9},
    "regular": {"latent": 64, "width": 8, "discriminator_width": 8},
}  # fmt: skip
SHOWN = ("kid", "fid", "variety", "nearest", "nearest_pixels")
CAPTION = 26  # pixels above each part of the sheet


def main() -> None:
    args = report.training_parser(__doc__, kimg=20).parse_args()
    asked = {
        name: FACES | {"architecture": name, "kimg": args.kimg, **own}
        for name, own in ARCHITECTURES.items()
    }
    results = run_variants("portraits", "portrait", asked, **args.evaluate)
    methods = results["regular"]["figures"]["methods"]
    rows = {name: _figures(methods[name]) for name in ("training pictures", "untrained")}
    for name, result in results.items():
        parameters = result["parameters"]
        rows[name] = _figures(result["figures"]["methods"][OURS]) | {
            "images/s": f"{result['images_per_second']:.0f}",
            "weights, generator": f"{parameters['generator']:,}",
            "discriminator": f"{parameters['discriminator']:,}",
        }
    figures = results["regular"]["figures"]
    report.write(
        args.docs,
        "portraits",
        "Three ways to train a generator of portraits",
        report.table(rows, f"{args.kimg:g} thousand pictures each"),
        f"{figures['portraits']} invented portraits beside {figures['references']} of the "
        f"validation split; {figures['training']} to train on. Variety and novelty are beside "
        "those of the validation portraits: a variety far below 1 is a collapse, a novelty far "
        "below 1 a copy of a training portrait. Speeds are of whole runs; a progressive one is "
        "faster while its pictures are coarse.",
        "![samples and neighbours](portraits.jpg)",
        "Each column is an invented portrait, and below it the training portraits that are nearest "
        "to it in the features of the judging network.",
    )
    _sheet(args.docs / "portraits.jpg")


def _figures(row: dict[str, float]) -> dict[str, str]:
    return {
        METRIC_LABELS[name].title: METRIC_LABELS[name].format.format(row[name]) for name in SHOWN
    }


def _sheet(path: Path) -> None:
    """The neighbours of all three, one below the other."""
    parts = [
        Image.open(folder_of("portraits", name) / "sheets" / "neighbours.png")
        for name in ARCHITECTURES
    ]
    height = sum(part.height + CAPTION for part in parts)
    whole = Image.new("RGB", (max(part.width for part in parts), height), PAPER)
    draw, font, top = ImageDraw.Draw(whole), ImageFont.load_default(15), 0
    for name, part in zip(ARCHITECTURES, parts, strict=True):
        draw.text((whole.width / 2, top + CAPTION / 2), name, INK, font, anchor="mm")
        whole.paste(part, (0, top + CAPTION))
        top += part.height + CAPTION
    whole.save(path, quality=88, optimize=True)


if __name__ == "__main__":
    main()
