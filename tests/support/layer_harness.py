"""One harness that every layer and network goes through."""

import keras
import numpy as np


def check(make, shapes, output_shape, tmp_path=None, dtype="float32"):
    """Build, shape, range, dtype, configuration, and save-and-load.

    Args:
        make: a function without arguments that returns a fresh layer or network.
        shapes: the shapes of the call's arguments.
        output_shape: what the call must return.
    """
    rng = np.random.default_rng(0)
    inputs = [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]
    layer = make()
    output = np.asarray(layer(*inputs))
    assert output.shape == output_shape
    assert np.isfinite(output).all()
    assert output.dtype == dtype
    again = np.asarray(layer(*inputs))
    np.testing.assert_array_equal(output, again)

    copy = type(layer).from_config(layer.get_config())
    copy(*inputs)
    assert [w.shape for w in copy.weights] == [w.shape for w in layer.weights]
    if isinstance(layer, keras.Model):
        layer.save_weights(tmp_path / "layer.weights.h5")
        copy.load_weights(tmp_path / "layer.weights.h5")
    else:
        copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.asarray(copy(*inputs)), output, atol=1e-6)
    return layer
