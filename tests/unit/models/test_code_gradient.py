"""The graph's gradient towards a style code is that of the decoder in Keras."""

import keras
import numpy as np
import onnxruntime
import pytest

from stylefuse.images.arrays import random_pictures, to_float
from stylefuse.models.task import find_task
from stylefuse.models.transfer.graphs import graphs
from stylefuse.models.transfer.style_layers import PALETTE, style_layers
from tests.support.models import SHAPES

RNG = np.random.default_rng(0)
STEP = 0.002


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(3)
    generator = find_task("transfer").build_generator(**SHAPES["transfer"])
    generator.set_weights([w + 0.1 * RNG.standard_normal(w.shape) for w in generator.get_weights()])
    return generator


def graph_code(generator, code):
    """A code as the graphs have it, `[n]`."""
    affine = [np.asarray(layer.affine(code)) for layer in style_layers(generator)]
    return np.concatenate([code[:, :PALETTE], *affine], axis=1)


def test_it_is_the_slope_along_any_direction(generator):
    content, style = random_pictures(2, 40, 48, seed=1)
    maps = generator.encode_content(to_float(content[None]))
    code = np.asarray(generator.encode_style(to_float(style[None])))
    weights = RNG.normal(size=(1, *content.shape)).astype(np.float32)

    def value(code):
        painted = (np.asarray(generator.decode(maps, code)) + 1) / 2
        return float((np.clip(painted, 0, 1).astype(np.float64) * weights).sum())

    session = onnxruntime.InferenceSession(graphs(generator)["code_gradient"])
    named = dict(zip(("palette", "map_1", "map_2", "map_4"), maps, strict=True))
    inputs = {name: np.transpose(np.asarray(x), (0, 3, 1, 2)) for name, x in named.items()}
    (gradient,) = session.run(
        None, {**inputs, "code": graph_code(generator, code), "picture_gradient": weights}
    )
    for direction in RNG.normal(size=(4, *code.shape)).astype(np.float32):
        slope = (value(code + STEP * direction) - value(code - STEP * direction)) / (2 * STEP)
        ends = (graph_code(generator, code + side * STEP * direction) for side in (1, -1))
        along = np.subtract(*ends) / (2 * STEP)
        assert (gradient * along).sum() == pytest.approx(slope, rel=0.05, abs=0.5)
