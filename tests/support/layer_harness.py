"""A check that every layer and network must pass."""

import keras
import numpy as np


def check_layer(make, shapes, output_shape, tmp_path):
    """Check the output's shape, dtype and determinism, the configuration, and saving and loading.

    Args:
        make: returns a new layer or network.
        shapes: of the call's arguments.
        output_shape: of the call's result.
        tmp_path: a folder for saved weights.
    """
    rng = np.random.default_rng(0)
    inputs = [rng.uniform(-1, 1, shape).astype("float32") for shape in shapes]
    layer = make()
    output = np.asarray(layer(*inputs))
    assert output.shape == output_shape
    assert np.isfinite(output).all()
    assert output.dtype == "float32"
    np.testing.assert_array_equal(output, np.asarray(layer(*inputs)))

    copy = type(layer).from_config(layer.get_config())
    copy(*inputs)
    assert [w.shape for w in copy.weights] == [w.shape for w in layer.weights]
    if isinstance(layer, keras.Model):
        layer.save_weights(tmp_path / "layer.weights.h5")
        copy.load_weights(tmp_path / "layer.weights.h5")
    else:
        copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.asarray(copy(*inputs)), output, atol=1e-6)
