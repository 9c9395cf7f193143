"""Untrained generators, ONNX networks and pictures for the benchmarks of speed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.paired_timing import THREADS

EXPORTERS = ".cache/exporters"  # target of `pip install` for packages that are no dependencies


def untrained(model: str) -> Any:
    """A generator with the same random weights in every process; speed does not depend on them.

    No weight is zero, since initial zeros would make some layers trivial.
    """
    import keras

    from stylefuse.config import load_params
    from stylefuse.models.task import find_task

    keras.utils.set_random_seed(0)
    task, settings = find_task(model), load_params().model_settings(model)
    generator = task.build_generator(**task.architecture_of(settings))
    for weight in generator.weights:
        weight.assign_add(0.01 * keras.random.normal(weight.shape))
    return generator


def noise(side: int) -> np.ndarray:
    """A picture of uniform noise, uint8 `[side, side, 3]`."""
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def onnx_session(model: bytes) -> Callable[..., np.ndarray]:
    """An ONNX network as a function of its inputs in order, which returns its first output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]
