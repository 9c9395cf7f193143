"""The shipped characters, and which of them fits a face."""

import pytest

from stylefuse.inference.characters.gallery import (
    GALLERY,
    INDEX,
    best_fits,
    default_character,
    fit_of,
    gallery,
)
from stylefuse.inference.faces.face import Pose, find_faces

MAX_BYTES = 1_500_000  # of the whole gallery
MAX_SIDE = 512


def test_the_gallery_is_small_and_every_file_is_listed():
    files = {path.stem for path in GALLERY.glob("*.webp")}
    assert files == set(gallery())
    assert sum(path.stat().st_size for path in GALLERY.iterdir()) <= MAX_BYTES
    licences = (GALLERY / "LICENCES.md").read_text()
    assert all(f"\n| {name} | `" in licences for name in files)


@pytest.mark.parametrize("name", gallery())
def test_a_character_has_one_face_with_the_recorded_pose(name):
    character = gallery()[name]
    picture = character.picture()
    assert max(picture.size) <= MAX_SIDE
    face = find_faces(picture)[0]
    assert face.pose.distance(character.pose) < 1
    assert face.score > 0.9


def test_a_frontal_face_has_six_characters_that_fit():
    for pitch in (0, 8, 16):
        assert sum(fit.angle < 10 for fit in best_fits(Pose(0, pitch, 0))) >= 6


def test_the_best_fit_comes_first_and_may_be_mirrored():
    fits = best_fits(Pose(-22, 7, 0))
    assert [fit.angle for fit in fits] == sorted(fit.angle for fit in fits)
    assert fits[0].mirrored
    assert best_fits(Pose(-22, 7, 0), "no")[0].angle > fits[0].angle


def test_mirroring_can_be_forced():
    pose = Pose(10, 0, 0)
    assert fit_of(pose, pose, "auto") == (False, 0)
    assert fit_of(pose, pose, "yes") == (True, 20)
    assert fit_of(pose, pose.mirrored(), "no") == (False, 20)


def test_no_beard_is_put_on_who_has_not_asked_for_one():
    king = gallery()["king"]
    assert best_fits(king.pose)[0].character == king
    assert not default_character(king.pose).character.beard


def test_held_out_portraits_are_recorded():
    assert {character.split for character in gallery().values()} == {"train", "validation", "test"}
    assert INDEX.exists()
