"""Pictures on disk → square arrays of one size per domain, for each split.

`data/prepared/<split>_<domain>.npy` is uint8 `[tiles, side, side, 3]`; `tiles.json` names the
picture that each tile was cut from. The same pictures give the same bytes.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from PIL import Image
from rich.progress import track

from stylefuse.config import Prepare, Split, load_params
from stylefuse.errors import UserError, run_main
from stylefuse.images.open import flatten, open_picture

MANIFEST = Path("data/manifest.parquet")
PREPARED = Path("data/prepared")


def cut_tiles(picture: Image.Image, side: int, most: int) -> np.ndarray:
    """Scale a picture's shorter side to `side` and cut squares along the longer one.

    Returns:
        uint8 `[tiles, side, side, 3]`, with as many tiles as fit without much overlap, `most` at
        the most; alpha is laid over mid-grey.
    """
    picture = flatten(picture)
    scale = side / min(picture.size)
    size = [max(side, round(n * scale)) for n in picture.size]
    array = np.asarray(picture.resize((size[0], size[1]), Image.Resampling.LANCZOS))
    spare_y, spare_x = array.shape[0] - side, array.shape[1] - side
    tiles = min(most, 1 + max(spare_x, spare_y) * 2 // side)
    return np.stack(
        [
            array[y : y + side, x : x + side]
            for y, x in zip(_spread(spare_y, tiles), _spread(spare_x, tiles), strict=True)
        ]
    )


def _spread(spare: int, tiles: int) -> list[int]:
    """Where each of `tiles` windows begins when `spare` pixels are left over; one is centred."""
    return [spare // 2] if tiles == 1 else [spare * i // (tiles - 1) for i in range(tiles)]


def prepare(
    manifest: pd.DataFrame,
    settings: Prepare,
    out: Path,
    splits: Sequence[Split] = get_args(Split),
) -> None:
    """Write the arrays of splits and all domains; `out` appears whole or not at all.

    Args:
        manifest: one row per picture; its domains are those that are prepared.
        settings: the side of each domain's squares.
        out: the arrays' folder.

    Raises:
        UserError: a domain has no side, or no pictures in a split; or a picture cannot be read.
    """
    domains = sorted(set(manifest.domain))
    if unnamed := [domain for domain in domains if domain not in settings.sides]:
        raise UserError(f"params.yaml: prepare.<profile>.sides has no {', '.join(unnamed)}")
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    origin: dict[str, list[str]] = {}
    for split in splits:
        for domain in domains:
            chosen = manifest[(manifest.split == split) & (manifest.domain == domain)]
            tiles = []
            name = f"{split}_{domain}"
            origin[name] = []
            for path in track(sorted(chosen.path), description=f"cutting {name}"):
                picture = open_picture(Path(path))
                cut = cut_tiles(picture, settings.sides[domain], settings.tiles_per_picture)
                tiles.append(cut)
                origin[name] += [path] * len(cut)
            if not tiles:
                raise UserError(f"no {domain} is in the {split} split; add pictures of this domain")
            np.save(draft / f"{name}.npy", np.concatenate(tiles))
    (draft / "tiles.json").write_text(json.dumps(origin, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    draft.replace(out)


def main() -> None:
    params = load_params()
    prepare(pd.read_parquet(MANIFEST), params.prepare[params.profile], PREPARED)


if __name__ == "__main__":
    run_main(main)
