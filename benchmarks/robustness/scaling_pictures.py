"""Synthetic pictures in folders, for benchmarks of the stages that read pictures."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance
from rich.progress import track

SIDE = 300  # pixels
NOISE_SIDES = 5, 12, 30, 60  # of the noise before it is enlarged, pixels
NEAR_DUPLICATES, TORN, PHOTOGRAPHS = 100, 1000, 9  # one picture in so many is such
QUALITY, LOWER_QUALITY = 60, 40  # of JPEG
LIGHTER = 1.1
AGAIN = "-again"  # end of the names of near-duplicates


def write_pictures(folder: Path, count: int) -> None:
    """Write JPEG files of gradients and noise, in the subfolders `photograph` and `portrait`.

    One in `NEAR_DUPLICATES` is the picture before it, lighter and in lower quality; one in `TORN`
    is cut short.
    """
    for domain in ("photograph", "portrait"):
        (folder / domain).mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        work = pool.map(partial(_write, folder), range(count), chunksize=100)
        for _ in track(work, f"writing {count:,} pictures", count):
            pass


def _write(folder: Path, number: int) -> None:
    domain = "portrait" if number % PHOTOGRAPHS else "photograph"
    path = folder / domain / f"{number:07}.jpg"
    if number % NEAR_DUPLICATES == NEAR_DUPLICATES - 1:
        path = path.with_stem(path.stem + AGAIN)
        lighter = ImageEnhance.Brightness(synthetic_picture(number - 1)).enhance(LIGHTER)
        lighter.save(path, quality=LOWER_QUALITY)
        return
    synthetic_picture(number).save(path, quality=QUALITY)
    if number % TORN == TORN // 2:
        path.write_bytes(path.read_bytes()[:2000])


def synthetic_picture(seed: int) -> Image.Image:
    """A gradient with noise of several scales."""
    rng = np.random.default_rng(seed)
    picture = _noise(rng, 2)
    for side in NOISE_SIDES:
        larger = picture.resize((side, side), Image.Resampling.BICUBIC)
        picture = Image.blend(larger, _noise(rng, side), 0.35)
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _noise(rng: np.random.Generator, side: int) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8))
