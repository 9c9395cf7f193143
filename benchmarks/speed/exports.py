"""Generators as functions of arrays, and their export to ONNX and LiteRT."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.generators import noise, untrained

FOLDER = Path(".cache/exported")
MODELS = ("transfer", "restore")


def paint_function(model: str) -> Callable:
    """The part of a model that paints, as a function of a picture `[1, height, width, 3]` and a
    vector `[1, n]`: a style code, or the degradation features of the picture."""
    generator = untrained(model)
    if model == "transfer":
        return lambda x, code: generator.decode(generator.encode_content(x), code)
    return lambda x, features: generator(x, features)


def inputs(model: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a vector for `paint_function`; imports Keras."""
    picture = noise(side)
    x = picture[None].astype(np.float32) / 127.5 - 1
    if model == "transfer":
        from stylefuse.config import load_params

        settings: Any = load_params().model_settings("transfer")
        code = np.random.default_rng(1).standard_normal((1, 6 + settings.code), dtype=np.float32)
        return x, code
    from stylefuse.inference.degradation_features import degradation_features

    return x, degradation_features(picture)[None]


def path(kind: str, model: str, size: str) -> Path:
    """The file of an export for pictures of one size or of "any" size; "npz" holds its inputs."""
    return FOLDER / f"{model}-{size}.{kind}"


def export(kind: str, model: str, size: str) -> str:
    """Write a generator as "onnx" or "tflite", and its inputs.

    Returns:
        The operation that cannot be exported, or "".
    """
    import tensorflow as tf

    side = None if size == "any" else int(size)
    picture, vector = inputs(model, side or 64)
    signature = [
        tf.TensorSpec((1, side, side, 3), tf.float32, name="picture"),
        tf.TensorSpec(vector.shape, tf.float32, name="vector"),
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.savez(path("npz", model, size), picture, vector)
    try:
        content = {"onnx": _onnx, "tflite": _tflite}[kind](paint_function(model), signature)
    except Exception as error:  # converters raise errors of every kind
        return _operation(str(error)) or type(error).__name__
    path(kind, model, size).write_bytes(content)
    return ""


def _operation(message: str) -> str:
    """The TensorFlow or ONNX operations that a converter's message names."""
    kinds = r"'(tf\.\w+)' op|Tensorflow op \[\S+ (\w+)\]|No Op registered for (\w+)"
    matches = re.findall(kinds, message)
    return ", ".join(dict.fromkeys(name for match in matches for name in match if name))


def _onnx(function: Callable, signature: list) -> bytes:
    import tensorflow as tf
    import tf2onnx

    from benchmarks.speed.generators import onnx_session

    model, _ = tf2onnx.convert.from_function(
        tf.function(function, input_signature=signature), signature, opset=18
    )
    content = model.SerializeToString()
    onnx_session(content)  # only this fails for operations that ONNX does not have
    return content


def _tflite(function: Callable, signature: list) -> bytes:
    import tensorflow as tf

    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
