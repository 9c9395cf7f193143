"""The regression test of the model code: styles for which the true result is known.

Filters take the place of painters. The model is trained on photographs and on filtered pictures of
other places. Then it paints held-out photographs in the style of held-out filtered pictures, and
the result is compared with the same photograph under the filter itself.
"""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
from scipy import ndimage

from stylefuse.config import load_params
from stylefuse.fileio import file_lock, sha256
from stylefuse.images.arrays import to_float
from stylefuse.inference.model_folder import MANIFEST
from stylefuse.models.layers.normalization import moments
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.models.transfer import TASK
from stylefuse.training.checkpoints import code_digest, run_key
from stylefuse.training.compile_steps import compile_steps
from stylefuse.training.state import TrainingState
from tests.support import filters
from tests.support.filters import FILTERS, HELD_OUT, TRAINING_PICTURES, crops, photograph, tone
from tests.support.trainings import CACHE
from tests.unit.test_config import SHIPPED

STEPS = 300  # some 50 seconds of processor time
SEED = 7
ARCHITECTURE = {"width": 16, "blocks": 2, "code": 16}
SETTINGS = {
    "init_from": "", "crop": 32, "batch": 8, "kimg": STEPS * 8 / 1000, "discriminator_width": 32,
    "learning_rate": 6e-3, "discriminator_learning_rate": 6e-3, "reconstruction": 1, "content": 0.5,
}  # fmt: skip
TILE, TILES = 80, 12  # pixels of a training tile; how many per photograph and filter
SIDE, CONTENTS = 64, 8  # pixels of a test picture; how many per photograph
LAG = 8  # pixels; the filters' patterns repeat within it


class PictureResults(NamedTuple):
    """How near a method comes to the truth. Errors are relative to the unstyled photograph's."""

    colour: float  # error of the low-passed colours
    texture: float  # error of the texture statistic
    structure: float  # correlation of low-passed lightness with the photograph's
    response: float  # share of pictures whose texture is nearest to that of their own filter


def shortcomings(results: PictureResults) -> set[str]:
    """The names of the results that are not good enough."""
    passes = PictureResults(
        colour=results.colour < 0.6,
        texture=results.texture < 0.75,
        structure=results.structure > 0.75,
        response=results.response > 0.65,
    )
    return {name for name, passed in passes._asdict().items() if not passed}


def low_pass(pictures):
    return ndimage.gaussian_filter(pictures, (0, 4, 4, 0))


def texture(pictures):
    """Autocorrelation of the fine structure of the lightness, for shifts of up to `LAG` pixels. It
    shows the period and direction of lines and dots; noise of any strength has none.

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


def make_test_set():
    """Held-out contents, and for each filter the references and the true results."""
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


def evaluate(paint) -> PictureResults:
    """Evaluate a method `(contents, references) → pictures` on the test set."""
    contents, references, truths = make_test_set()
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
        distances = [distance(texture(painted[name]), textures[other]) for other in textures]
        return np.mean(np.argmin(distances, axis=0) == list(textures).index(name))

    return PictureResults(
        colour=float(relative(colour_error)),
        texture=float(relative(texture_error)),
        structure=float(np.mean([likeness(painted[name], contents) for name in truths])),
        response=float(np.mean([share_of_own(name) for name in truths])),
    )


def prepare(folder):
    """Write tiles of the training photographs and, from other places of them, filtered ones."""
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


def train(folder):
    """The averaged generator after a short run of the shipped code.

    Its weights are kept, by the hash of all that they depend on, for other runs of the tests.
    """
    shipped = load_params(SHIPPED)
    settings = shipped.model_settings(TASK.name).model_copy(update=ARCHITECTURE | SETTINGS)
    key = run_key(
        code=code_digest(), filters=sha256(Path(filters.__file__)), test=sha256(Path(__file__)),
        settings=settings.model_dump(), keras=keras.__version__, backend=keras.backend.backend(),
    )  # fmt: skip
    saved = CACHE / "filters" / key
    with file_lock(saved.with_suffix(".lock"), timeout_s=-1):
        if not (saved / MANIFEST).exists():
            prepare(folder)
            models = {TASK.name: {shipped.profile: settings}}
            params = shipped.model_copy(update={"models": models, "seed": SEED})
            state = TrainingState(TASK.name, params, folder)
            compile_steps(state)(0, STEPS)
            save_generator(TASK, settings, state.averaged, saved)
    return load_generator(saved)[1]


def test_training_brings_held_out_photographs_nearer_to_the_truth(tmp_path):
    results = evaluate(train(tmp_path))
    assert not shortcomings(results), results


def unstyled(contents, references):
    """The identity baseline."""
    return contents


def colour_matching(contents, references):
    """The references' colour moments on the contents: palette without texture."""
    (mean, deviation), (mean_2, deviation_2) = moments(contents), moments(references)
    return (contents - mean) / deviation * deviation_2 + mean_2


def copying(contents, references):
    """The perfect style on the wrong picture."""
    return references


def untrained(contents, references):
    keras.utils.set_random_seed(SEED)
    return TASK.build_generator(**ARCHITECTURE)(contents, references)


@pytest.mark.parametrize(
    ("paint", "faults"),
    [
        (unstyled, {"colour", "texture", "response"}),
        (colour_matching, {"texture", "response"}),
        (copying, {"structure"}),
        (untrained, {"colour", "texture", "response"}),
    ],
)
def test_methods_that_learned_nothing_fail(paint, faults):
    results = evaluate(paint)
    assert faults <= shortcomings(results), results


def test_the_filters_themselves_pass():
    """The thresholds demand nothing that the true results lack."""
    truths = iter(make_test_set()[2].values())
    assert not shortcomings(evaluate(lambda contents, references: next(truths)))
