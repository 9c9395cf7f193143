"""Painting by optimisation ends with the style's strokes, whatever it is given."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.inference import style_optimizer
from stylefuse.inference.style_optimizer import LEVELS, StyleTarget, optimize

PHOTOGRAPH = np.asarray(Image.fromarray(data.astronaut()).resize((96, 80)))
STROKES = np.asarray(Image.fromarray(data.gravel()).convert("RGB").resize((96, 96)))


def target(*pictures):
    return StyleTarget(pictures, [1 / len(pictures)] * len(pictures))


def painted(content, style, strength=1.0):
    *_, last = optimize(content, content, style, strength)
    return last.picture


def style_distance(picture, style):
    """Of the Gram matrices of the deepest network, relative to the style's."""
    level = LEVELS[0]._replace(share=1)
    own, wanted = (style_optimizer._mixed_grams(target(x), level) for x in (picture, style))
    return sum(np.linalg.norm(own[k] - wanted[k]) / np.linalg.norm(wanted[k]) for k in wanted)


def test_strokes_become_those_of_the_style():
    before = style_distance(PHOTOGRAPH, STROKES)
    after = style_distance(painted(PHOTOGRAPH, target(STROKES)), STROKES)
    assert after < 0.5 * before


def test_half_the_strength_is_in_between():
    distances = [
        style_distance(painted(PHOTOGRAPH, target(STROKES), strength), STROKES)
        for strength in (0, 0.5, 1)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] - distances[2] > 0.3


def test_a_strength_of_0_keeps_the_content():
    unchanged = painted(PHOTOGRAPH, target(STROKES), 0)
    assert np.abs(unchanged.astype(int) - PHOTOGRAPH).mean() < 2


def test_a_mix_is_between_its_styles():
    other = 255 - np.asarray(Image.fromarray(data.brick()).convert("RGB").resize((96, 96)))
    mixed, alone = painted(PHOTOGRAPH, target(STROKES, other)), painted(PHOTOGRAPH, target(other))
    assert style_distance(mixed, STROKES) < style_distance(alone, STROKES)


def test_the_progress_rises_to_1():
    steps = list(optimize(PHOTOGRAPH, PHOTOGRAPH, target(STROKES)))
    shares = [step.share for step in steps]
    assert len(steps) == sum(level.evaluations for level in LEVELS)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert steps[-1].picture.shape == PHOTOGRAPH.shape


def test_the_same_picture_gives_the_same_bytes():
    np.testing.assert_array_equal(
        painted(PHOTOGRAPH, target(STROKES)), painted(PHOTOGRAPH, target(STROKES))
    )


@pytest.mark.parametrize("shape", [(1, 1), (33, 50), (3, 90)])
@pytest.mark.parametrize("style", ["blank", "strip", "itself"])
def test_odd_contents_and_styles(shape, style):
    content = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    styles = {
        "blank": np.full((64, 64, 3), 200, np.uint8),
        "strip": STROKES[:1],
        "itself": content,
    }
    result = painted(content, target(styles[style]))
    assert result.shape == content.shape
    assert result.dtype == np.uint8


def test_no_coloured_lines_along_the_border():
    chroma = np.ptp(painted(PHOTOGRAPH, target(STROKES)).astype(int), axis=2)
    frame = np.ones(chroma.shape, bool)
    frame[1:-1, 1:-1] = False
    assert chroma[frame].mean() < 1.5 * chroma[3:-3, 3:-3].mean()


def test_tiles_join_without_a_seam(monkeypatch):
    whole = painted(PHOTOGRAPH, target(STROKES)).astype(int)
    monkeypatch.setattr(style_optimizer, "TILE", 64)
    monkeypatch.setattr(style_optimizer, "OVERLAP", 16)
    spans = style_optimizer._spans(PHOTOGRAPH.shape[1])
    assert len(spans) > 1
    tiled = painted(PHOTOGRAPH, target(STROKES)).astype(int)
    steps = np.abs(np.diff(tiled, axis=1)).mean(axis=(0, 2))
    edges = [edge for span in spans for edge in (span.start, span.stop) if 0 < edge < 96]
    assert max(steps[edge - 1] for edge in edges) < max(np.delete(steps, np.subtract(edges, 1)))
    assert style_distance(tiled.astype(np.uint8), STROKES) < style_distance(PHOTOGRAPH, STROKES)
    assert whole.shape == tiled.shape


@pytest.mark.parametrize("length", [32, 512, 520, 1024, 2048, 4096])
def test_spans_cover_a_length_and_overlap(length):
    spans = style_optimizer._spans(length)
    assert spans[0].start == 0
    assert spans[-1].stop == length
    assert all(span.stop - span.start <= style_optimizer.TILE for span in spans)
    overlaps = [a.stop - b.start for a, b in pairwise(spans)]
    assert all(overlap >= style_optimizer.OVERLAP for overlap in overlaps)


def test_a_large_picture_takes_fewer_evaluations(monkeypatch):
    monkeypatch.setattr(style_optimizer, "AFFORDABLE", 24)
    steps = list(optimize(PHOTOGRAPH, PHOTOGRAPH, target(STROKES)))
    assert len(steps) < sum(level.evaluations for level in LEVELS) / 2


def test_a_cancelled_request_stops():
    cancellation = Cancellation()
    with cancellation.active(), pytest.raises(Cancelled):
        for _ in optimize(PHOTOGRAPH, PHOTOGRAPH, target(STROKES)):
            cancellation.cancel()
