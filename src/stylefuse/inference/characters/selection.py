"""Which character a person becomes: one of the gallery, or the face in a picture."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.inference.characters.character import Character, make_character
from stylefuse.inference.characters.gallery import (
    GalleryCharacter,
    best_fits,
    default_character,
    fit_of,
    gallery,
)
from stylefuse.inference.characters.options import Mirror
from stylefuse.inference.faces.face import Pose

MAX_ANGLE = 15.0  # degrees between two poses; beyond it a face distorts
GALLERY_HINT = "`stylefuse character --list` shows the gallery"


@dataclass(frozen=True)
class Selection:
    """The character for one person.

    Attributes:
        name: in the gallery, or the file of the picture.
        mirrored: whether the character is mirrored.
        angle: between the poses of the person and the character, in degrees.
    """

    name: str
    mirrored: bool
    angle: float


class CharacterSelector:
    """Selects the characters for people.

    Args:
        name: of a character of the gallery, or of the picture; empty for the character of the
            gallery whose pose fits best, for each person.
        mirror: see `CharacterOptions`.
        picture: a painting of a face, which takes the place of the gallery.

    Raises:
        UserError: the gallery has no such character.
    """

    def __init__(self, name: str, mirror: Mirror, picture: Image.Image | None = None):
        self._name, self._mirror, self._picture = name, mirror, picture
        self._entry: GalleryCharacter | None = None
        if name and picture is None:
            self._entry = gallery().get(name)
            if not self._entry:
                raise UserError(
                    f"there is no character {name}; {GALLERY_HINT}",
                    code="character-missing",
                )

    def select(self, pose: Pose | None) -> Selection:
        """The character for a person who looks a way, or for a photograph without a face.

        Raises:
            UserError: there is no face, and no character was named; or the picture has no face.
        """
        if self._picture:
            own = self._own_pose
        elif self._entry:
            own = self._entry.pose
        elif pose:
            fit = default_character(pose, self._mirror)
            return Selection(fit.character.name, fit.mirrored, fit.angle)
        else:
            raise UserError(
                "a photograph without a face fits every character alike; name one with --as. "
                f"{GALLERY_HINT}",
                code="character-missing",
            )
        if pose is None:
            return Selection(self._name, self._mirror == "yes", 0)
        return Selection(self._name, *fit_of(pose, own, self._mirror))

    def load(self, selection: Selection, size: int) -> Character:
        """The selected painting.

        Args:
            selection: of this selector.
            size: longer side in pixels; 0 for the painting's own.

        Raises:
            UserError: the painting has no face, or the size is too large for it.
        """
        if self._picture:
            return make_character(self._picture, selection.name, size, selection.mirrored)
        entry = gallery()[selection.name]
        return make_character(entry.picture(), entry.name, size, selection.mirrored, entry.beard)

    @cached_property
    def _own_pose(self) -> Pose:
        assert self._picture
        return make_character(self._picture, self._name, 0, False).face.pose


def pose_notice(selection: Selection, pose: Pose, photo: str) -> str | None:
    """A line that says that a pose does not fit, and which character fits best; None if it fits."""
    if selection.angle <= MAX_ANGLE:
        return None
    best = best_fits(pose)[0]
    return (
        f"{photo} and {selection.name} look {round(selection.angle)}° apart, so that the face may "
        f"look distorted; {best.character.name} fits best ({round(best.angle)}°)"
    )


def list_gallery(pose: Pose | None) -> list[dict[str, Any]]:
    """The gallery for people and programs.

    Args:
        pose: of a person's face, by which the best fitting character comes first; None lists them
            by name.

    Returns:
        `name`, `title` and `beard` of each character; with a pose also `degrees`, by which it looks
        away from it, and whether it is `mirrored` for that.
    """
    if pose is None:
        return [_described(character) for character in gallery().values()]
    return [
        _described(fit.character) | {"degrees": round(fit.angle), "mirrored": fit.mirrored}
        for fit in best_fits(pose)
    ]


def _described(character: GalleryCharacter) -> dict[str, Any]:
    return {"name": character.name, "title": character.title, "beard": character.beard}
