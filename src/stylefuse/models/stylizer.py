"""A trained transfer generator, ready to paint: uint8 pictures in, uint8 pictures out."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylefuse.errors import UserError

CONFIG, WEIGHTS, MANIFEST = "config.json", "generator.weights.h5", "manifest.json"


def save_generator(generator, folder: Path) -> None:
    """Write a generator as data only: configuration, weights and the checksums of both."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"width": generator.width, "blocks": generator.block_count, "code": generator.code}
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    generator.save_weights(folder / WEIGHTS)
    sums = {name: _sha256(folder / name) for name in (CONFIG, WEIGHTS)}
    (folder / MANIFEST).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")


class Stylizer:
    """Loads what `save_generator` wrote and paints pictures of any size and aspect.

    Args:
        folder: holds `config.json`, `generator.weights.h5` and `manifest.json`.

    Raises:
        UserError: a file is missing or is not the one that was saved.
    """

    def __init__(self, folder: Path | str):
        folder = Path(folder)
        try:
            sums = json.loads((folder / MANIFEST).read_text())
            config = json.loads((folder / CONFIG).read_text())
            changed = [name for name, seal in sums.items() if _sha256(folder / name) != seal]
        except FileNotFoundError as error:
            raise UserError(f"no model: {error.filename} is missing; run `make repro`") from None
        if changed:
            raise UserError(f"{folder / changed[0]} is not the file that was saved; train again")
        from stylefuse.models.transfer import STRIDE, build_generator

        self.stride = STRIDE
        self.generator = build_generator(**config)
        self.generator.load_weights(folder / WEIGHTS)
        self._encode = _compiled(lambda x: self.generator.encode_style(x))
        self._decode = _compiled(
            lambda x, code: self.generator.decode(x, self.generator.encode_content(x), code)
        )

    def style_code(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Codes of uint8 pictures `[height, width, 3]` of any sizes → float32 `[n, 6 + code]`."""
        return np.concatenate([self._encode(self._to_float(self._pad(p)[None])) for p in pictures])

    def render(self, content: np.ndarray, code: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Paint one picture.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[6 + code]`, or a mix of several.
            strength: 0 keeps the content's own style, 1 takes the code's.

        Returns:
            uint8 `[height, width, 3]`
        """
        return self._paint(content[None], code[None], strength)[0]

    def stylize(
        self, contents: np.ndarray, styles: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """Paint pictures of one size, each after its own style picture.

        Args:
            contents: uint8 `[batch, height, width, 3]`.
            styles: uint8 `[batch, height, width, 3]`.
            strength: see `render`.

        Returns:
            uint8 `[batch, height, width, 3]`
        """
        return self._paint(contents, self._encode(self._to_float(styles)), strength)

    def _paint(self, contents, codes, strength):
        height, width = contents.shape[1:3]
        x = self._to_float(np.stack([self._pad(content) for content in contents]))
        codes = np.asarray(codes, np.float32)
        if strength != 1:
            codes = (1 - strength) * self._encode(x) + strength * codes
        painted = self._decode(x, codes.astype(np.float32))
        levels = np.clip((painted + 1) * 127.5, 0, 255)
        return np.rint(levels).astype(np.uint8)[:, :height, :width]

    def _pad(self, picture: np.ndarray) -> np.ndarray:
        """Mirror the lower and right edges until the sides suit the network."""
        sides = picture.shape[:2]
        least = 4 * self.stride  # reflect padding inside the network needs this much
        more = [max(least - n, 0) or -n % self.stride for n in sides]
        return np.pad(picture, [(0, more[0]), (0, more[1]), (0, 0)], mode="symmetric")

    @staticmethod
    def _to_float(pictures: np.ndarray) -> np.ndarray:
        return pictures.astype(np.float32) / 127.5 - 1


def _compiled(function):
    """A function of float32 arrays, compiled for the running backend, that returns an array."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, reduce_retracing=True)
    elif keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return lambda *arrays: np.asarray(function(*arrays))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
