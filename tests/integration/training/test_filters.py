"""The regression test of the model code: painters whose true answer is known.

Filters play painters. The model trains on photographs and on filtered pictures that are no pairs,
then paints photographs that it never saw after filtered pictures that it never saw. What it paints
is compared with what the filter itself makes of the same photograph.
"""

from typing import NamedTuple

import keras
import numpy as np
import pytest
from scipy import ndimage

from stylefuse.config import load_params
from stylefuse.images.arrays import to_float
from stylefuse.models.layers.normalization import moments
from stylefuse.models.transfer import TASK
from stylefuse.training.run import Run
from tests.support.filters import FILTERS, HELD_OUT, TRAINING_PICTURES, crops, photograph, tone
from tests.unit.test_config import SHIPPED

STEPS = 600  # some 100 seconds of processor time
SHAPE = {"width": 16, "blocks": 2, "code": 16}
SETTINGS = {
    "init_from": "", "crop": 32, "batch": 8, "kimg": STEPS * 8 / 1000, "discriminator_width": 32,
    "learning_rate": 6e-3, "discriminator_learning_rate": 6e-3, "reconstruction": 1, "content": 0.5,
}  # fmt: skip
TILE, TILES = 80, 12  # pixels of a training tile; how many per photograph and filter
SIDE, CONTENTS = 64, 8  # pixels of a picture of the exam; how many per photograph
LAG = 8  # pixels; the filters' patterns repeat within it


class PictureResults(NamedTuple):
    """How near to the truth a painter comes; errors are in parts of the unpainted photograph's."""

    colour: float  # error of the low-passed colours
    texture: float  # error of the texture statistic
    structure: float  # correlation of low-passed lightness with the photograph's
    response: float  # share of pictures whose texture is nearest to that of their own filter


def shortcomings(results: PictureResults) -> set[str]:
    """The names of the scores that are not good enough."""
    good = PictureResults(
        colour=results.colour < 0.6,
        texture=results.texture < 0.75,
        structure=results.structure > 0.75,
        response=results.response > 0.65,
    )
    return {name for name, passes in good._asdict().items() if not passes}


def low_pass(pictures):
    return ndimage.gaussian_filter(pictures, (0, 4, 4, 0))


def texture(pictures):
    """Autocorrelation of what is fine in the lightness, for shifts of up to `LAG` pixels: it knows
    the period and direction of lines and dots, and noise of any strength has none.

    Returns:
        `[batch, shifts]`, each from −1 to 1.
    """
    lightness = pictures.mean(-1)
    fine = lightness - ndimage.gaussian_filter(lightness, (0, 3, 3))
    products = np.fft.ifft2(np.abs(np.fft.fft2(fine)) ** 2).real
    relative = products / (products[:, :1, :1] + 1e-3)
    shifts = np.arange(-LAG, LAG + 1)
    return relative[:, : LAG + 1, shifts].reshape(len(pictures), -1)


def distance(a, b):
    return np.abs(a - b).reshape(len(a), -1).mean(1)


def likeness(a, b):
    """Correlation of low-passed lightness, picture by picture."""
    a, b = (low_pass(x).mean(-1).reshape(len(x), -1) for x in (a, b))
    return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])


def exam():
    """Held-out contents, and per filter the references and the true answers."""
    tones = {name: tone(photograph(name)) for name in HELD_OUT}
    contents = np.concatenate([crops(photograph(n), SIDE, CONTENTS, 1) for n in HELD_OUT])
    references, truths = (
        {
            name: to_float(np.concatenate([crops(f(tones[n]), SIDE, CONTENTS, s) for n in names]))
            for name, f in FILTERS.items()
        }
        for names, s in ((HELD_OUT[::-1], 2), (HELD_OUT, 1))
    )
    return to_float(contents), references, truths


def score(paint) -> PictureResults:
    """Let a painter `(contents, references) → pictures` sit the exam."""
    contents, references, truths = exam()
    textures = {name: texture(truth) for name, truth in truths.items()}
    painted = {
        name: np.clip(np.asarray(paint(contents, references[name])), -1, 1) for name in truths
    }

    def colour_error(pictures, name):
        return distance(low_pass(pictures), low_pass(truths[name])).mean()

    def texture_error(pictures, name):
        return distance(texture(pictures), textures[name]).mean()

    def relative(error):
        return sum(error(painted[n], n) for n in truths) / sum(error(contents, n) for n in truths)

    def share_of_own(name):
        apart = [distance(texture(painted[name]), textures[other]) for other in textures]
        return np.mean(np.argmin(apart, axis=0) == list(textures).index(name))

    return PictureResults(
        colour=float(relative(colour_error)),
        texture=float(relative(texture_error)),
        structure=float(np.mean([likeness(painted[name], contents) for name in truths])),
        response=float(np.mean([share_of_own(name) for name in truths])),
    )


def prepare(folder):
    """Tiles of seen photographs and, from other places of them, of filtered pictures."""
    tones = {name: tone(photograph(name)) for name in TRAINING_PICTURES}
    for split, seed in (("train", 10), ("validation", 20)):
        photographs = [
            crops(photograph(n), TILE, TILES * len(FILTERS), seed) for n in TRAINING_PICTURES
        ]
        paintings = [
            crops(f(tones[n]), TILE, TILES, seed + 1 + i)
            for n in TRAINING_PICTURES
            for i, f in enumerate(FILTERS.values())
        ]
        np.save(folder / f"{split}_photograph.npy", np.concatenate(photographs))
        np.save(folder / f"{split}_painting.npy", np.concatenate(paintings))


def trained(folder, seed):
    """The averaged generator after a short run of the shipped code."""
    shipped = load_params(SHIPPED)
    train = shipped.train(TASK.name).model_copy(update=SHAPE | SETTINGS)
    models = {TASK.name: {shipped.profile: train}}
    run = Run(TASK.name, shipped.model_copy(update={"models": models, "seed": seed}), folder)
    run.advance(0, STEPS)
    return run.averaged


def test_training_brings_unseen_photographs_nearer_to_the_truth(tmp_path):
    prepare(tmp_path)
    results = score(trained(tmp_path, seed=7))
    assert not shortcomings(results), results


def doing_nothing(contents, references):
    return contents


def colours_alone(contents, references):
    """The references' colour moments on the contents: palette without texture."""
    (mean, deviation), (aim, spread) = moments(contents), moments(references)
    return (contents - mean) / deviation * spread + aim


def copying(contents, references):
    """The perfect style, of the wrong picture."""
    return references


def untrained(contents, references):
    keras.utils.set_random_seed(7)
    return TASK.build_generator(**SHAPE)(contents, references)


@pytest.mark.parametrize(
    ("paint", "faults"),
    [
        (doing_nothing, {"colour", "texture", "response"}),
        (colours_alone, {"texture", "response"}),
        (copying, {"structure"}),
        (untrained, {"colour", "texture", "response"}),
    ],
)
def test_who_has_learned_nothing_fails(paint, faults):
    assert faults <= shortcomings(score(paint)), score(paint)


def test_the_filters_themselves_pass():
    """The thresholds ask for nothing that the truth has not."""
    truths = iter(exam()[2].values())
    assert not shortcomings(score(lambda contents, references: next(truths)))
