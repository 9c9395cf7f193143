"""Flicker of stylised videos, compared with frames that are painted one by one.

    python -m benchmarks.quality.flicker

Needs the data that `make repro` leaves; takes two minutes.

A window of 256 pixels moves over held-out photographs, so that the motion of every pixel is known.
Flicker is the mean change of a moving point from one frame to the next, in levels of 255.
“Changing light” falls by a third during the video, which changes the unstyled video as well; in “an
object appears” a white bar covers a quarter of the window for a third of the video. The styles are
held-out paintings.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import report
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.video import VideoStylizer
from stylefuse.loading import load_model
from stylefuse.paths import MANIFEST

SIDE, FRAMES = 256, 24
PICTURES = 6  # held-out ones per domain
SCENES: dict[str, tuple[int, Callable[[np.ndarray, int], np.ndarray]]] = {
    # name → pixels that the window moves by per frame, and what is done to frame t
    "a slow pan": (4, lambda frame, t: frame),
    "a fast pan": (16, lambda frame, t: frame),
    "changing light": (4, lambda frame, t: frame * (1 - t / FRAMES / 3)),
    "an object appears": (4, lambda frame, t: _cover(frame) if 8 <= t < 16 else frame),
}
UNSTYLED, SINGLE_FRAMES, VIDEO = "unstyled video", "frames one by one", "as a video"


def _cover(frame: np.ndarray) -> np.ndarray:
    covered = frame.copy()
    covered[:, : SIDE // 4] = 250
    return covered


def make_videos(
    photographs: list[np.ndarray], step: int, change: Callable[[np.ndarray, int], np.ndarray]
) -> Iterator[list[np.ndarray]]:
    """A video of uint8 frames `[SIDE, SIDE, 3]` from each photograph.

    Args:
        photographs: uint8 `[height, width, 3]`.
        step: pixels that the window moves by per frame.
        change: see `SCENES`.
    """
    for photograph in photographs:
        starts = range(0, step * FRAMES, step)
        windows = [photograph[:SIDE, x : x + SIDE].astype(float) for x in starts]
        yield [np.clip(change(w, t), 0, 255).astype(np.uint8) for t, w in enumerate(windows)]


def flicker(frames: list[np.ndarray], step: int) -> float:
    """The mean change of a moving point between neighbouring frames, in levels of 255."""
    changes = [
        abs(after[:, :-step].astype(float) - before[:, step:]).mean()
        for before, after in pairwise(frames)
    ]
    return float(np.mean(changes))


def held_out_pictures(domain: str) -> list[Image.Image]:
    rows = pd.read_parquet(MANIFEST)
    rows = rows[(rows.domain == domain) & (rows.split == "test")].sort_values("path")
    if domain == "photograph":
        rows = rows[(rows.width >= SIDE + 16 * FRAMES) & (rows.height >= SIDE)]
    paths = rows.path.iloc[np.linspace(0, len(rows) - 1, PICTURES).astype(int)]
    return [flatten(open_picture(Path(path))) for path in paths]


def main() -> None:
    args = report.parser(__doc__).parse_args()
    predictor = load_model("transfer").predictor
    stylizer = predictor.stylizer
    photographs = [np.asarray(p) for p in held_out_pictures("photograph")]
    codes = [predictor.style([painting]).code for painting in held_out_pictures("painting")]
    rows = {}
    for name, (step, change) in SCENES.items():
        values: dict[str, list[float]] = {UNSTYLED: [], SINGLE_FRAMES: [], VIDEO: []}
        for frames, code in zip(make_videos(photographs, step, change), codes, strict=True):
            video = VideoStylizer(stylizer, code, TransferOptions())
            painted = {
                UNSTYLED: frames,
                SINGLE_FRAMES: [stylizer.render(frame, code) for frame in frames],
                VIDEO: [video.render_frame(frame) for frame in frames],
            }
            for method, pictures in painted.items():
                values[method].append(flicker(pictures, step))
        rows[name] = {method: f"{np.mean(v):.2f}" for method, v in values.items()}
    report.write(
        args.docs, "flicker", "Flicker of stylised videos",
        report.paragraph(__doc__, -1), report.table(rows),
    )  # fmt: skip


if __name__ == "__main__":
    main()
