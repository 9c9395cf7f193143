"""Pairs of pictures for the healer: a composite with the faults of composites, and the painting.

    python -m tools.healer.pairs SEED COUNT

A painted face is its own truth. What a photograph of it might look like is drawn, and the code that
composes people into characters paints this photograph into the painting. A painted beard is
composed into the painting without a beard, so that the composite has it in the colour of skin.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from stylefuse.fileio import write_atomically
from stylefuse.inference.characters import masks
from stylefuse.inference.characters.alignment import AlignedFaces
from stylefuse.inference.characters.costume import SOFT_EDGE, join
from stylefuse.inference.characters.filters import blur
from stylefuse.inference.characters.healing import feature_maps
from stylefuse.inference.characters.lab import to_lab, to_rgb
from stylefuse.inference.characters.tones import paint_tones
from stylefuse.inference.faces import landmarks
from stylefuse.inference.faces.face import Face
from tools.healer.photographs import Portrait, beard_mask, photograph, surface_normals
from tools.healer.portraits import FOLDER, PORTRAITS

LIKENESS = 0.6, 1.0
KEPT_BEARDS = 0.35  # share of bearded portraits that keep their beards
SHARD = 50  # pairs in a file


def main() -> None:
    """Write pairs, `SHARD` to a file: composite, maps, and the number of the portrait."""
    seed, count = map(int, sys.argv[1:])
    portraits, rng = load_portraits(), np.random.default_rng(seed)
    for first in range(0, count, SHARD):
        numbers = rng.integers(len(portraits), size=SHARD)
        composites, maps = zip(*(make_pair(portraits[i], rng) for i in numbers), strict=True)
        arrays = {"composites": np.stack(composites), "maps": np.stack(maps), "numbers": numbers}
        path = FOLDER / f"pairs-{seed}-{first:05d}.npz"
        write_atomically(path, lambda draft, arrays=arrays: _save(draft, arrays))
        print(path, flush=True)


def load_portraits() -> list[Portrait]:
    """The portraits that `tools.healer.portraits` has written."""
    with np.load(PORTRAITS) as arrays:
        rows = list(zip(arrays["pictures"], arrays["points"], arrays["beards"], strict=True))
    size = rows[0][0].shape[1::-1]
    portraits = []
    for picture, points, beard in rows:
        width = Face(points, 1, 1).width
        normals = surface_normals(points, size, width)
        portraits.append(Portrait(picture, points, width, bool(beard), normals))
    return portraits


def make_pair(portrait: Portrait, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A composite, which should be the portrait's picture, and the maps that the healer is given.

    Returns:
        uint8 `[side, side, 3]` and `[side, side, 4]`, where 255 is 1.
    """
    truth = portrait.picture.astype(np.float32)
    flat, size = portrait.points[:, :2], portrait.picture.shape[1::-1]
    kept = portrait.beard and rng.random() < KEPT_BEARDS
    shaven = portrait.beard and not kept
    character = _shaven(truth, flat, portrait.width, rng) if shaven else truth
    photo = photograph(truth, portrait, rng)
    faces = AlignedFaces(character, photo, flat, (0, 0), portrait.width)
    mask = masks.inner_face(flat, size, SOFT_EDGE * portrait.width, kept)
    toned = paint_tones(faces, kept, rng.uniform(*LIKENESS))
    joined = join(faces, toned, mask)
    composite = mask[..., None] * joined + (1 - mask[..., None]) * (truth if shaven else joined)
    return _levels(composite), _levels(255 * feature_maps(flat, mask))


def _shaven(
    truth: np.ndarray, flat: np.ndarray, width: float, rng: np.random.Generator
) -> np.ndarray:
    """A painting whose beard is replaced by skin, shaded like the cheeks."""
    size = truth.shape[1::-1]
    beard = beard_mask(flat, size, width)
    whole = masks.inner_face(flat, size, 1) > 0.5
    skin = whole & (beard < 0.1) & (masks.features(flat, size, 1) < 0.2)
    lab = to_lab(truth)
    shares = skin.astype(np.float32) + 1e-5
    smooth = np.stack([blur(lab[..., i] * shares, width / 5) for i in range(3)], -1)
    smooth /= np.maximum(blur(shares, width / 5), 1e-6)[..., None]
    median = np.median(lab[skin], 0)
    smooth = 0.5 * smooth + 0.5 * median
    lips = masks.polygon(flat[list(landmarks.LIPS)], size, width / 60)[..., None]
    smooth = smooth + lips * np.array([-6, 6, 2])
    smooth[..., 0] += 2 * rng.standard_normal(beard.shape)
    filled = to_rgb((1 - beard[..., None]) * lab + beard[..., None] * smooth)
    return filled.astype(np.float32)


def _levels(x: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


def _save(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


if __name__ == "__main__":
    main()
