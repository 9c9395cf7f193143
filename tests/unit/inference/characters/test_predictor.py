"""Requests for characters, and who is cast."""

import pytest

from stylefuse.errors import UserError
from stylefuse.inference.characters.gallery import gallery
from stylefuse.inference.characters.predictor import CharacterPredictor, CharacterRequestOptions
from stylefuse.inference.characters.selection import CharacterSelector, list_gallery, pose_notice
from stylefuse.inference.faces.face import Pose
from stylefuse.inference.predictor import load_predictor
from tests.support.people import TRANSFER, astronaut, crowd, grey


@pytest.fixture(scope="module")
def predictor():
    return CharacterPredictor(load_predictor(TRANSFER))


def request(**options):
    return CharacterRequestOptions(**{"quality": "fast", "size": 128, **options})


def test_a_request_is_painted(predictor):
    best = predictor.paint({"photograph": astronaut()}, request())
    named = predictor.paint({"photograph": astronaut()}, request(character="king"))
    assert best.size == named.size == (128, 128)
    assert best.tobytes() != named.tobytes()


def test_a_painting_takes_the_place_of_the_gallery(predictor):
    inputs = {"photograph": astronaut(), "character": gallery()["outlaw"].picture()}
    painted = predictor.paint(inputs, request(character="king"))
    named = predictor.paint({"photograph": astronaut()}, request(character="outlaw"))
    assert painted.tobytes() == named.tobytes()


def test_a_request_chooses_among_faces(predictor):
    assert predictor.paint({"photograph": crowd()}, request(face=6)).size == (128, 128)
    with pytest.raises(UserError) as error:
        predictor.paint({"photograph": crowd()}, request(face=7))
    assert error.value.code == "face-number-invalid"


def test_what_cannot_be_painted_is_refused(predictor):
    with pytest.raises(UserError) as error:
        predictor.paint({"photograph": grey()}, request())
    assert error.value.code == "face-missing"
    with pytest.raises(UserError) as error:
        predictor.paint({"photograph": astronaut()}, request(character="nobody"))
    assert error.value.code == "character-missing"


def test_a_preview_is_fast():
    options = CharacterRequestOptions(character="king")
    assert options.fast() == CharacterRequestOptions(character="king", quality="fast")


def test_a_notice_names_a_better_character():
    selection = CharacterSelector("rider", "no").select(Pose(-20, 0, 0))
    notice = pose_notice(selection, Pose(-20, 0, 0), "photo.jpg")
    assert "42° apart" in notice
    assert list_gallery(Pose(-20, 0, 0))[0]["name"] in notice
    assert (
        pose_notice(CharacterSelector("rider", "auto").select(Pose(-20, 0, 0)), Pose(-20, 0, 0), "")
        is None
    )


def test_a_list_without_a_pose_is_alphabetical():
    names = [row["name"] for row in list_gallery(None)]
    assert names == sorted(names)
    assert all({"name", "title", "beard"} == row.keys() for row in list_gallery(None))
