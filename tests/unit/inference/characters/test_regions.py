"""Skin, hair, clothes and ground are told apart."""

import numpy as np
import pytest

from stylefuse.inference.characters.lab import to_lab
from stylefuse.inference.characters.regions import REGIONS, find_regions
from stylefuse.inference.faces.face import find_faces, shifted
from stylefuse.inference.faces.frame import head_and_shoulders
from tests.support.people import astronaut


def regions_of(picture, face):
    shares = find_regions(to_lab(np.asarray(picture)), face)
    assert shares.shape == (*picture.size[::-1], len(REGIONS))
    assert np.allclose(shares.sum(-1), 1, atol=1e-5)
    return dict(zip(REGIONS, np.moveaxis(shares, -1, 0), strict=True))


@pytest.fixture(scope="module")
def astronauts():
    face = find_faces(astronaut())[0]
    box = head_and_shoulders(face, astronaut().size)
    return astronaut().crop(box), shifted(face, box[:2], 1), np.array(box[:2])


def test_the_parts_of_a_person_are_found(astronauts):
    picture, face, corner = astronauts
    regions = regions_of(picture, face)
    places = {"skin": (222, 150), "hair": (215, 40), "clothes": (150, 260), "ground": (330, 60)}
    for name, place in places.items():
        x, y = np.array(place) - corner
        assert regions[name][y - 3 : y + 3, x - 3 : x + 3].mean() > 0.6, name


def test_a_face_that_fills_the_picture_has_no_ground(astronauts):
    picture, face, _ = astronauts
    low, high = face.flat.min(0).astype(int), face.flat.max(0).astype(int)
    crop = picture.crop((*low, *high))
    regions = regions_of(crop, shifted(face, tuple(low), 1))
    assert regions["ground"].mean() < 0.05
    assert regions["skin"].mean() > 0.6
