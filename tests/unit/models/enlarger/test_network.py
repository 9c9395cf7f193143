"""The enlarger: it begins as bicubic interpolation, and its graph computes the same."""

import numpy as np
import onnxruntime
from PIL import Image
from skimage import data

from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.models.enlarger.graph import enlarger_graph
from stylefuse.models.enlarger.network import MARGIN, Enlarger

PICTURE = data.astronaut()[100:164, 100:172]


def test_it_begins_as_bicubic_interpolation():
    enlarged = to_uint8(np.asarray(Enlarger()(to_float(PICTURE[None]))))[0]
    bicubic = Image.fromarray(PICTURE).resize((144, 128), Image.Resampling.BICUBIC)
    inner = np.asarray(bicubic)[2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN]
    assert np.abs(enlarged.astype(int) - inner).max() <= 1


def test_the_graph_computes_the_same_and_has_the_same_bytes_each_time():
    network, rng = Enlarger(), np.random.default_rng(0)
    network(to_float(PICTURE[None]))  # makes the weights
    network.set_weights([w + 0.05 * rng.standard_normal(w.shape) for w in network.get_weights()])
    expected = to_uint8(np.asarray(network(to_float(PICTURE[None]))))
    content = enlarger_graph(network)
    (enlarged,) = onnxruntime.InferenceSession(content).run(None, {"picture": PICTURE[None]})
    assert np.abs(expected.astype(int) - enlarged).max() <= 1
    assert enlarger_graph(network) == content
