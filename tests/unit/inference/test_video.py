"""A film flickers less than its frames painted one by one, and a new scene begins afresh."""

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
    """A window that moves over a photograph: where each pixel goes is known."""
    picture = data.coffee()[200:]
    return [picture[:SIDE, STEP * t : STEP * t + SIDE] for t in range(12)]


def flicker(frames):
    """How much a thing changes from one frame to the next, levels."""
    pairs = pairwise(frames)
    return np.mean([abs(b[:, :-STEP].astype(float) - a[:, STEP:]).mean() for a, b in pairs])


def test_a_film_flickers_less_than_its_frames(stylizer, code, pan):
    assert flicker(pan) == 0
    alone = [stylizer.render(frame, code) for frame in pan]
    film = VideoStylizer(stylizer, code)
    steady = [film.frame(frame) for frame in pan]
    assert flicker(steady) < 0.75 * flicker(alone)


def test_a_new_scene_is_painted_as_if_nothing_had_been_before_it(stylizer, code, pan):
    film = VideoStylizer(stylizer, code)
    film.frame(np.zeros_like(pan[0]))
    np.testing.assert_array_equal(film.frame(pan[0]), VideoStylizer(stylizer, code).frame(pan[0]))


def test_no_strength_keeps_the_films_own_style(stylizer, code, pan):
    still = VideoStylizer(stylizer, code, strength=0).frame(pan[0])
    own = stylizer.style_code([pan[0]])[0]
    np.testing.assert_array_equal(still, VideoStylizer(stylizer, own).frame(pan[0]))
