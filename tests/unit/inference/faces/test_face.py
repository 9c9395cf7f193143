"""Faces are found, whichever way the picture is turned, and nothing else is taken for one."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from stylefuse.errors import UserError
from stylefuse.inference.faces.choose import choose_face, faces_of
from stylefuse.inference.faces.crop import CropFrame
from stylefuse.inference.faces.face import Face, Pose, find_faces, shifted
from stylefuse.inference.faces.frame import head_and_shoulders, upright
from tests.support.people import astronaut, cat, crowd, grey, head, texture

NOSE_TIP, LEFT_EYE_CORNER, CHIN = 1, 33, 152


@pytest.fixture(scope="module")
def face():
    (face,) = find_faces(astronaut())
    return face


def test_the_points_lie_on_the_features(face):
    expected = {NOSE_TIP: (223, 128), LEFT_EYE_CORNER: (193, 104), CHIN: (221, 173)}
    for number, place in expected.items():
        assert np.linalg.norm(face.flat[number] - place) < 8
    assert 80 < face.width < 105


def test_a_face_that_looks_at_the_viewer_has_a_pose_near_0(face):
    assert abs(face.pose.yaw) < 6
    assert abs(face.pose.pitch) < 15
    assert abs(face.pose.roll) < 6


def test_a_mirrored_face_looks_the_other_way():
    picture = astronaut().transform((512, 512), Image.Transform.AFFINE, (1.15, 0, -20, 0, 1, 0))
    yaws = [find_faces(x)[0].pose.yaw for x in (picture, ImageOps.mirror(picture))]
    assert abs(sum(yaws)) < 5


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_face_in_a_turned_picture_is_found_where_it_is(face, degrees):
    picture = astronaut().rotate(degrees)
    (turned,) = find_faces(picture)
    angle = np.radians(degrees)
    x, y = (face.flat - 255.5).T
    back = np.stack([x * np.cos(angle) + y * np.sin(angle),
                     y * np.cos(angle) - x * np.sin(angle)], axis=1) + 255.5  # fmt: skip
    assert np.abs(turned.flat - back).mean() < 4
    assert abs(abs(turned.pose.roll) - min(degrees, 360 - degrees)) < 8


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_picture_is_turned_upright(face, degrees):
    turned = astronaut().rotate(degrees)
    picture, again = upright(turned, find_faces(turned)[0])
    assert picture.tobytes() == astronaut().tobytes()
    assert np.abs(again.flat - face.flat).mean() < 4
    assert abs(again.pose.roll) < 8


def test_all_faces_of_a_crowd_are_found():
    assert len(find_faces(crowd())) == 6


def test_faces_are_sorted_by_size():
    picture = Image.new("RGB", (500, 300), (90, 90, 90))
    picture.paste(head().resize((120, 120)), (20, 40))
    picture.paste(head().resize((260, 260)), (220, 20))
    widths = [face.width for face in find_faces(picture)]
    assert len(widths) == 2
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("make", [cat, grey, texture])
def test_what_is_no_face_is_not_taken_for_one(make):
    with pytest.raises(UserError) as error:
        faces_of(make(), "photo.jpg")
    assert error.value.code == "face-missing"


def test_a_tiny_picture_has_no_face():
    assert find_faces(Image.new("RGB", (1, 1))) == []
    assert find_faces(Image.new("RGB", (1, 400))) == []


def test_a_small_face_in_a_large_picture_is_found():
    picture = Image.new("RGB", (1600, 1200), (90, 90, 90))
    picture.paste(head().resize((140, 140)), (1300, 900))
    (face,) = find_faces(picture)
    assert 1300 < face.flat[:, 0].mean() < 1440


@pytest.mark.parametrize(
    ("number", "size", "change", "code"),
    [
        (2, (512, 512), {}, "face-number-invalid"),
        (1, (512, 512), {"scale": 0.25}, "face-too-small"),
        (1, (230, 512), {}, "face-cut-off"),
        (1, (512, 512), {"yaw": 60}, "face-in-profile"),
    ],
)
def test_a_face_that_cannot_be_painted_is_refused(face, number, size, change, code):
    points = face.points * change.get("scale", 1)
    angle = np.radians(change.get("yaw", 0))
    middle = points.mean(0)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0],
                     [-np.sin(angle), 0, np.cos(angle)]])  # fmt: skip
    changed = Face((points - middle) @ turn + middle, 1, 1)
    with pytest.raises(UserError) as error:
        choose_face([changed], number, size, "photo.jpg")
    assert error.value.code == code


def test_a_crop_and_its_points_belong_together(face):
    frame = CropFrame(np.array([223.0, 130.0]), 200, np.radians(20))
    inner = frame.to_crop(face.flat, 256)
    assert np.allclose(frame.to_picture(inner, 256), face.flat)
    (again,) = find_faces(frame.cut(astronaut(), 256))
    assert np.abs(again.flat - inner).mean() < 4


def test_a_crop_beyond_the_picture_repeats_its_border():
    crop = CropFrame(np.array([0.0, 0.0]), 40).cut(grey(), 20)
    assert np.ptp(np.asarray(crop)) == 0


def test_a_part_of_a_picture_moves_its_face(face):
    box = head_and_shoulders(face, (512, 512))
    part = astronaut().crop(box)
    (again,) = find_faces(part)
    assert np.abs(shifted(face, box[:2], 1).flat - again.flat).mean() < 3


def test_the_distance_of_poses_ignores_a_tilt():
    assert Pose(3, 4, 50).distance(Pose(0, 0, 0)) == 5
    assert Pose(3, 4, 50).mirrored() == Pose(-3, 4, -50)
