"""A picture's figures say what changed, whatever its size; the reference is what was trained on."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from stylefuse.config import load_params
from stylefuse.images.statistics import STATISTICS, statistics
from stylefuse.models.task import find_task
from stylefuse.registry.reference_statistics import MOST, reference
from tests.integration.registry.conftest import write_tiles
from tests.support.filters import photograph
from tests.unit.test_config import SHIPPED


@pytest.fixture(scope="module")
def picture():
    return Image.fromarray(photograph("chelsea"))


def test_a_grey_square_is_grey():
    found = statistics(Image.new("RGB", (40, 40), (90, 90, 90)))
    assert found == dict.fromkeys(STATISTICS, 0.0) | {"luminance": 90.0}


@pytest.mark.parametrize(
    ("change", "figure", "sign"),
    [
        (lambda p: p.point(lambda level: level * 0.5), "luminance", -1),
        (lambda p: Image.blend(p, Image.new("RGB", p.size, "grey"), 0.5), "contrast", -1),
        (lambda p: p.convert("L").convert("RGB"), "saturation", -1),
        (lambda p: Image.merge("RGB", p.split()[::-1]), "warmth", -1),
        (lambda p: p.filter(ImageFilter.GaussianBlur(6)), "detail", -1),
    ],
)
def test_each_figure_tells_its_change(picture, change, figure, sign):
    before, after = statistics(picture)[figure], statistics(change(picture))[figure]
    assert sign * (after - before) > 0.2 * abs(before)


def test_the_size_hardly_matters(picture):
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    found, smaller = statistics(picture), statistics(half)
    assert all(abs(found[name] - smaller[name]) < 0.1 * abs(found[name]) for name in STATISTICS)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (2000, 1)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_any_picture_has_figures(size, mode):
    assert np.isfinite(list(statistics(Image.new(mode, size, "red")).values())).all()


@pytest.mark.parametrize("model", ["transfer", "restore", "portrait"])
def test_the_reference_has_each_picture_once(model, tmp_path):
    write_tiles(tmp_path / "prepared")
    names = [f"{i // 2}.png" for i in range(8)]  # two tiles of each
    tiles = f'{{"train_photograph": {names}, "train_painting": {names}}}'.replace("'", '"')
    (tmp_path / "prepared/tiles.json").write_text(tiles)
    settings = load_params(SHIPPED).train(model)
    found = reference(find_task(model), settings, tmp_path / "prepared", seed=1)
    inputs = {"transfer": ["content", "style"], "restore": ["picture"], "portrait": []}[model]
    assert list(found) == inputs
    assert {len(values) for one in found.values() for values in one.values()} <= {4}
    assert found == reference(find_task(model), settings, tmp_path / "prepared", seed=1)


def test_a_large_reference_is_thinned(tmp_path):
    count = MOST + 1
    np.save(tmp_path / "train_photograph.npy", np.zeros((count, 64, 64, 3), np.uint8))
    names = [f"{i}.png" for i in range(count)]
    (tmp_path / "tiles.json").write_text(f'{{"train_photograph": {names}}}'.replace("'", '"'))
    settings = load_params(SHIPPED).train("restore")
    found = reference(find_task("restore"), settings, tmp_path, seed=1)
    assert MOST / 2 <= len(found["picture"]["luminance"]) <= MOST
