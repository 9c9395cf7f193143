"""Preparing: square tiles from pictures of any shape, the same bytes every time."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylefuse.config import Prepare
from stylefuse.data.prepare import cut_tiles, prepare
from stylefuse.errors import UserError

SETTINGS = Prepare(sides={"photograph": 32, "painting": 48, "icon": 64}, tiles_per_picture=2)


def noise(width, height, seed=0, channels=3):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, channels), dtype=np.uint8))


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """Two pictures of every domain in every split, a wide one and a square one."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for split in ("train", "validation", "test"):
        for domain in ("photograph", "painting"):
            for width in (80, 40):
                path = f"data/pictures/{domain}/{split}-{width}.png"
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                noise(width, 40, seed=len(rows)).save(path)
                rows.append({"path": path, "split": split, "domain": domain})
    return pd.DataFrame(rows)


@settings(max_examples=40)
@given(
    width=st.integers(1, 150), height=st.integers(1, 150),
    side=st.integers(32, 64), max_tiles=st.integers(1, 6),
)  # fmt: skip
def test_tiles_are_squares_of_the_given_side(width, height, side, max_tiles):
    tiles = cut_tiles(noise(width, height), side, max_tiles)
    assert tiles.dtype == np.uint8
    assert tiles.shape[1:] == (side, side, 3)
    assert 1 <= len(tiles) <= max_tiles


@pytest.mark.parametrize(
    ("size", "max_tiles", "count"),
    [
        ((64, 64), 4, 1),  # a square is one tile
        ((128, 64), 4, 3),  # twice as wide: half of each tile is in the next
        ((64, 128), 4, 3),
        ((640, 64), 4, 4),  # never more than the maximum
        ((70, 64), 4, 1),
        ((128, 64), 1, 1),
    ],
)
def test_number_of_tiles(size, max_tiles, count):
    assert len(cut_tiles(noise(*size), 64, max_tiles)) == count


def test_tiles_reach_from_end_to_end_and_a_single_one_is_centred():
    picture = noise(128, 64)
    pixels = np.asarray(picture)
    tiles = cut_tiles(picture, 64, 2)
    np.testing.assert_array_equal(tiles[0], pixels[:, :64])
    np.testing.assert_array_equal(tiles[1], pixels[:, 64:])
    np.testing.assert_array_equal(cut_tiles(picture, 64, 1)[0], pixels[:, 32:96])


def test_transparent_pixels_become_mid_grey():
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    picture.paste((0, 200, 0, 255), (0, 0, 20, 40))
    tile = cut_tiles(picture, 40, 1)[0]
    assert tile[20, 5].tolist() == [0, 200, 0]
    assert tile[20, 35].tolist() == [128, 128, 128]


def test_arrays_and_the_names_of_their_tiles(manifest, tmp_path):
    prepare(manifest, SETTINGS, tmp_path / "prepared")
    origin = json.loads((tmp_path / "prepared/tiles.json").read_text())
    for (split, domain), rows in manifest.groupby(["split", "domain"]):
        name = f"{split}_{domain}"
        tiles = np.load(tmp_path / "prepared" / f"{name}.npy")
        side = SETTINGS.sides[domain]
        assert tiles.shape == (3, side, side, 3)  # the wide picture gives two
        square, wide = sorted(rows.path)
        assert origin[name] == [square, wide, wide]
        np.testing.assert_array_equal(tiles[:1], cut_tiles(Image.open(square), side, 2))
        np.testing.assert_array_equal(tiles[1:], cut_tiles(Image.open(wide), side, 2))
    assert set(origin) == set(manifest.split + "_" + manifest.domain)


def test_the_same_bytes_from_run_to_run_in_any_order_of_rows(manifest, tmp_path):
    prepare(manifest, SETTINGS, tmp_path / "one")
    prepare(manifest[::-1], SETTINGS, tmp_path / "other")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 7
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_pictures_are_turned_upright(manifest, tmp_path):
    sideways = noise(40, 80, seed=99)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = manifest.path[0]
    sideways.save(path, exif=exif)
    prepare(manifest, SETTINGS, tmp_path / "prepared")
    upright = sideways.transpose(Image.Transpose.ROTATE_270)
    tiles = np.load(tmp_path / "prepared/train_photograph.npy")
    np.testing.assert_array_equal(tiles[1:], cut_tiles(upright, 32, 2))


def test_an_empty_split_is_named_and_changes_nothing(manifest, tmp_path):
    out = tmp_path / "prepared"
    prepare(manifest, SETTINGS, out)
    before = (out / "tiles.json").read_bytes()
    rest = manifest[(manifest.split != "test") | (manifest.domain != "painting")]
    with pytest.raises(UserError, match="the test split has no painting") as error:
        prepare(rest, SETTINGS, out)
    assert error.value.code == "split-empty"
    assert (out / "tiles.json").read_bytes() == before


def test_a_domain_without_a_side_is_named(manifest, tmp_path):
    manifest.loc[0, "domain"] = "sculpture"
    with pytest.raises(UserError, match=r"prepare\.<profile>\.sides has no sculpture") as error:
        prepare(manifest, SETTINGS, tmp_path / "prepared")
    assert error.value.code == "side-missing"
    assert not (tmp_path / "prepared").exists()


def test_a_damaged_picture_is_named(manifest, tmp_path):
    (tmp_path / manifest.path[3]).write_bytes(b"not a picture")
    with pytest.raises(UserError, match=manifest.path[3]):
        prepare(manifest, SETTINGS, tmp_path / "prepared")


def test_the_arrays_are_files_of_numpy(manifest, tmp_path):
    prepare(manifest, SETTINGS, tmp_path / "prepared")
    for file in (tmp_path / "prepared").glob("*.npy"):
        np.save(tmp_path / "saved.npy", np.load(file))
        assert file.read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_a_split_is_never_in_memory_as_a_whole(manifest, tmp_path):
    many = pd.concat([manifest[manifest.domain == "painting"]] * 200)
    large = Prepare(sides={"painting": 64}, tiles_per_picture=2)
    tracemalloc.start()
    prepare(many, large, tmp_path / "prepared")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (tmp_path / "prepared/train_painting.npy").stat().st_size / 2
