"""The painted characters that are shipped with the code."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.characters.options import Mirror
from stylefuse.inference.faces.face import Pose

GALLERY = Path(__file__).with_name("gallery")  # LICENCES.md in it names the sources
INDEX = GALLERY / "index.json"


@dataclass(frozen=True)
class GalleryCharacter:
    """A character of the gallery.

    Attributes:
        name: what users call it by.
        title: a few words about it.
        beard: whether a beard covers the lower half of its face.
        pose: which way its face looks.
        split: in which its portrait is for training: "train", "validation" or "test".
    """

    name: str
    title: str
    beard: bool
    pose: Pose
    split: str

    @property
    def path(self) -> Path:
        """The file of its picture."""
        return GALLERY / f"{self.name}.webp"

    def picture(self) -> Image.Image:
        """Its picture, "RGB"."""
        return flatten(open_picture(self.path))


@dataclass(frozen=True)
class Fit:
    """How well a character's pose fits that of a face.

    Attributes:
        character: of the gallery.
        mirrored: whether the character fits better mirrored.
        angle: between the two poses, in degrees.
    """

    character: GalleryCharacter
    mirrored: bool
    angle: float


@cache
def gallery() -> dict[str, GalleryCharacter]:
    """All characters by name, in alphabetical order."""
    entries = json.loads(INDEX.read_text(encoding="utf-8"))
    return {
        name: GalleryCharacter(
            name, entry["title"], entry["beard"], Pose(*entry["pose"]), entry["split"]
        )
        for name, entry in sorted(entries.items())
    }


def best_fits(pose: Pose, mirror: Mirror = "auto") -> list[Fit]:
    """All characters, the best fitting first.

    Args:
        pose: of a person's face.
        mirror: see `CharacterOptions`.
    """
    fits = [
        Fit(character, *fit_of(pose, character.pose, mirror)) for character in gallery().values()
    ]
    return sorted(fits, key=lambda fit: fit.angle)


def fit_of(pose: Pose, character: Pose, mirror: Mirror) -> tuple[bool, float]:
    """Whether a character is to be mirrored, and the angle between the poses then."""
    angles = {False: pose.distance(character), True: pose.distance(character.mirrored())}
    mirrored = angles[True] < angles[False] if mirror == "auto" else mirror == "yes"
    return mirrored, angles[mirrored]


def default_character(pose: Pose, mirror: Mirror = "auto") -> Fit:
    """The character for a person who has chosen none: the best fitting one without a beard."""
    return next(fit for fit in best_fits(pose, mirror) if not fit.character.beard)
