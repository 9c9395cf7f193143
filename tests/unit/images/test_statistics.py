"""A picture's statistics show what changed, whatever its size."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageFilter

from stylefuse.images.statistics import STATISTICS, statistics
from tests.support.filters import photograph


@pytest.fixture(scope="module")
def picture():
    return Image.fromarray(photograph("chelsea"))


def test_statistics_of_a_grey_square():
    expected = dict.fromkeys(STATISTICS, 0.0) | {"luminance": 90.0}
    assert statistics(Image.new("RGB", (40, 40), (90, 90, 90))) == expected


@pytest.mark.parametrize(
    ("change", "statistic"),
    [
        (lambda p: p.point(lambda level: level * 0.5), "luminance"),
        (lambda p: Image.blend(p, Image.new("RGB", p.size, "grey"), 0.5), "contrast"),
        (lambda p: p.convert("L").convert("RGB"), "saturation"),
        (lambda p: Image.merge("RGB", p.split()[::-1]), "warmth"),
        (lambda p: p.filter(ImageFilter.GaussianBlur(6)), "detail"),
    ],
)
def test_each_change_lowers_its_statistic(picture, change, statistic):
    before, after = statistics(picture)[statistic], statistics(change(picture))[statistic]
    assert before - after > 0.2 * abs(before)


def test_the_size_has_little_influence(picture):
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    full, smaller = statistics(picture), statistics(half)
    assert all(abs(full[name] - smaller[name]) < 0.1 * abs(full[name]) for name in STATISTICS)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (2000, 1)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_pictures_of_any_size_have_statistics(size, mode):
    assert np.isfinite(list(statistics(Image.new(mode, size, "red")).values())).all()


def test_a_narrow_strip_takes_little_memory():
    strip = Image.new("RGB", (1, 4_000_000), (90, 90, 90))
    tracemalloc.start()
    try:
        assert statistics(strip)["luminance"] == 90
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
