"""The portrait evaluator distinguishes copies of training portraits from new portraits."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stylefuse.evaluation.evaluators import portrait
from tests.unit.evaluation.conftest import check_result


class CopyingPredictor:
    """Returns the training portraits, mirrored."""

    latent = 5

    def __init__(self, training: np.ndarray):
        self.pictures = training[:, :, ::-1]

    def generate(self, latents):
        return np.resize(self.pictures, (len(latents), *self.pictures.shape[1:]))

    def paint(self, inputs, options):
        return Image.fromarray(self.pictures[inputs["seed"]])


def test_copies_have_no_novelty(make_context):
    context = make_context("portrait")
    result, _ = portrait.evaluate(context)
    check_result(result, context.sample_grids, "samples.png", "neighbours.png", "blends.png")
    training, ours = (result["methods"][name] for name in ("training pictures", "stylefuse"))
    assert training["nearest"] == training["nearest_pixels"] == 0
    assert ours["nearest"] > 0.5

    training_pictures = np.asarray(context.tiles("portrait", "train"))
    copying = replace(context, predictor=CopyingPredictor(training_pictures))
    copied = portrait.evaluate(copying)[0]["methods"]["stylefuse"]
    assert copied["nearest"] == copied["nearest_pixels"] == 0
    assert copied["variety"] == pytest.approx(training["variety"], rel=0.2)
