"""Light and colour of a painted face: the person's features in the painter's palette.

Lightness is mixed in two bands. The low one, light and shadow, comes mostly from the painting, so
that the face stays in the light of its picture. The other one, features, comes from the person.
"""

import numpy as np

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.alignment import AlignedFaces
from stylefuse.inference.characters.filters import blur, guided
from stylefuse.inference.characters.lab import to_lab, to_rgb

FULL_FEATURES = 0.75  # the likeness from which all features are the person's
LIGHT_SHARE = 0.4  # of the person's own light and shadow, at that likeness
# Lengths in widths of the face.
LOW_BAND, SKIN_COLOUR, CALM, INK = 1 / 6, 1 / 22, 1 / 45, (1 / 170, 1 / 55)
TEXTURE = 25.0  # variance of lightness that is skin, paper or grain
# Limits of the painter's contrast over the photograph's: of features, of light, of both together.
GAIN, LIGHT_GAIN, CONTRAST = (0.75, 1.35), (0.5, 1.3), (0.9, 1.3)
DARKEST, BRIGHTEST = 30.0, 13.0  # what features take from the light and add to it at most
DARKEST_SKIN = 15.0  # what is taken outside of eyes, brows and lips
INK_STRENGTH, INK_THRESHOLD, INK_LIMIT = 1.6, 0.5, 5.0
KNEE = 6.0  # of lightness below the painting's highlights, where highlights are compressed
COLOUR_SHARE = 0.8  # of the person's own differences of colour, such as lips


def paint_tones(faces: AlignedFaces, beard: bool, likeness: float) -> np.ndarray:
    """Paint a person's face in the light and palette of a character.

    Args:
        faces: aligned.
        beard: whether a beard covers the lower half of the character's face.
        likeness: 0 the character's features, 1 the person's.

    Returns:
        Levels of the window, float32 `[rows, columns, 3]`.
    """
    width, flat = faces.face_width, faces.inner_points
    inside = masks.inner_face(flat, faces.size, 1, beard) > 0.5
    drawn = masks.features(flat, faces.size, CALM * width)
    painting, photo = to_lab(faces.character[faces.window]), to_lab(faces.person)
    radius = max(1, round(CALM * width))
    calm = guided(photo[..., 0], photo[..., 0], radius, TEXTURE)
    calm = guided(calm, calm, radius, TEXTURE)
    person_colour = np.stack([guided(photo[..., i], calm, radius, TEXTURE) for i in (1, 2)], -1)

    likeness = likeness / FULL_FEATURES
    features = min(1, likeness) * masks.below_brows(flat, faces.size)
    lightness = _lightness(painting[..., 0], calm, inside, drawn, features, likeness, width)
    own_colour = person_colour - _blur_inside(person_colour, inside, LOW_BAND * width)
    colour = _blur_inside(painting[..., 1:], inside, SKIN_COLOUR * width)
    colour += features[..., None] * COLOUR_SHARE * own_colour
    return to_rgb(np.concatenate([lightness[..., None], colour], axis=-1))


def _lightness(
    painting: np.ndarray,
    photo: np.ndarray,
    inside: np.ndarray,
    drawn: np.ndarray,
    features: np.ndarray,
    likeness: float,
    width: float,
) -> np.ndarray:
    """Mix the lightness of a painting and a photograph.

    Args:
        painting: `[rows, columns]`.
        photo: without fine texture.
        inside: the face.
        drawn: 1 in eyes, brows and lips.
        features: the person's share of features, 0…1.
        likeness: in units of `FULL_FEATURES`.
        width: of the face in pixels.
    """
    light, person_light = (_blur_inside(x, inside, LOW_BAND * width) for x in (painting, photo))
    detail, person_detail = painting - light, photo - person_light
    share = LIGHT_SHARE * likeness
    mixed = (
        (1 - share) * light
        + share * _like(person_light, light, inside, LIGHT_GAIN)
        + features * _limited(_gain(person_detail, detail, inside) * person_detail, drawn)
        + (1 - features) * detail
    )
    mixed = _like(mixed, painting, inside, CONTRAST) - features * ink(photo, width)
    return _compressed(mixed, np.quantile(painting[inside], 0.97))


def _blur_inside(x: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what is inside a mask; outside, what is nearest inside (normalised convolution)."""
    shares = inside.astype(np.float32) + 1e-3
    if x.ndim == 3:
        return np.stack([_blur_inside(x[..., i], inside, sigma) for i in range(x.shape[-1])], -1)
    return blur(x * shares, sigma) / np.maximum(blur(shares, sigma), 1e-4)


def _like(x: np.ndarray, other: np.ndarray, inside: np.ndarray, limits: tuple) -> np.ndarray:
    """A map with the mean and, within limits, the deviation that another has inside a mask."""
    gain = np.clip(other[inside].std() / (x[inside].std() + 1e-6), *limits)
    return (x - x[inside].mean()) * gain + other[inside].mean()


def _gain(x: np.ndarray, other: np.ndarray, inside: np.ndarray) -> float:
    return float(np.clip(other[inside].std() / (x[inside].std() + 1e-6), *GAIN))


def _limited(detail: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Detail whose extremes are bent towards limits: eyes do not become holes, and a lock of hair
    over the skin does not become a stain.

    Args:
        detail: of lightness, `[height, width]`.
        drawn: 1 in eyes, brows and lips, 0 elsewhere.
    """
    darkest = DARKEST_SKIN + (DARKEST - DARKEST_SKIN) * drawn
    limit = np.where(detail < 0, darkest, BRIGHTEST)
    return limit * np.tanh(detail / limit)


def ink(lightness: np.ndarray, width: float) -> np.ndarray:
    """What lines darken: dark ridges, by a difference of Gaussians (Winnemöller et al. 2012)."""
    narrow, wide = (blur(lightness, length * width) for length in INK)
    return INK_STRENGTH * np.clip(wide - narrow - INK_THRESHOLD, 0, INK_LIMIT)


def _compressed(lightness: np.ndarray, highlight: float) -> np.ndarray:
    """Lightness whose highlights end near the painting's."""
    excess = lightness - (highlight - KNEE)
    return np.where(excess > 0, highlight - KNEE + 8 * np.tanh(excess / 8), lightness)
