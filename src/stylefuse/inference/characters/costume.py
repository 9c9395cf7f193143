"""A person's face in a character's picture."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from stylefuse.images.colour import LUMA
from stylefuse.inference import poisson
from stylefuse.inference.characters import masks
from stylefuse.inference.characters.alignment import AlignedFaces, align
from stylefuse.inference.characters.character import Character
from stylefuse.inference.characters.filters import blur
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.tones import paint_tones
from stylefuse.inference.faces.face import Face
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.steps import PaintingStep, at_once
from stylefuse.inference.style_optimizer import StyleTarget, optimized_steps
from stylefuse.inference.transfer import TransferPredictor

SOFT_EDGE = 1 / 28  # σ of the mask's edge, in widths of the face
STROKE_BAND = 1 / 8  # σ of what is no stroke, but light, in widths of the face
NEAR = 1.3  # size of the part around the face in which the seam may change the painting
SEAM_BEYOND = 4.0  # the mask times this is that of the blending
SEAM_COLOUR_WEIGHT = 10.0  # see `poisson.blend`
MIN_SHAPE = 0.3  # how far the person's proportions are ahead of the likeness


def costume_steps(
    photo: Image.Image,
    person: Face,
    character: Character,
    options: CharacterOptions,
    predictor: TransferPredictor,
) -> Iterator[PaintingStep]:
    """Paint a person's face into a character's picture.

    Args:
        photo: "RGB".
        person: the face in it.
        character: to paint into, at the size of the result.
        options: `likeness` and `quality` matter.
        predictor: paints the strokes.

    Yields:
        "RGB" pictures of the character's size.
    """
    shape = min(1, MIN_SHAPE + options.likeness) if options.likeness else 0
    faces = align(photo, person, character.picture, character.face, shape)
    mask = masks.inner_face(
        faces.inner_points, faces.size, SOFT_EDGE * faces.face_width, character.beard
    )[..., None]
    toned = paint_tones(faces, character.beard, options.likeness)
    joined = join(faces, toned, mask[..., 0])
    own = faces.character[faces.window]

    def finish(window: Image.Image) -> Image.Image:
        painted = mask * np.asarray(window, np.float32) + (1 - mask) * joined
        whole = faces.character.copy()
        whole[faces.window] = painted
        return Image.fromarray(np.rint(np.clip(whole, 0, 255)).astype(np.uint8))

    content = np.rint(joined).astype(np.uint8)
    start = _stroked(content, character.picture, faces.face_width, predictor)
    if options.quality == "fast":
        return at_once(start, finish)
    style = StyleTarget([np.rint(own).astype(np.uint8)], [1.0])
    return optimized_steps(start, content, [style], None, 1.0, finish)


def join(faces: AlignedFaces, toned: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The painted face in the character's picture without a seam, levels of the window.

    The mask fades the face into the painting; blending their gradients beyond it removes what is
    left of a step in lightness.
    """
    own = faces.character[faces.window]
    faded = mask[..., None] * toned + (1 - mask[..., None]) * own
    face, painting = (np.rint(np.clip(x, 0, 255)).astype(np.uint8) for x in (faded, own))
    beyond = np.clip(mask * SEAM_BEYOND, 0, 1)
    joined = poisson.blend(face, painting, beyond, SEAM_COLOUR_WEIGHT)
    flat, edge = faces.inner_points, SOFT_EDGE * faces.face_width
    near = masks.inner_face(flat, faces.size, 2 * edge, scale=NEAR)[..., None]
    near = np.maximum(near, mask[..., None])
    return near * joined + (1 - near) * own


def _stroked(
    window: np.ndarray, picture: Image.Image, face_width: float, predictor: TransferPredictor
) -> np.ndarray:
    """The generator's strokes in the window's own light and colours, uint8 `[rows, columns, 3]`."""
    style = predictor.style([picture])
    painted = predictor.transfer(Image.fromarray(window), style, TransferOptions())
    change = (np.asarray(painted, np.float32) - window) @ LUMA
    strokes = change - blur(change, STROKE_BAND * face_width)
    return np.rint(np.clip(window + strokes[..., None], 0, 255)).astype(np.uint8)
