import numpy as np
import pytest

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.alignment import align
from stylefuse.inference.characters.gallery import gallery
from stylefuse.inference.characters.healing import FACE_WIDTH, SIDE, heal
from stylefuse.inference.faces.face import find_faces
from tests.support.people import astronaut


@pytest.fixture(scope="module")
def faces():
    photo, picture = astronaut(), gallery()["silver-mage"].picture()
    return align(photo, find_faces(photo)[0], picture, find_faces(picture)[0], 1)


@pytest.fixture(scope="module")
def mask(faces):
    return masks.inner_face(faces.inner_points, faces.size, 4)


def test_a_network_without_a_change_leaves_the_composite(faces, mask):
    def network(composite, maps):
        return np.zeros((SIDE, SIDE, 3), np.float32)

    joined = faces.character[faces.window]
    assert np.array_equal(heal(faces, joined, mask, network), joined)


def test_the_change_comes_to_lie_where_the_network_saw_the_face(faces, mask):
    seen = {}

    def network(composite, maps):
        seen["eyes"] = maps[..., 1]
        return 50 * maps[..., :1].repeat(3, axis=-1)

    joined = faces.character[faces.window]
    change = (heal(faces, joined, mask, network) - joined)[..., 0] / 50
    assert np.abs(change - mask).mean() < 0.01
    columns = np.flatnonzero(seen["eyes"].max(0) > 0.5)
    assert 0.4 * FACE_WIDTH < np.ptp(columns) < FACE_WIDTH


def test_a_face_at_the_border_of_its_picture_is_healed_as_well(faces, mask):
    crop = faces.window[0].start + 20  # above it there is no picture
    moved = type(faces)(
        faces.character[crop:],
        faces.person[20:],
        faces.points - np.array([0, crop]),
        (faces.corner[0], 0),
        faces.face_width,
    )

    def network(composite, maps):
        return 50 * maps[..., :1].repeat(3, axis=-1)

    joined = moved.character[moved.window]
    change = (heal(moved, joined, mask[20:], network) - joined)[..., 0] / 50
    assert np.abs(change - mask[20:]).mean() < 0.02
