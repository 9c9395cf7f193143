"""A person becomes a character: what is kept of whom."""

from dataclasses import replace

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.inference.characters.character import make_character
from stylefuse.inference.characters.gallery import gallery
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.painter import character_steps
from stylefuse.inference.faces.face import find_faces
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.steps import last_picture
from tests.support.people import TRANSFER, astronaut, cat, grey, landmark_error

SIZE = 256
MAX_LANDMARK_ERROR = 0.04


@pytest.fixture(scope="module")
def predictor():
    return load_predictor(TRANSFER)


@pytest.fixture(scope="module")
def person():
    return find_faces(astronaut())[0]


def character(name, size=SIZE, mirrored=False):
    entry = gallery()[name]
    return make_character(entry.picture(), name, size, mirrored, entry.beard)


def paint(predictor, person, name="elf-lady", **options):
    options = CharacterOptions(**{"quality": "fast", **options})
    steps = character_steps(astronaut(), person, character(name), options, predictor)
    return last_picture(steps)


def test_a_costume_keeps_the_picture_around_the_face(predictor, person):
    result = np.asarray(paint(predictor, person), int)
    own = np.asarray(character("elf-lady").picture, int)
    assert result.shape == own.shape
    changed = np.abs(result - own).max(-1) > 12
    face = character("elf-lady").face
    rows, columns = np.nonzero(changed)
    distance = np.hypot(*(np.stack([columns, rows]) - face.flat.mean(0)[:, None])) / face.width
    assert changed.mean() > 0.01
    assert distance.max() < 2  # hair and neck follow the person's proportions


@pytest.mark.parametrize("name", ["elf-lady", "silver-mage", "desert-leader"])
def test_a_full_likeness_has_the_persons_proportions(predictor, person, name):
    (face,) = find_faces(paint(predictor, person, name, likeness=1.0))
    assert landmark_error(face.points, person.points) < MAX_LANDMARK_ERROR


def test_the_likeness_leads_from_the_character_to_the_person(predictor, person):
    own = character("silver-mage").face.points
    errors = []
    for likeness in (0.0, 0.5, 1.0):
        face = find_faces(paint(predictor, person, "silver-mage", likeness=likeness))[0]
        errors.append(landmark_error(face.points, person.points))
        if likeness == 0:
            assert landmark_error(face.points, own) < 0.02
    assert errors[0] > errors[1] > errors[2]


def test_a_beard_stays_the_characters(predictor, person):
    chins = []
    for beard in (True, False):
        king = replace(character("king"), beard=beard)
        options = CharacterOptions(quality="fast")
        result = last_picture(character_steps(astronaut(), person, king, options, predictor))
        column, row = king.face.flat[[17, 152]].mean(0).astype(int)
        around = np.asarray(result.convert("L"))[row - 4 : row + 4, column - 8 : column + 8]
        chins.append(around.mean())
    assert chins[0] < chins[1] - 20  # the king's beard is dark


def test_a_portrait_shows_the_person_with_hair_and_clothes(predictor, person):
    result = paint(predictor, person, "elf-lady", kind="portrait")
    assert result.size == (SIZE, SIZE)
    (face,) = find_faces(result)
    assert landmark_error(face.points, person.points) < MAX_LANDMARK_ERROR


def test_a_photograph_without_a_face_is_painted_whole(predictor):
    options = CharacterOptions(quality="fast", size=128)
    steps = character_steps(cat(), None, character("king", 128), options, predictor)
    result = last_picture(steps)
    assert max(result.size) == 128
    assert result.width > result.height


def test_the_quality_painted_ends_with_the_whole_picture(predictor, person):
    options = CharacterOptions()
    small = character("elf-lady", 160)
    shares = []
    for step in character_steps(astronaut(), person, small, options, predictor):
        shares.append(step.share)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert step.picture().size == (160, 160)


def test_a_picture_without_a_face_is_no_character():
    with pytest.raises(UserError) as error:
        make_character(grey(), "grey.png", 0, False)
    assert error.value.code == "character-without-face"


def test_a_character_is_not_enlarged_beyond_768_pixels():
    with pytest.raises(UserError) as error:
        character("king", 769)
    assert error.value.code == "option-out-of-range"


def test_a_small_face_in_a_large_painting_is_cut_out():
    painting = astronaut().resize((1024, 1024))
    wide = grey().resize((3000, 2000))
    wide.paste(painting.crop((200, 0, 700, 500)), (1200, 700))
    made = make_character(wide, "wide.png", 256, False)
    assert made.picture.size == (256, 256)
    assert made.face.width > 60


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"kind": "statue"}, "option-invalid"),
        ({"mirror": "maybe"}, "option-invalid"),
        ({"quality": "best"}, "option-invalid"),
        ({"likeness": 1.5}, "option-out-of-range"),
        ({"likeness": float("nan")}, "option-out-of-range"),
        ({"size": 16}, "option-out-of-range"),
    ],
)
def test_options_out_of_range_are_refused(options, code):
    with pytest.raises(UserError) as error:
        CharacterOptions(**options)
    assert error.value.code == code
