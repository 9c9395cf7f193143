"""What was painted small is enlarged with the edges of the content."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.inference import detail
from stylefuse.inference.detail import enlarge


def levels(picture):
    return np.asarray(picture, float)


@pytest.fixture
def content():
    return Image.fromarray(data.coffee())  # 600×400


def test_a_picture_of_the_same_size_is_unchanged(content):
    painted = content.point(lambda level: 255 - level)
    assert enlarge(painted, content, content) is painted


def test_scaled_down_again_it_is_what_was_painted(content):
    small = content.resize((150, 100), Image.Resampling.LANCZOS)
    painted = small.point(lambda level: level // 2 + 60)
    large = enlarge(painted, small, content)
    assert large.size == content.size
    again = large.resize(small.size, Image.Resampling.LANCZOS)
    assert np.abs(levels(again) - levels(painted)).mean() < 2


def test_edges_of_the_content_return_and_its_grain_does_not():
    rng = np.random.default_rng(0)
    scene = np.full((256, 256), 100.0)
    scene[:, 128:] = 180
    grain = rng.normal(0, 6, scene.shape)
    content = Image.fromarray(np.uint8((scene + grain).clip(0, 255))).convert("RGB")
    small = content.resize((64, 64), Image.Resampling.LANCZOS)
    large = levels(enlarge(small, small, content))[..., 1]
    smooth = levels(small.resize(content.size, Image.Resampling.BICUBIC))[..., 1]
    edge = np.s_[:, 126:130]
    assert np.abs(large - scene)[edge].mean() < 0.6 * np.abs(smooth - scene)[edge].mean()
    flat = large[:, 20:100]
    assert flat.std() < 0.5 * grain.std()


def test_strips_leave_no_seam(content, monkeypatch):
    small = content.resize((150, 100), Image.Resampling.LANCZOS)
    at_once = levels(enlarge(small, small, content))
    monkeypatch.setattr(detail, "ROWS", 37)
    assert np.abs(levels(enlarge(small, small, content)) - at_once).max() <= 1


def test_what_was_painted_larger_is_scaled_down(content):
    large = content.resize((900, 600))
    assert enlarge(large, large, content).size == content.size
