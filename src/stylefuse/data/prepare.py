"""Cuts the pictures into square tiles: one array per split and domain.

`data/prepared/<split>_<domain>.npy` is uint8 `[tiles, side, side, 3]`; `tiles.json` names the
picture of each tile. The same pictures give the same bytes.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, get_args

import numpy as np
import pandas as pd
from PIL import Image
from rich.progress import track

from stylefuse import paths
from stylefuse.config import Prepare, Split, load_params
from stylefuse.data.threads import map_in_threads
from stylefuse.errors import UserError, run_main
from stylefuse.images.open import flatten, open_picture


def cut_tiles(picture: Image.Image, side: int, max_tiles: int) -> np.ndarray:
    """Resize a picture's shorter side to `side` and cut squares along the longer one.

    Returns:
        uint8 `[tiles, side, side, 3]`: as many tiles as fit without much overlap, at most
        `max_tiles`; transparent pixels are mid-grey.
    """
    picture = flatten(picture)
    scale = side / min(picture.size)
    size = [max(side, round(n * scale)) for n in picture.size]
    array = np.asarray(picture.resize((size[0], size[1]), Image.Resampling.LANCZOS))
    spare_y, spare_x = array.shape[0] - side, array.shape[1] - side
    tiles = min(max_tiles, 1 + max(spare_x, spare_y) * 2 // side)
    return np.stack(
        [
            array[y : y + side, x : x + side]
            for y, x in zip(_offsets(spare_y, tiles), _offsets(spare_x, tiles), strict=True)
        ]
    )


def _offsets(spare: int, tiles: int) -> list[int]:
    """Offsets of evenly spaced tiles over `spare` extra pixels; a single tile is centred."""
    return [spare // 2] if tiles == 1 else [spare * i // (tiles - 1) for i in range(tiles)]


def prepare(
    manifest: pd.DataFrame,
    settings: Prepare,
    out: Path,
    splits: Sequence[Split] = get_args(Split),
) -> None:
    """Write the arrays of all domains; on an error `out` stays as it was.

    Args:
        manifest: one row per picture.
        settings: the side of each domain's tiles, and the maximum number of tiles per picture.
        out: folder of the arrays.
        splits: to write.

    Raises:
        UserError: a domain has no side, a split has no pictures of a domain, or a picture cannot be
            read.
    """
    domains = sorted(set(manifest.domain))
    if missing := [domain for domain in domains if domain not in settings.sides]:
        message = f"params.yaml: prepare.<profile>.sides has no {', '.join(missing)}"
        raise UserError(message, code="side-missing")
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    origins = {}
    for split in splits:
        for domain in domains:
            rows = manifest[(manifest.split == split) & (manifest.domain == domain)]
            if rows.empty:
                message = f"the {split} split has no {domain}; add pictures of this domain"
                raise UserError(message, code="split-empty")
            name = f"{split}_{domain}"
            cut = partial(_read_tiles, domain=domain, settings=settings)
            files = sorted(rows.path)
            tiles = track(map_in_threads(cut, files), f"cutting {name}", len(files))
            counts = _write_array(draft / f"{name}.npy", tiles, settings.sides[domain])
            origins[name] = np.repeat(files, counts).tolist()
    (draft / "tiles.json").write_text(json.dumps(origins, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    draft.replace(out)


def _read_tiles(path: str, domain: str, settings: Prepare) -> np.ndarray:
    picture = open_picture(Path(path))
    return cut_tiles(picture, settings.sides[domain], settings.tiles_per_picture)


def _write_array(out: Path, parts: Iterable[np.ndarray], side: int) -> list[int]:
    """Write parts of an array as the file that `np.save` writes; the number of tiles in each.

    The number of all tiles is known at the end only. numpy pads the header so that its length is
    the same for any number.
    """
    counts = []
    with out.open("wb") as file:
        _write_header(file, 0, side)
        for tiles in parts:
            file.write(tiles.data)
            counts.append(len(tiles))
        file.seek(0)
        _write_header(file, sum(counts), side)
    return counts


def _write_header(file: BinaryIO, tiles: int, side: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (tiles, side, side, 3)}
    np.lib.format.write_array_header_1_0(file, header)


def main() -> None:
    params = load_params()
    settings = params.prepare[params.profile]
    prepare(pd.read_parquet(paths.MANIFEST), settings, paths.PREPARED)


if __name__ == "__main__":
    run_main(main)
