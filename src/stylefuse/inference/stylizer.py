"""The transfer model on arrays: uint8 pictures of any size in, uint8 pictures out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.images.arrays import MIN_SIDE, STRIDE, pad
from stylefuse.inference import tiles
from stylefuse.inference.array_cache import cache_by_content
from stylefuse.inference.model_folder import ModelFolder

MAP_STRIDES = {"palette": 1, "map_1": 1, "map_2": 2, "map_4": 4}  # of encoded contents
REGION_STRIDES = 1, 2, 4
EVERYWHERE = np.ones((1, 1, 1, 1), np.float32)  # regions of one style, at every stride


class Statistics(NamedTuple):
    """The mean and deviation of the maps of each normalisation layer, float32 `[1, n]` each."""

    encoder: np.ndarray
    decoder: np.ndarray


class Stylizer:
    """Encodes styles and contents, mixes them, and paints.

    A picture larger than a tile is painted tile by tile. All tiles are normalised with the feature
    statistics of a small copy of the whole picture, so that colours do not differ between tiles.
    The tiles' margins cover the generator's receptive field, so that there are no seams.

    Args:
        model: a trained transfer model.
    """

    def __init__(self, model: ModelFolder):
        self._graph = model.graph  # graphs are opened when they are first needed
        self._encode_style = cache_by_content(self._style_of)
        self._encode_content = cache_by_content(self._content_of)

    @property
    def code_size(self) -> int:
        """How many numbers a style code has."""
        return self._graph("decoder").input_size("code", 1)

    def style_code(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encode the styles of pictures.

        Args:
            pictures: uint8 `[height, width, 3]`, of any sizes.

        Returns:
            float32 `[pictures, n]`
        """
        return np.concatenate([self._encode_style(pad(picture)[None]) for picture in pictures])

    def render(self, content: np.ndarray, code: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Paint one picture.

        Between the strengths 0 and 1 the style is a mix of the content's own and the code's, and
        the detail that the network does not reproduce is added in proportion.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[n]`, or a mix of several.
            strength: 0 returns the content, 1 takes the code's style.

        Returns:
            uint8 `[height, width, 3]`
        """
        if strength == 0:
            return content
        if strength == 1:
            return self.fuse([content], [code], [code])
        own = self.style_code([content])[0]
        mixed = (1 - strength) * own + strength * code
        painted, reproduced = (self.fuse([content], [c], [c]) for c in (mixed, own))
        lost = content.astype(np.float32) - reproduced
        return np.rint(np.clip(painted + (1 - strength) * lost, 0, 255)).astype(np.uint8)

    def stylize(
        self, contents: np.ndarray, styles: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """Paint pictures of one size, each in the style of its own style picture.

        Args:
            contents: uint8 `[n, height, width, 3]`.
            styles: uint8 `[n, height, width, 3]`.
            strength: see `render`.

        Returns:
            uint8 `[n, height, width, 3]`
        """
        pairs = zip(contents, self.style_code(list(styles)), strict=True)
        return np.stack([self.render(content, code, strength) for content, code in pairs])

    def fuse(
        self,
        contents: Sequence[np.ndarray],
        codes: Sequence[np.ndarray] | np.ndarray,
        stroke_codes: Sequence[np.ndarray] | np.ndarray,
        mask: np.ndarray | None = None,
        regions: np.ndarray | None = None,
        statistics: Statistics | None = None,
    ) -> np.ndarray:
        """Paint a picture with the content of one or two and the style of one or several.

        Args:
            contents: one or two uint8 pictures `[height, width, 3]` of the same size.
            codes: style codes, each `[n]`; one, or as many as there are regions.
            stroke_codes: as many, for the layers that paint strokes.
            mask: float `[height, width]`: 1 where the first content shows, 0 where the second.
            regions: float `[height, width, styles]`, shares that sum to 1.
            statistics: feature statistics to paint with instead of the picture's own.

        Returns:
            uint8 `[height, width, 3]`
        """
        height, width = contents[0].shape[:2]
        pictures = [pad(content)[None] for content in contents]
        masks = [] if mask is None else [_padded(mask[..., None])]
        areas = [] if regions is None else [_padded(regions)]
        styles = {
            name: np.asarray(values if areas else values[:1], np.float32)
            for name, values in (("code", codes), ("stroke_code", stroke_codes))
        }
        if statistics is None and not tiles.needed(height, width):
            painted = self._at_once(pictures, masks, areas, styles)
        else:
            statistics = statistics or self._measure(pictures, masks, areas, styles)
            painted = self._in_tiles(statistics, pictures, masks, areas, styles)
        return painted[0, :height, :width]

    def code_gradient(
        self, content: np.ndarray, code: np.ndarray, picture_gradient: np.ndarray
    ) -> np.ndarray:
        """The gradient of a function of the painted picture towards the style code.

        Args:
            content: uint8 `[height, width, 3]`, sides are multiples of 8.
            code: a style code `[n]`.
            picture_gradient: of the function towards what `fuse` paints, of values 0…1; float32
                `[height, width, 3]`.

        Returns:
            float32 `[n]`
        """
        maps = dict(zip(MAP_STRIDES, self._encode_content(content[None]), strict=True))
        gradient: np.ndarray = self._graph("code_gradient")(
            **maps, code=code[None], picture_gradient=picture_gradient[None]
        )["code_gradient"][0]
        return gradient

    def measure(self, content: np.ndarray, code: np.ndarray) -> Statistics:
        """The feature statistics that a picture is painted with, measured on a small copy.

        Args:
            content: uint8 `[height, width, 3]`.
            code: a style code `[n]`.
        """
        codes = np.asarray(code, np.float32)[None]
        return self._measure([pad(content)[None]], [], [], {"code": codes, "stroke_code": codes})

    def _style_of(self, picture: np.ndarray) -> np.ndarray:
        code: np.ndarray = self._graph("style_encoder")(picture=picture)["code"]
        return code

    def _content_of(self, picture: np.ndarray) -> list[np.ndarray]:
        return list(self._graph("content_encoder")(picture=picture).values())

    def _at_once(self, pictures, masks, areas, styles):
        encoded = [
            dict(zip(MAP_STRIDES, self._encode_content(picture), strict=True))
            for picture in pictures
        ]
        content = _mix(encoded, masks)
        if not areas:
            return self._graph("decoder")(**content, **styles)["painted"]
        return self._graph("decoder_measure")(**content, **styles, **_regions(areas))["painted"]

    def _measure(self, pictures, masks, areas, styles):
        pictures, masks, areas = (list(map(_shrunk, maps)) for maps in (pictures, masks, areas))
        encoded = [self._graph("content_encoder_measure")(picture=x) for x in pictures]
        own = [maps.pop("statistics") for maps in encoded]
        # both contents are encoded with their own statistics
        content = _mix(encoded, masks)
        decoded = self._graph("decoder_measure")(**content, **styles, **_regions(areas))
        return Statistics(np.concatenate(own), decoded["statistics"])

    def _in_tiles(self, statistics, pictures, masks, areas, styles):
        encode, decode = self._graph("content_encoder_tile"), self._graph("decoder_tile")
        painted = np.empty_like(pictures[0])
        for tile, inner in tiles.cover(*painted.shape[1:3]):
            cut = [[np.ascontiguousarray(x[tile]) for x in maps] for maps in (masks, areas)]
            crops = [np.ascontiguousarray(picture[tile]) for picture in pictures]
            encoded = [
                encode.run_and_release(picture=crop, statistics=own[None])
                for crop, own in zip(crops, statistics.encoder, strict=True)
            ]
            result = decode.run_and_release(
                **_mix(encoded, cut[0]),
                **styles,
                **_regions(cut[1]),
                statistics=statistics.decoder,
            )
            painted[tile][inner] = result["painted"][inner]
        return painted


def _padded(shares: np.ndarray) -> np.ndarray:
    """Shares `[height, width, n]` as one batch, padded like the pictures."""
    return pad(np.asarray(shares, np.float32))[None]


def _mix(encoded: list[dict[str, np.ndarray]], masks: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Mix the maps of two contents by a mask `[1, height, width, 1]`, which may be missing."""
    if not masks:
        return encoded[0]
    first, second = encoded
    mixed = {}
    for name, stride in MAP_STRIDES.items():
        share = _downsample(masks[0], stride)
        mixed[name] = share * first[name] + (1 - share) * second[name]
    return mixed


def _regions(areas: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The decoder's region inputs: of areas `[1, height, width, styles]`, or of one style."""
    return {
        f"regions_{stride}": _downsample(areas[0], stride) if areas else EVERYWHERE
        for stride in REGION_STRIDES
    }


def _downsample(maps: np.ndarray, stride: int) -> np.ndarray:
    """Block means of maps: `[1, height, width, n]` → `[1, n, height/stride, width/stride]`."""
    _, height, width, count = maps.shape
    blocks = maps.reshape(height // stride, stride, width // stride, stride, count)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3)).transpose(2, 0, 1))[None]


def _shrunk(maps: np.ndarray) -> np.ndarray:
    """Maps `[1, height, width, n]` at no more than a tile's size, with sides of whole strides."""
    scale = min(1, tiles.TILE / max(maps.shape[1:3]))
    height, width = (max(MIN_SIDE, round(n * scale / STRIDE) * STRIDE) for n in maps.shape[1:3])
    channels = [
        Image.fromarray(np.ascontiguousarray(maps[0, ..., i])).resize(
            (width, height), Image.Resampling.BOX
        )
        for i in range(maps.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)[None]
