"""Time, memory and seams of a large picture that is painted in tiles.

    python -m benchmarks.speed.tiles
    python -m benchmarks.speed.tiles --docs .cache/trial --rounds 2 --side 1000           a trial

Needs `data/prepared` and trained models, which `make repro` leaves; untrained models would leave no
seams. The picture is a mosaic of held-out photographs, degraded for the restoration model.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import Measurements, median_of, own, run, take_turns

OUTPUTS = Path(".cache/tiles")
MAX_MEMORY_MIB = 3e9 / 2**20
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
        f"Time is the median of {args.rounds} turns after compilation, memory that of a new "
        f"process; {MAX_MEMORY_MIB:.0f} MiB are 3 GB. Seam: the mean difference of neighbouring "
        "pixels across the borders of tiles, divided by the mean difference elsewhere. The same "
        "ratio for the picture painted at once, with the same feature statistics, shows the effect "
        "of the scene itself. The last two columns compare both pictures pixel by pixel, in levels "
        "of 255.",
    )


def row(model: str, folder: str, side: int, rounds: int) -> dict[str, str]:
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    turns = {}
    for method, measured, warm_up in (("tiles", rounds, 1), ("whole", 1, 0)):
        worker = own("paint", method, model, folder, str(side))
        turns[method] = take_turns({method: worker}, measured, warm_up)[method]
    tiled, whole = (np.load(OUTPUTS / f"{model}_{method}.npy") for method in turns)
    differences = abs(tiled.astype(int) - whole)
    peak = turns["tiles"][-1]["peak"]
    return {
        "s": f"{median_of(turns['tiles'], 'seconds'):.1f}",
        "peak MiB": f"{peak:.0f}",
        "below 3 GB": "yes" if peak < MAX_MEMORY_MIB else "**no**",
        "peak MiB, at once": f"{turns['whole'][-1]['peak']:.0f}",
        "seam": f"{seam(tiled):.3f}",
        "seam, at once": f"{seam(whole):.3f}",
        "largest difference": f"{differences.max()}",
        "pixels that differ": f"{(differences.max(axis=-1) > 0).mean():.2%}",
    }


def seam(picture: np.ndarray) -> float:
    """The mean difference of neighbouring pixels across borders of tiles ÷ that elsewhere.

    Raises:
        SystemExit: the picture is painted without tiles.
    """
    from stylefuse.inference import tiles

    side = len(picture)
    if not tiles.needed(side, side):
        raise SystemExit(f"a picture of {side}² is painted without tiles; choose a larger --side")
    starts = {tile[1].start + inner[1].start for tile, inner in tiles.cover(side, side)} - {0}
    across = np.isin(np.arange(1, side), list(starts))
    steps = [
        abs(np.diff(picture.astype(int), axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)
    ]
    return np.mean([x[across] for x in steps]) / np.mean([x[~across] for x in steps])


def paint(method: str, model: str, folder: str, side: str) -> Callable[[], Measurements]:
    from stylefuse.inference import tiles
    from stylefuse.inference.predictor import load_predictor

    if method == "whole":
        everything = (slice(None),) * 3
        tiles.cover = lambda height, width: iter([(everything, everything)])
    predictor = load_predictor(Path(folder) / model)
    picture = mosaic("photograph", int(side))
    if model == "transfer":
        render = transfer_function(predictor, picture)
    else:
        render = restore_function(predictor, picture)

    def take_turn() -> Measurements:
        start = time.perf_counter()
        painted = render()
        seconds = time.perf_counter() - start
        np.save(OUTPUTS / f"{model}_{method}.npy", painted)
        return {"seconds": seconds, "peak": report.peak_mib()}

    return take_turn


def transfer_function(predictor: Any, picture: np.ndarray) -> Callable[[], np.ndarray]:
    stylizer = predictor.stylizer
    (code,) = stylizer.style_code([mosaic("painting", 256)])
    return lambda: stylizer.render(picture, code)


def restore_function(predictor: Any, picture: np.ndarray) -> Callable[[], np.ndarray]:
    from stylefuse.models.restore.degradation import degrade

    for kind in ("blur", "noise", "fading"):
        picture = degrade(picture, kind, np.random.default_rng(0))
    return lambda: predictor.render(picture)


def mosaic(domain: str, side: int) -> np.ndarray:
    """Held-out pictures side by side, uint8 `[side, side, 3]`."""
    from stylefuse.paths import PREPARED

    tiles = np.load(PREPARED / f"test_{domain}.npy", mmap_mode="r")
    n = -(-side // tiles.shape[1])
    indices = np.resize(np.arange(len(tiles)), (n, n))
    return np.concatenate([np.concatenate([*tiles[row]], axis=1) for row in indices])[:side, :side]


if __name__ == "__main__":
    run(main, [paint])
