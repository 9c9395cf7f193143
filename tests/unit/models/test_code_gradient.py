"""The graph's gradient towards a style code is that of the decoder in Keras."""

import keras
import numpy as np
import onnxruntime
import tensorflow as tf

from stylefuse.images.arrays import random_pictures, to_float
from stylefuse.models.task import find_task
from stylefuse.models.transfer.graphs import graphs
from stylefuse.models.transfer.style_layers import PALETTE, style_layers
from tests.support.models import SHAPES

MAPS = "palette", "map_1", "map_2", "map_4"


def test_it_is_the_gradient_in_keras():
    keras.utils.set_random_seed(3)
    rng, task = np.random.default_rng(0), find_task("transfer")
    generator = task.build_generator(**SHAPES["transfer"])
    generator.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in generator.get_weights()])
    content, style = random_pictures(2, 40, 48, seed=1)
    maps = generator.encode_content(to_float(content[None]))
    code = tf.Variable(generator.encode_style(to_float(style[None])))
    slope = rng.normal(size=(1, *content.shape)).astype(np.float32)
    with tf.GradientTape() as tape:
        painted = (generator.decode(maps, code) + 1) / 2
        value = tf.reduce_sum(tf.clip_by_value(painted, 0, 1) * slope)
    expected = tape.gradient(value, code).numpy()[0]

    layers = style_layers(generator)
    styles = [np.asarray(layer.affine(code)) for layer in layers]
    inputs = {
        name: np.transpose(np.asarray(x), (0, 3, 1, 2)) for name, x in zip(MAPS, maps, strict=True)
    }
    inputs["code"] = np.concatenate([code[:, :PALETTE], *styles], axis=1)
    session = onnxruntime.InferenceSession(graphs(generator)["code_gradient"])
    towards_code = session.run(None, {**inputs, "picture_gradient": slope})[0][0]
    kernels = [np.asarray(layer.affine.kernel) * layer.affine.scale for layer in layers]
    gradient = np.concatenate(kernels, axis=1) @ towards_code[PALETTE:]
    gradient[:PALETTE] += towards_code[:PALETTE]
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
