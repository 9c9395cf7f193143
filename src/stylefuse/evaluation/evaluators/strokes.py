"""Outputs for the stroke score: photographs in the style of halves of held-out paintings."""

from collections.abc import Callable

import numpy as np
from rich.progress import track

from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.metrics.stroke_score import Scores, StrokeScore, StrokeSpace
from stylefuse.evaluation.painting_halves import halve
from stylefuse.evaluation.pairs import held_out_paths, load_squares
from stylefuse.evaluation.sample_grids import evenly_spaced

PHOTOGRAPHS = 8  # at most; each is painted in the style of every painting
TRAINING_SHARE = 3  # one of so many training photographs fits the space
BORDER = 1 / 8  # of an output is not judged

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]  # contents, styles → outputs


class StrokeEvaluation:
    """Judges the brushwork of methods on the held-out pictures of a split.

    A method is given the first half of a painting and judged by the second, so that a pasted
    pattern is no merit.

    Args:
        context: names the split, the size of the pictures and the feature network.

    Attributes:
        contents: the photograph of each output, uint8 `[n, size, size, 3]`.
        styles: the style of each output, uint8 `[height, width, 3]` each.
        paintings: `[n]`, the number of its painting.
    """

    def __init__(self, context: EvaluationContext):
        size, manifest = context.settings.size, context.manifest()
        training = [
            *held_out_paths(manifest, "train", "painting"),
            *held_out_paths(manifest, "train", "photograph")[::TRAINING_SHARE],
        ]
        paths = np.array(held_out_paths(manifest, context.split, "photograph"))
        photographs = load_squares(evenly_spaced(paths, min(len(paths), PHOTOGRAPHS)), size)
        halves = halve(held_out_paths(manifest, context.split, "painting"), size)
        space = StrokeSpace(context.network.maps, _inner(load_squares(training, size)))
        self._score = StrokeScore(space, halves.crops, _inner(photographs))
        counts = len(photographs), len(halves.styles)
        self._rows = np.stack([x.ravel() for x in np.indices(counts)], axis=1)
        self.contents = photographs[self._rows[:, 0]]
        self.styles = [halves.styles[painting] for painting in self._rows[:, 1]]
        self.paintings = self._rows[:, 1]

    def paint(self, method: Method, name: str) -> np.ndarray:
        """The outputs of a method, uint8 `[n, size, size, 3]`; the progress bar shows its name."""
        pairs = list(zip(self.contents, self.styles, strict=True))
        outputs = [
            method(content[None], style[None])
            for content, style in track(pairs, description=f"judging strokes: {name}")
        ]
        return np.concatenate(outputs)

    def scores(self, outputs: np.ndarray) -> Scores:
        """The scores of all outputs."""
        return self._score(_inner(outputs), self._rows)


def _inner(pictures: np.ndarray) -> np.ndarray:
    """Pictures `[n, side, side, 3]` without their borders."""
    border = round(BORDER * pictures.shape[1])
    return pictures[:, border:-border, border:-border]
