"""From a photograph to a painted character, with the transfer model."""

from collections.abc import Iterator

from PIL import Image

from stylefuse.inference.characters.character import Character
from stylefuse.inference.characters.costume import costume_steps
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.portrait import portrait_steps
from stylefuse.inference.faces.face import Face
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.steps import PaintingStep
from stylefuse.inference.transfer import TransferPredictor

KIND_STEPS = {"costume": costume_steps, "portrait": portrait_steps}


def character_steps(
    photo: Image.Image,
    person: Face | None,
    character: Character,
    options: CharacterOptions,
    predictor: TransferPredictor,
) -> Iterator[PaintingStep]:
    """Paint a person as a character.

    Args:
        photo: "RGB".
        person: the face in it; None paints the whole photograph in the character's hand.
        character: of the size of the result, mirrored where it should be.
        options: see `CharacterOptions`.
        predictor: of a transfer model.

    Yields:
        "RGB" pictures.
    """
    if person is not None:
        return KIND_STEPS[options.kind](photo, person, character, options, predictor)
    style = predictor.style([character.picture])
    size = options.size or max(character.picture.size)
    return predictor.transfer_steps(
        photo, style, TransferOptions(size=size, quality=options.quality)
    )
