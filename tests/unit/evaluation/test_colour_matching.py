"""Colour matching gives the content the colour moments of the style."""

import numpy as np

from stylefuse.evaluation.baselines.colour_matching import match_colours


def test_matched_colours_have_the_style_moments():
    rng = np.random.default_rng(0)
    contents = rng.integers(60, 200, (2, 32, 32, 3), dtype=np.uint8)
    styles = (rng.integers(100, 140, (2, 32, 32, 3)) - [0, 20, 40]).astype(np.uint8)
    matched = match_colours(contents, styles)
    np.testing.assert_allclose(matched.mean((1, 2)), styles.mean((1, 2)), atol=0.5)
    light, target = matched.mean(-1).std((1, 2)), styles.mean(-1).std((1, 2))
    np.testing.assert_allclose(light, target, atol=0.5)
