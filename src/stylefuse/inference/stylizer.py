"""The transfer generator on arrays: uint8 pictures of any size in, uint8 pictures out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.images.arrays import MIN_SIDE, STRIDE, pad, to_float, to_uint8
from stylefuse.inference import tiles
from stylefuse.inference.array_cache import cache_by_content
from stylefuse.inference.compilation import compile_for_inference


class Stylizer:
    """Encodes styles and contents, mixes them, and paints.

    A picture larger than a tile is painted tile by tile. All tiles are normalised with the feature
    statistics of a small copy of the whole picture, so that colours do not differ between tiles.
    The tiles' margins cover the generator's receptive field, so that there are no seams.

    Args:
        generator: a `TransferGenerator`.
    """

    def __init__(self, generator: Any):
        self.generator = generator
        self._encode_style = cache_by_content(compile_for_inference(generator.encode_style))
        self._encode_content = cache_by_content(compile_for_inference(generator.encode_content))
        self._decode = compile_for_inference(self._decode_encoded)
        self._record_moments = compile_for_inference(self._moments_of)
        self._paint_with_moments = compile_for_inference(self._paint_given_moments)

    def style_code(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encode the styles of pictures.

        Args:
            pictures: uint8 `[height, width, 3]`, of any sizes.

        Returns:
            float32 `[pictures, 6 + code]`
        """
        return np.concatenate([self._encode_style(to_float(pad(p)[None])) for p in pictures])

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
        """Paint a batch of pictures of one size, each in the style of its own style picture.

        Args:
            contents: uint8 `[batch, height, width, 3]`, sides multiples of 8.
            styles: uint8 `[batch, height, width, 3]`.
            strength: see `render`.

        Returns:
            uint8 `[batch, height, width, 3]`
        """
        codes, x = self._encode_style(to_float(styles)), to_float(contents)
        if strength != 1:
            codes = np.float32(1 - strength) * self._encode_style(x) + np.float32(strength) * codes
        return to_uint8(self._paint([x], [], codes, codes, []))

    def fuse(
        self,
        contents: Sequence[np.ndarray],
        codes: Sequence[np.ndarray],
        stroke_codes: Sequence[np.ndarray],
        mask: np.ndarray | None = None,
        regions: np.ndarray | None = None,
        moments: Sequence[Any] | None = None,
    ) -> np.ndarray:
        """Paint a picture with the content of one or two and the style of one or several.

        Args:
            contents: one or two uint8 pictures `[height, width, 3]` of the same size.
            codes: style codes, each `[6 + code]`; one, or as many as there are regions.
            stroke_codes: as many, for the layers that paint strokes (`fine` of the generator's
                `decode`).
            mask: float `[height, width]`: 1 where the first content shows, 0 where the second.
            regions: float `[height, width, styles]`, shares that sum to 1.
            moments: feature statistics to paint with instead of the picture's own; see `moments`.

        Returns:
            uint8 `[height, width, 3]`
        """
        height, width = contents[0].shape[:2]
        pictures = [to_float(pad(content)[None]) for content in contents]
        masks = [] if mask is None else [_padded(mask[..., None])]
        areas = [] if regions is None else [_padded(regions)]
        code, stroke_code = (
            np.asarray(c if areas else c[0], np.float32)[None] for c in (codes, stroke_codes)
        )
        inputs = pictures, masks, code, stroke_code, areas
        if moments is None and tiles.needed(height, width):
            moments = self._record_moments(*_shrunk(*inputs))
        painted = self._paint(*inputs) if moments is None else self._in_tiles(moments, *inputs)
        return to_uint8(painted[0])[:height, :width]

    def moments(self, content: np.ndarray, code: np.ndarray) -> list[Any]:
        """The feature statistics that a picture is painted with, measured on a small copy.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[6 + code]`.

        Returns:
            The mean and the deviation of each normalisation layer.
        """
        code = np.asarray(code, np.float32)[None]
        return self._record_moments(*_shrunk([to_float(pad(content)[None])], [], code, code, []))

    def _paint(self, pictures, *others):
        return self._decode([self._encode_content(picture) for picture in pictures], *others)

    def _decode_encoded(self, contents, masks, code, stroke_code, regions):
        """Lists hold one or two encoded contents, and one mask and region map or none."""
        content = contents[0]
        if masks:
            content = self.generator.mix_content(content, contents[1], masks[0])
        return self.generator.decode(content, code, *(regions or [None]), fine=stroke_code)

    def _encode_and_decode(self, pictures, *others):
        return self._decode_encoded([self.generator.encode_content(x) for x in pictures], *others)

    def _moments_of(self, *inputs):
        with self.generator.record_moments() as moments:
            self._encode_and_decode(*inputs)
        return moments

    def _paint_given_moments(self, moments, *inputs):
        with self.generator.replay_moments(moments):
            return self._encode_and_decode(*inputs)

    def _in_tiles(self, moments, pictures, masks, code, stroke_code, regions):
        painted = np.empty_like(pictures[0])
        for tile, inner in tiles.cover(*painted.shape[1:3]):
            cut = [[x[tile] for x in maps] for maps in (pictures, masks, regions)]
            result = self._paint_with_moments(moments, cut[0], cut[1], code, stroke_code, cut[2])
            painted[tile][inner] = result[inner]
        return painted


def _padded(shares: np.ndarray) -> np.ndarray:
    """Shares `[height, width, n]` as one batch, padded like the pictures."""
    return pad(np.asarray(shares, np.float32))[None]


def _shrunk(pictures, masks, code, stroke_code, regions):
    """The inputs of a painting, scaled down to at most a tile's size."""

    def shrink(maps):
        return [_resized(x, min(1, tiles.TILE / max(x.shape[1:3]))) for x in maps]

    return shrink(pictures), shrink(masks), code, stroke_code, shrink(regions)


def _resized(maps: np.ndarray, scale: float) -> np.ndarray:
    """Float maps `[1, height, width, n]` at a smaller size, sides multiples of 8."""
    height, width = (max(MIN_SIDE, round(n * scale / STRIDE) * STRIDE) for n in maps.shape[1:3])
    channels = [
        Image.fromarray(np.ascontiguousarray(maps[0, ..., i])).resize(
            (width, height), Image.Resampling.BOX
        )
        for i in range(maps.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)[None]
