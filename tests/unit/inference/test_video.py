"""A video flickers less than its frames painted separately, and a new scene starts afresh."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.stylizer import Stylizer
from stylefuse.inference.video import VideoStylizer
from tests.support.trainings import ROOT

STEP, SIDE = 16, 128  # pixels


@pytest.fixture(scope="module")
def stylizer():
    return Stylizer(ModelFolder(ROOT / "models/base/transfer"))


@pytest.fixture(scope="module")
def code(stylizer):
    return stylizer.style_code([data.coffee()[:64, :64]])[0]


@pytest.fixture(scope="module")
def pan():
    """A window that moves over a photograph, so that the motion of each pixel is known."""
    picture = data.coffee()[200:]
    return [picture[:SIDE, STEP * t : STEP * t + SIDE] for t in range(12)]


def flicker(frames):
    """The mean change of a scene point from one frame to the next, in levels."""
    pairs = pairwise(frames)
    return np.mean([abs(b[:, :-STEP].astype(float) - a[:, STEP:]).mean() for a, b in pairs])


def test_a_video_flickers_less_than_its_frames(stylizer, code, pan):
    assert flicker(pan) == 0
    separate = [stylizer.render(frame, code) for frame in pan]
    video = VideoStylizer(stylizer, code, TransferOptions())
    frames = [video.render_frame(frame) for frame in pan]
    assert flicker(frames) < 0.75 * flicker(separate)


def test_a_new_scene_does_not_depend_on_the_frames_before(stylizer, code, pan):
    video = VideoStylizer(stylizer, code, TransferOptions())
    video.render_frame(np.zeros_like(pan[0]))
    fresh = VideoStylizer(stylizer, code, TransferOptions())
    np.testing.assert_array_equal(video.render_frame(pan[0]), fresh.render_frame(pan[0]))


def test_strength_is_the_opacity_of_the_painting(stylizer, code, pan):
    unchanged, half, painted = (
        VideoStylizer(stylizer, code, TransferOptions(strength)).render_frame(pan[0]).astype(int)
        for strength in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(unchanged, pan[0])
    assert abs(half - (unchanged + painted) / 2).max() <= 1


def test_a_large_frame_is_painted_with_strokes_of_the_same_share(stylizer, code, pan):
    options, size = TransferOptions(stroke_size=0.1), (80, 80)  # strokes of 8 of 80 pixels
    small = np.asarray(Image.fromarray(pan[0]).resize(size, Image.Resampling.LANCZOS))
    large, expected = (
        VideoStylizer(stylizer, code, options).render_frame(frame) for frame in (pan[0], small)
    )
    assert large.shape == pan[0].shape
    scaled = np.asarray(Image.fromarray(large).resize(size, Image.Resampling.LANCZOS))
    assert abs(scaled.astype(int) - expected).mean() < 2
    unscaled = np.asarray(Image.fromarray(stylizer.render(pan[0], code)).resize(size))
    assert abs(scaled.astype(int) - expected).mean() < abs(unscaled.astype(int) - expected).mean()
