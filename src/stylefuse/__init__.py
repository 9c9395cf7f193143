"""stylefuse: train, evaluate, register and serve GANs for style transfer and image fusion."""

import os

__version__ = "0.2.0"

# ONNX Runtime queues usage events in the home folder unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
