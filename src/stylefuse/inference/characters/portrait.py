"""A person with hair and clothes, painted in a character's hand and colours."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from stylefuse.inference.characters.character import Character
from stylefuse.inference.characters.filters import guided
from stylefuse.inference.characters.lab import to_lab, to_rgb
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.regions import REGIONS, find_regions
from stylefuse.inference.characters.tones import CALM, FULL_FEATURES, TEXTURE, ink
from stylefuse.inference.faces.face import Face, shifted
from stylefuse.inference.faces.frame import head_and_shoulders, upright
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.steps import PaintingStep
from stylefuse.inference.transfer import TransferPredictor

COARSE_TEXTURE = 60.0  # variance of lightness that is texture of hair, clothes or ground
CONTRAST = 0.6, 1.4  # limits of the character's contrast in a region over the photograph's
STROKES = 0.5  # strength of the strokes; stronger ones hatch skin and ground


def portrait_steps(
    photo: Image.Image,
    person: Face,
    character: Character,
    options: CharacterOptions,
    predictor: TransferPredictor,
) -> Iterator[PaintingStep]:
    """Paint a person in a character's hand, with its colours of skin, hair, clothes and ground.

    Args:
        photo: "RGB".
        person: the face in it.
        character: at the size of the result.
        options: `likeness` and `quality` matter.
        predictor: paints the strokes.

    Yields:
        Square "RGB" pictures of head and shoulders, whose side is the character's longer side.
    """
    photo, person = upright(photo, person)
    box = head_and_shoulders(person, photo.size)
    side = max(character.picture.size)
    content = photo.crop(box).resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    face = shifted(person, (box[0], box[1]), side / (box[2] - box[0]))
    beyond = max(0, options.likeness - FULL_FEATURES) / (1 - FULL_FEATURES)
    coloured = _coloured(np.asarray(content), face, character, 1 - beyond / 2)
    style = predictor.style([character.picture])
    return predictor.transfer_steps(
        Image.fromarray(coloured),
        style,
        TransferOptions(STROKES, preserve_color="luminance", quality=options.quality),
    )


def _coloured(photo: np.ndarray, face: Face, character: Character, share: float) -> np.ndarray:
    """A photograph without fine texture, with ink in its lines, in a character's colours.

    Args:
        photo: uint8 `[side, side, 3]`.
        face: in it.
        character: whose colours each region gets.
        share: 0 keeps the photograph's colours, 1 takes the character's.

    Returns:
        uint8 `[side, side, 3]`
    """
    lab, radius = to_lab(photo), max(1, round(CALM * face.width))
    fine, coarse = _calm(lab, radius, TEXTURE), _calm(lab, 2 * radius, COARSE_TEXTURE)
    painting = to_lab(np.asarray(character.picture))
    own, other = find_regions(fine, face), find_regions(painting, character.face)
    person = own[..., REGIONS.index("skin"), None]
    calm = person * fine + (1 - person) * coarse
    target = sum(
        own[..., i, None] * _like(calm, own[..., i], painting, other[..., i])
        for i in range(own.shape[-1])
    )
    mixed = (1 - share) * calm + share * target
    mixed[..., 0] -= ink(calm[..., 0], face.width)
    return np.rint(to_rgb(mixed)).astype(np.uint8)


def _calm(lab: np.ndarray, radius: int, texture: float) -> np.ndarray:
    lightness = guided(lab[..., 0], lab[..., 0], radius, texture)
    lightness = guided(lightness, lightness, radius, texture)
    colours = [guided(lab[..., i], lightness, radius, texture) for i in (1, 2)]
    return np.stack([lightness, *colours], axis=-1)


def _like(
    x: np.ndarray, weights: np.ndarray, other: np.ndarray, other_weights: np.ndarray
) -> np.ndarray:
    """A picture with the mean and, within limits, the deviation of a region of another."""
    (mean, deviation), (target, target_deviation) = (
        _moments(picture, mask) for picture, mask in ((x, weights), (other, other_weights))
    )
    gain = np.clip(target_deviation / (deviation + 1e-6), *CONTRAST)
    result: np.ndarray = (x - mean) * gain + target
    return result


def _moments(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shares = weights[..., None] / weights.sum()
    mean = (x * shares).sum((0, 1))
    return mean, np.sqrt((((x - mean) ** 2) * shares).sum((0, 1)))
