"""Learning a style lowers its loss, and a learned style is used wherever a picture is."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.errors import UserError
from stylefuse.inference import style_learning
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.style_file import LearnedStyle
from stylefuse.inference.style_learning import learn_code, refuse_blank
from stylefuse.inference.style_optimizer import loss_at_full_size
from tests.support.models import noise
from tests.support.trainings import ROOT

STROKES = Image.open(ROOT / "examples/painting.png").convert("RGB").resize((256, 256))
PHOTOGRAPH = Image.fromarray(data.astronaut()).resize((96, 96))
FAST = TransferOptions(quality="fast")


@pytest.fixture(scope="module")
def predictor():
    return load_predictor(ROOT / "models/base/transfer")


@pytest.fixture(scope="module")
def steps(predictor):
    """Some steps of learning a style."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style_learning, "STEPS", 8)
        style = predictor.style([STROKES])
        return list(learn_code(predictor.stylizer, style.code, style.target))


@pytest.fixture(scope="module")
def learned(predictor, steps):
    return LearnedStyle("painting", "", "", predictor.model.weights, steps[-1].code, [STROKES])


def test_the_loss_of_another_photograph_falls(predictor, steps):
    style = predictor.style([STROKES])
    loss = loss_at_full_size(np.asarray(PHOTOGRAPH), style.target)
    before, after = (
        loss(np.float32(predictor.stylizer.render(np.asarray(PHOTOGRAPH), code)) / 255)[0]
        for code in (style.code, steps[-1].code)
    )
    assert after < 0.95 * before, (before, after)


def test_the_progress_rises_to_1(steps):
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_learned_style_paints_with_its_code(predictor, learned):
    style = predictor.style([learned])
    assert style.code.tolist() == learned.code.tolist()
    assert predictor.transfer(PHOTOGRAPH, style, FAST).size == PHOTOGRAPH.size


def test_it_mixes_with_pictures(predictor, learned):
    picture = noise(64, 64)
    mixed = predictor.style([learned, picture], [3, 1])
    own = predictor.style([picture]).code
    np.testing.assert_allclose(mixed.code, 0.75 * learned.code + 0.25 * own, atol=1e-5)
    assert mixed.target.weights == [0.75, 0.25]


@pytest.mark.parametrize(
    "change", [{"weights": "0" * 64}, {"code": np.zeros(7, np.float32)}], ids=["weights", "length"]
)
def test_a_style_of_another_network_is_read_from_its_pictures(predictor, learned, change):
    foreign = replace(learned, **change)
    read = predictor.style(learned.pictures)
    assert predictor.style([foreign]).code.tolist() == read.code.tolist()


def test_a_blank_picture_is_refused():
    refuse_blank(np.asarray(STROKES), "x")
    with pytest.raises(UserError) as error:
        refuse_blank(np.full((20, 20, 3), 200, np.uint8), "x")
    assert error.value.code == "style-blank"
