"""A video flickers less than its frames painted separately, and a new scene starts afresh."""

from itertools import pairwise

import numpy as np
import pytest
from skimage import data

from stylefuse.inference.stylizer import Stylizer
from stylefuse.inference.video import VideoStylizer
from stylefuse.models.saving import load_generator
from tests.support.trainings import ROOT

STEP, SIDE = 16, 128  # pixels


@pytest.fixture(scope="module")
def stylizer():
    return Stylizer(load_generator(ROOT / "models/base/transfer")[1])


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
    video = VideoStylizer(stylizer, code)
    frames = [video.render_frame(frame) for frame in pan]
    assert flicker(frames) < 0.75 * flicker(separate)


def test_a_new_scene_does_not_depend_on_the_frames_before(stylizer, code, pan):
    video = VideoStylizer(stylizer, code)
    video.render_frame(np.zeros_like(pan[0]))
    fresh = VideoStylizer(stylizer, code)
    np.testing.assert_array_equal(video.render_frame(pan[0]), fresh.render_frame(pan[0]))


def test_strength_0_keeps_the_style_of_the_first_frame(stylizer, code, pan):
    unstyled = VideoStylizer(stylizer, code, strength=0).render_frame(pan[0])
    own_code = stylizer.style_code([pan[0]])[0]
    own = VideoStylizer(stylizer, own_code).render_frame(pan[0])
    np.testing.assert_array_equal(unstyled, own)
