"""The transfer generator at work on arrays: uint8 pictures of any size in, uint8 pictures out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.models import tiles
from stylefuse.models.artist import compiled, pad, to_float, to_levels
from stylefuse.models.blocks.layers import give_moments, record_moments


class Stylizer:
    """Encodes, mixes and paints.

    A picture larger than a tile is painted tile by tile with the statistics of the whole, which are
    taken from a small copy of it: colours do not shift from tile to tile, and no seam can be, since
    every tile sees all that its pixels depend on.

    Args:
        generator: a `TransferGenerator`.
    """

    def __init__(self, generator: Any):
        self.generator = generator
        self._encode = compiled(generator.encode_style)
        self._paint = compiled(self._decode)
        self._record = compiled(self._recording)
        self._paint_tile = compiled(self._tile)

    def style_code(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Codes of uint8 pictures `[height, width, 3]` of any sizes → float32 `[n, 6 + code]`."""
        return np.concatenate([self._encode(to_float(pad(p)[None])) for p in pictures])

    def render(self, content: np.ndarray, code: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Paint one picture.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[6 + code]`, or a mix of several.
            strength: 0 keeps the content's own style, 1 takes the code's.

        Returns:
            uint8 `[height, width, 3]`
        """
        if strength != 1:
            code = (1 - strength) * self.style_code([content])[0] + strength * code
        return self.fuse([content], [code], [code])

    def stylize(
        self, contents: np.ndarray, styles: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """Paint pictures of one size, each after its own style picture.

        Args:
            contents: uint8 `[batch, height, width, 3]`, sides multiples of 8.
            styles: uint8 `[batch, height, width, 3]`.
            strength: see `render`.

        Returns:
            uint8 `[batch, height, width, 3]`
        """
        codes, x = self._encode(to_float(styles)), to_float(contents)
        if strength != 1:
            codes = np.float32(1 - strength) * self._encode(x) + np.float32(strength) * codes
        return to_levels(self._paint([x], [], codes, codes, []))

    def fuse(
        self,
        contents: Sequence[np.ndarray],
        codes: Sequence[np.ndarray],
        fine: Sequence[np.ndarray],
        mask: np.ndarray | None = None,
        regions: np.ndarray | None = None,
    ) -> np.ndarray:
        """Paint one picture from the content of one or two and the style of one or several.

        Args:
            contents: one or two uint8 pictures `[height, width, 3]` of the same size.
            codes: style codes, each `[6 + code]`; one, or as many as there are regions.
            fine: their replacements in the layers that paint strokes (see the generator's decode).
            mask: float `[height, width]`: 1 where the first content shows, 0 where the second.
            regions: float `[height, width, styles]`, shares that sum to 1.

        Returns:
            uint8 `[height, width, 3]`
        """
        height, width = contents[0].shape[:2]
        pictures = [to_float(pad(content)[None]) for content in contents]
        masks = [] if mask is None else [_padded(mask[..., None])]
        areas = [] if regions is None else [_padded(regions)]
        code, strokes = (np.asarray(c if areas else c[0], np.float32)[None] for c in (codes, fine))
        paint = self._in_tiles if tiles.needed(height, width) else self._paint
        return to_levels(paint(pictures, masks, code, strokes, areas)[0])[:height, :width]

    def _decode(self, pictures, masks, code, fine, regions):
        """Lists hold one or two pictures, and one mask and region map or none."""
        content = self.generator.encode_content(pictures[0])
        if masks:
            other = self.generator.encode_content(pictures[1])
            content = self.generator.mix_content(content, other, masks[0])
        return self.generator.decode(content, code, *(regions or [None]), fine=fine)

    def _recording(self, *inputs):
        with record_moments() as found:
            self._decode(*inputs)
        return found

    def _tile(self, found, *inputs):
        with give_moments(found):
            return self._decode(*inputs)

    def _in_tiles(self, pictures, masks, code, fine, regions):
        def shrunk(maps):
            return [_resized(x, tiles.TILE / max(x.shape[1:3])) for x in maps]

        found = self._record(shrunk(pictures), shrunk(masks), code, fine, shrunk(regions))
        painted = np.empty_like(pictures[0])
        for whole, inner in tiles.cover(*painted.shape[1:3]):
            cut = [[x[whole] for x in maps] for maps in (pictures, masks, regions)]
            tile = self._paint_tile(found, cut[0], cut[1], code, fine, cut[2])
            painted[whole][inner] = tile[inner]
        return painted


def _padded(shares: np.ndarray) -> np.ndarray:
    """Shares `[height, width, n]` as one batch, padded like the pictures."""
    return pad(np.asarray(shares, np.float32))[None]


def _resized(maps: np.ndarray, scale: float) -> np.ndarray:
    """Float maps `[1, height, width, n]` at a smaller size, sides multiples of 8."""
    height, width = (max(32, round(n * scale / 8) * 8) for n in maps.shape[1:3])
    channels = [
        Image.fromarray(np.ascontiguousarray(maps[0, ..., i])).resize(
            (width, height), Image.Resampling.BOX
        )
        for i in range(maps.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)[None]
