"""A picture too large to be painted at once: time and memory of its tiles, and how well they join.

    python -m benchmarks.speed.tiles
    python -m benchmarks.speed.tiles --docs .cache/trial --rounds 2 --side 1000           a trial

Needs `data/prepared` and trained models, which `make repro` leaves: where nothing is painted, no
seam can be seen. The picture is a mosaic of held-out photographs, damaged where it is to be
restored.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import Answer, median_of, own, run, take_turns

PAINTED = Path(".cache/tiles")
LIMIT = 3e9 / 2**20  # MiB
NAMES = ("transfer", "restore")


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=2048, help="of the picture, in pixels")
    parser.add_argument("--models", default="models", help="folder of trained models")
    args = parser.parse_args()
    rows = {name: row(name, args.models, args.side, args.rounds) for name in NAMES}
    report.write_section(
        args.docs,
        "Large pictures, in tiles",
        report.table(rows, f"{args.side}²"),
        f"Time is the median of {args.rounds} turns once all is compiled, memory that of a whole "
        f"fresh process; {LIMIT:.0f} MiB are 3 GB. Seam: how much neighbouring pixels differ on "
        "average across the tiles' borders, beside how much they do elsewhere; painted at once, "
        "with the same statistics of the whole, the same places show what the scene itself does "
        "there. The last two columns compare tiles and whole pixel by pixel, in levels of 255.",
    )


def row(model: str, folder: str, side: int, rounds: int) -> dict[str, str]:
    PAINTED.mkdir(parents=True, exist_ok=True)
    found = {}
    for way, heard, unheard in (("tiles", rounds, 1), ("whole", 1, 0)):
        worker = own("paint", way, model, folder, str(side))
        found[way] = take_turns({way: worker}, heard, unheard)[way]
    tiled, whole = (np.load(PAINTED / f"{model}_{way}.npy") for way in found)
    apart = abs(tiled.astype(int) - whole)
    peak = found["tiles"][-1]["peak"]
    return {
        "s": f"{median_of(found['tiles'], 'seconds'):.1f}",
        "peak MiB": f"{peak:.0f}",
        "below 3 GB": "yes" if peak < LIMIT else "**no**",
        "peak MiB, at once": f"{found['whole'][-1]['peak']:.0f}",
        "seam": f"{seam(tiled):.3f}",
        "seam, at once": f"{seam(whole):.3f}",
        "largest difference": f"{apart.max()}",
        "pixels that differ": f"{(apart.max(axis=-1) > 0).mean():.2%}",
    }


def seam(picture: np.ndarray) -> float:
    """The mean difference of neighbours across the borders of tiles over that elsewhere.

    Raises:
        SystemExit: the picture needs no tiles.
    """
    from stylefuse.inference import tiles

    side = len(picture)
    if not tiles.needed(side, side):
        raise SystemExit(f"a picture of {side}² is painted without tiles; choose a larger --side")
    starts = {whole[1].start + inner[1].start for whole, inner in tiles.cover(side, side)} - {0}
    across = np.isin(np.arange(1, side), list(starts))
    steps = [
        abs(np.diff(picture.astype(int), axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)
    ]
    return np.mean([x[across] for x in steps]) / np.mean([x[~across] for x in steps])


def paint(way: str, model: str, folder: str, side: str) -> Callable[[], Answer]:
    from stylefuse.inference import tiles
    from stylefuse.models.saving import load_generator

    if way == "whole":
        everything = (slice(None),) * 3
        tiles.cover = lambda height, width: iter([(everything, everything)])
    task, generator = load_generator(Path(folder) / model)
    picture = mosaic("photograph", int(side))
    render = transferring(generator, picture) if model == "transfer" else None
    render = render or restoring(task.make_predictor(generator, int(side)), picture)

    def work() -> Answer:
        start = time.perf_counter()
        painted = render()
        seconds = time.perf_counter() - start
        np.save(PAINTED / f"{model}_{way}.npy", painted)
        return {"seconds": seconds, "peak": report.peak_mib()}

    return work


def transferring(generator, picture: np.ndarray) -> Callable[[], np.ndarray]:
    from stylefuse.inference.stylizer import Stylizer

    stylizer = Stylizer(generator)
    (code,) = stylizer.style_code([mosaic("painting", 256)])
    return lambda: stylizer.render(picture, code)


def restoring(predictor, picture: np.ndarray) -> Callable[[], np.ndarray]:
    from stylefuse.models.restore.degradation import degrade

    for kind in ("blur", "noise", "fading"):
        picture = degrade(picture, kind, np.random.default_rng(0))
    return lambda: predictor.render(picture)


def mosaic(domain: str, side: int) -> np.ndarray:
    """Held-out pictures side by side, uint8 `[side, side, 3]`."""
    from stylefuse.paths import PREPARED

    tiles = np.load(PREPARED / f"test_{domain}.npy", mmap_mode="r")
    n = -(-side // tiles.shape[1])
    chosen = np.resize(np.arange(len(tiles)), (n, n))
    return np.concatenate([np.concatenate([*tiles[row]], axis=1) for row in chosen])[:side, :side]


if __name__ == "__main__":
    run(main, [paint])
