"""How much a film flickers: its frames painted as a film, beside frames painted one by one.

    python -m benchmarks.quality.flicker

Needs the data that `make repro` leaves; takes two minutes. A window of 256 pixels moves over
held-out photographs, so that it is known where each pixel goes: what a painted thing changes by
from one frame to the next is flicker, in levels of 255. "Light" falls by a third on the way, which
changes the film itself as well; in "something comes" a white bar covers a quarter of the window for
a third of the film. The styles are held-out paintings.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import report
from stylefuse.config import load_params
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.video import VideoStylizer
from stylefuse.models.transfer import TASK
from stylefuse.registry.fetch import fetch_model

SIDE, FRAMES = 256, 24
KINDS = {  # what happens → pixels that the window moves by, and what becomes of frame t
    "a slow pan": (4, lambda frame, t: frame),
    "a fast pan": (16, lambda frame, t: frame),
    "light": (4, lambda frame, t: frame * (1 - t / FRAMES / 3)),
    "something comes": (4, lambda frame, t: _covered(frame) if 8 <= t < 16 else frame),
}


def _covered(frame: np.ndarray) -> np.ndarray:
    covered = frame.copy()
    covered[:, : SIDE // 4] = 250
    return covered


def films(photographs: list[np.ndarray], step: int, change: Callable) -> Iterator[list[np.ndarray]]:
    for photograph in photographs:
        starts = range(0, step * FRAMES, step)
        windows = [photograph[:SIDE, x : x + SIDE].astype(float) for x in starts]
        yield [np.uint8(np.clip(change(w, t), 0, 255)) for t, w in enumerate(windows)]


def flicker(frames: list[np.ndarray], step: int) -> float:
    return float(np.mean([abs(b[:, :-step].astype(float) - a[:, step:]).mean()
                          for a, b in pairwise(frames)]))  # fmt: skip


def held_out(domain: str) -> list[Image.Image]:
    rows = pd.read_parquet("data/manifest.parquet")
    rows = rows[(rows.domain == domain) & (rows.split == "test")].sort_values("path")
    if domain == "photograph":
        rows = rows[(rows.width >= SIDE + 16 * FRAMES) & (rows.height >= SIDE)]
    chosen = rows.path.iloc[np.linspace(0, len(rows) - 1, 6).astype(int)]
    return [flatten(open_picture(Path(path))) for path in chosen]


def main() -> None:
    args = report.parser(__doc__).parse_args()
    predictor = fetch_model(TASK, None, load_params()).predictor
    photographs = [np.asarray(p) for p in held_out("photograph")]
    codes = [predictor.style_code([painting]) for painting in held_out("painting")]
    rows = {}
    for name, (step, change) in KINDS.items():
        found: dict[str, list[float]] = {"the film itself": [], "one by one": [], "as a film": []}
        for frames, code in zip(films(photographs, step, change), codes, strict=True):
            film = VideoStylizer(predictor.stylizer, code)
            ways = {
                "the film itself": frames,
                "one by one": [predictor.stylizer.render(frame, code) for frame in frames],
                "as a film": [film.render_frame(frame) for frame in frames],
            }
            for way, painted in ways.items():
                found[way].append(flicker(painted, step))
        rows[name] = {way: f"{np.mean(values):.2f}" for way, values in found.items()}
    report.write(
        args.docs, "flicker", "How much a film flickers",
        " ".join(__doc__.split("\n\n")[2].partition("minutes. ")[2].split()), report.table(rows),
    )  # fmt: skip


if __name__ == "__main__":
    main()
