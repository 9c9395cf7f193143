"""Requests for characters, as the predictors of models answer theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from PIL import Image

from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.open import flatten
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.painter import character_steps
from stylefuse.inference.characters.selection import CharacterSelector
from stylefuse.inference.faces.choose import choose_face, faces_of
from stylefuse.inference.steps import PaintingStep, last_picture
from stylefuse.inference.transfer import TransferPredictor

PHOTOGRAPH, PICTURE = "the photograph", "the character's picture"  # in messages


@dataclass(frozen=True)
class CharacterRequestOptions(CharacterOptions):
    """All options of a request for a character.

    Args:
        character: a name of the gallery; empty for the one whose pose fits best.
        face: number of the face, from 1 for the largest.
    """

    character: str = ""
    face: int = 1

    def fast(self) -> Self:
        return replace(self, quality="fast")


class CharacterPredictor:
    """Paints the picture "photograph" as a character of the gallery, or as that of the picture
    "character".

    Args:
        transfer: paints the strokes.
    """

    def __init__(self, transfer: TransferPredictor):
        self._transfer = transfer

    def picture_origin(self) -> PictureOrigin:
        """The origin that is written into the metadata of the pictures."""
        return self._transfer.picture_origin()

    def paint(self, inputs: dict[str, Any], options: CharacterRequestOptions) -> Image.Image:
        """The last of `steps`."""
        return last_picture(self.steps(inputs, options))

    def steps(
        self, inputs: dict[str, Any], options: CharacterRequestOptions
    ) -> Iterator[PaintingStep]:
        """Paint step by step.

        Args:
            inputs: "photograph", and "character" if it is none of the gallery.
            options: of the painting.

        Raises:
            UserError: a picture has no face that can be painted, or there is no such character.
        """
        photo, picture = flatten(inputs["photograph"]), inputs.get("character")
        faces = faces_of(photo, PHOTOGRAPH)
        person = choose_face(faces, options.face, photo.size, PHOTOGRAPH)
        name = options.character if picture is None else PICTURE
        selector = CharacterSelector(name, options.mirror, picture)
        character = selector.load(selector.select(person.pose), options.size)
        return character_steps(photo, person, character, options, self._transfer)
