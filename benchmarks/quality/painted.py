"""How pictures of the quality "painted" compare with what one pass of a network paints.

    python -m benchmarks.quality.painted

Two held-out photographs in the style of each held-out painting, at 256×256 pixels, by the shipped
model and by the published network of Ghiasi et al. 2017. As in the evaluation, half of a painting
is the style and the other half judges. The picture shows one photograph for each of six paintings:
photograph, painting, published network, fast, painted.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from rich.progress import track

from benchmarks import report
from stylefuse.config import Split, load_params
from stylefuse.evaluation.baselines.colour_matching import match_colours
from stylefuse.evaluation.baselines.published_network import ArbitraryStylisation
from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.evaluators.strokes import StrokeEvaluation
from stylefuse.evaluation.metrics.features import FeatureNetwork
from stylefuse.evaluation.metrics.patch_retrieval import patch_retrieval
from stylefuse.evaluation.metrics.ssim import low_pass_ssim
from stylefuse.evaluation.sample_grids import evenly_spaced
from stylefuse.inference.predictor import Predictor, load_predictor
from stylefuse.inference.style_optimizer import StyleTarget, optimize
from stylefuse.models.task import find_task

EVERY = 4  # one of so many of the evaluation's pairs is painted
ROWS_SHOWN = 6
SHIPPED = "models/base/transfer"
SIDE = 224  # pixels of a picture in the grid

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]  # content, style → output


def stroke_parser(doc: str | None) -> argparse.ArgumentParser:
    """Arguments of a benchmark that judges strokes."""
    parser = report.parser(doc)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument(
        "--pictures", type=Path, help="folder to keep all pictures in, for `tools.blind_sheets`"
    )
    return parser


def load_strokes(split: Split, predictor: Predictor) -> StrokeEvaluation:
    """The held-out pairs of a split, and their judge."""
    context = EvaluationContext(
        load_params(), find_task("transfer"), predictor, FeatureNetwork(), Path(), split
    )
    return StrokeEvaluation(context)


def main() -> None:
    """Paint, judge, and write the page."""
    args = stroke_parser(__doc__).parse_args()
    predictor = load_predictor(SHIPPED)
    strokes = load_strokes(args.split, predictor)
    photographs = np.arange(len(strokes.paintings)) // (strokes.paintings.max() + 1)
    chosen = np.flatnonzero((photographs + strokes.paintings) % EVERY == 0)

    def fast(content: np.ndarray, style: np.ndarray) -> np.ndarray:
        return predictor.stylizer.stylize(content[None], style[None])[0]

    def painted(content: np.ndarray, style: np.ndarray) -> np.ndarray:
        *_, last = optimize(fast(content, style), content, StyleTarget([style], [1.0]))
        return last.picture

    published = ArbitraryStylisation()
    methods: dict[str, Method] = {
        "unstyled photograph": lambda content, style: content,
        "colour matching": lambda content, style: match_colours(content[None], style[None])[0],
        "published network": lambda content, style: published.stylize(content[None], style[None])[
            0
        ],
        "stylefuse, fast": fast,
        "stylefuse, painted": painted,
    }
    rows, outputs = {}, {}
    for name, method in methods.items():
        outputs[name] = strokes.contents.copy()
        start = time.perf_counter()
        for i in track(chosen, description=name):
            outputs[name][i] = method(strokes.contents[i], strokes.styles[i])
        seconds = (time.perf_counter() - start) / len(chosen)
        rows[name] = measure(strokes, outputs[name], chosen) | {"s per picture": f"{seconds:.2f}"}
    if args.pictures:
        shown = {"painting": strokes.styles, **outputs}
        save_pictures(shown, chosen, args.pictures)
    _save_grid(strokes, outputs, chosen, args.docs / "painted.jpg")
    report.write(
        args.docs,
        "painted",
        "Quality: painted",
        report.paragraph(__doc__, -1),
        report.table(rows, "method"),
        f"{len(chosen)} pairs, {strokes.paintings.max() + 1} paintings, {args.split} split.",
        "![Photograph, painting, published network, fast, painted](painted.jpg)",
    )


def measure(strokes: StrokeEvaluation, outputs: np.ndarray, chosen: np.ndarray) -> dict[str, str]:
    """The row of a method in the table, by the titles of its columns."""
    scores = strokes.scores(outputs)
    guards = {
        title: np.mean([metric(outputs[i], strokes.contents[i]) for i in chosen])
        for title, metric in (
            ("patches in place ↑", patch_retrieval), ("low-pass SSIM ↑", low_pass_ssim)
        )
    }  # fmt: skip
    return {
        "stroke score ↑": f"{scores.stroke_score[chosen].mean():.2f}",
        "nearest painting ↑": f"{scores.nearest[chosen].mean():.2f}",
        **{title: f"{value:.2f}" for title, value in guards.items()},
    }


def save_pictures(
    pictures: Mapping[str, Sequence[np.ndarray]], chosen: np.ndarray, folder: Path
) -> None:
    """Each kind of picture in a folder of its own, under the number of the pair."""
    for name, arrays in pictures.items():
        subfolder = folder / name.replace(", ", "-").replace(" ", "-")
        subfolder.mkdir(parents=True, exist_ok=True)
        for i in chosen:
            Image.fromarray(arrays[i]).save(subfolder / f"{i:03d}.png")


def _save_grid(
    strokes: StrokeEvaluation, outputs: dict[str, np.ndarray], chosen: np.ndarray, path: Path
) -> None:
    lines = []
    for i in evenly_spaced(chosen, ROWS_SHOWN):
        pictures = [strokes.contents[i], strokes.styles[i]]
        pictures += [outputs[name][i] for name in list(outputs)[2:]]
        squares = [ImageOps.fit(Image.fromarray(picture), (SIDE, SIDE)) for picture in pictures]
        lines.append(np.concatenate([np.asarray(square) for square in squares], axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines)).save(path, quality=90)


if __name__ == "__main__":
    main()
