"""The transfer generator at work on arrays: uint8 pictures of any size in, uint8 pictures out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.images.arrays import pad, to_float, to_levels
from stylefuse.inference import tiles
from stylefuse.inference.array_cache import cache_by_content
from stylefuse.inference.compilation import compiled


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
        self._encode = cache_by_content(compiled(generator.encode_style))
        self._look = cache_by_content(compiled(generator.encode_content))
        self._paint_seen = compiled(self._decode)
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
        moments: Sequence[Any] | None = None,
    ) -> np.ndarray:
        """Paint one picture from the content of one or two and the style of one or several.

        Args:
            contents: one or two uint8 pictures `[height, width, 3]` of the same size.
            codes: style codes, each `[6 + code]`; one, or as many as there are regions.
            fine: their replacements in the layers that paint strokes (see the generator's decode).
            mask: float `[height, width]`: 1 where the first content shows, 0 where the second.
            regions: float `[height, width, styles]`, shares that sum to 1.
            moments: statistics to paint with instead of the picture's own; see `moments`.

        Returns:
            uint8 `[height, width, 3]`
        """
        height, width = contents[0].shape[:2]
        pictures = [to_float(pad(content)[None]) for content in contents]
        masks = [] if mask is None else [_padded(mask[..., None])]
        areas = [] if regions is None else [_padded(regions)]
        code, strokes = (np.asarray(c if areas else c[0], np.float32)[None] for c in (codes, fine))
        inputs = pictures, masks, code, strokes, areas
        if moments is None and tiles.needed(height, width):
            moments = self._record(*_shrunk(*inputs))
        painted = self._paint(*inputs) if moments is None else self._in_tiles(moments, *inputs)
        return to_levels(painted[0])[:height, :width]

    def moments(self, content: np.ndarray, code: np.ndarray) -> list[Any]:
        """The statistics that a picture is painted with, taken from a small copy: pairs of mean and
        deviation, layer by layer.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[6 + code]`.
        """
        style = np.asarray(code, np.float32)[None]
        return self._record(*_shrunk([to_float(pad(content)[None])], [], style, style, []))

    def _paint(self, pictures, *others):
        return self._paint_seen([self._look(picture) for picture in pictures], *others)

    def _decode(self, contents, masks, code, fine, regions):
        """Lists hold one or two encoded contents, and one mask and region map or none."""
        content = contents[0]
        if masks:
            content = self.generator.mix_content(content, contents[1], masks[0])
        return self.generator.decode(content, code, *(regions or [None]), fine=fine)

    def _whole(self, pictures, *others):
        return self._decode([self.generator.encode_content(x) for x in pictures], *others)

    def _recording(self, *inputs):
        with self.generator.record_moments() as found:
            self._whole(*inputs)
        return found

    def _tile(self, found, *inputs):
        with self.generator.give_moments(found):
            return self._whole(*inputs)

    def _in_tiles(self, found, pictures, masks, code, fine, regions):
        painted = np.empty_like(pictures[0])
        for whole, inner in tiles.cover(*painted.shape[1:3]):
            check_cancelled()
            cut = [[x[whole] for x in maps] for maps in (pictures, masks, regions)]
            tile = self._paint_tile(found, cut[0], cut[1], code, fine, cut[2])
            painted[whole][inner] = tile[inner]
        return painted


def _padded(shares: np.ndarray) -> np.ndarray:
    """Shares `[height, width, n]` as one batch, padded like the pictures."""
    return pad(np.asarray(shares, np.float32))[None]


def _shrunk(pictures, masks, code, fine, regions):
    """What is painted, no larger than a tile."""

    def small(maps):
        return [_resized(x, min(1, tiles.TILE / max(x.shape[1:3]))) for x in maps]

    return small(pictures), small(masks), code, fine, small(regions)


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
