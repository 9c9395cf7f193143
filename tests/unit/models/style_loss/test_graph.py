"""The graph's loss is the published one, and its gradient is the loss's."""

from itertools import pairwise

import numpy as np
import onnxruntime
import pytest

from stylefuse.models.style_loss.graph import style_loss_graph
from stylefuse.models.style_loss.low_rank import Convolution, approximate, response
from stylefuse.models.vgg19 import IMAGENET_MEAN

CHANNELS = 3, 6, 8, 8
RNG = np.random.default_rng(0)


def random_convolution(inputs, outputs):
    kernel = RNG.normal(0, (2 / 9 / inputs) ** 0.5, (3, 3, inputs, outputs)).astype("float32")
    return Convolution(kernel, RNG.normal(0, 1, outputs).astype("float32"))


BLOCKS = [[random_convolution(a, b), random_convolution(b, b)] for a, b in pairwise(CHANNELS)]


@pytest.fixture(scope="module")
def evaluate():
    """Runs the graph; returns its outputs by name."""
    session = onnxruntime.InferenceSession(style_loss_graph(BLOCKS))
    names = [output.name for output in session.get_outputs()]
    return lambda picture, **targets: dict(
        zip(names, session.run(None, {"picture": picture, **targets}), strict=True)
    )


def picture(height=24, width=16):
    return RNG.uniform(0, 1, (1, height, width, 3)).astype("float32")


def targets_of(described, weight):
    own = {k.removeprefix("own_"): v for k, v in described.items() if k.startswith("own_")}
    return own | {"content_weight": np.array(weight, "float32")}


def test_the_loss_is_that_of_the_formulas(evaluate):
    x, style = picture(), picture(32, 40)
    targets = targets_of(evaluate(style), 0.5)
    targets["content"] = evaluate(picture())["own_content"]
    maps, expected = [], 0.0
    value = x[..., ::-1] * 255 - np.float32(IMAGENET_MEAN)
    for number, block in enumerate(BLOCKS, start=1):
        if maps:
            n, h, w, c = value.shape
            value = value.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
        for layer in block:
            value = np.maximum(np.asarray(response(value, half(layer))), 0)
            if layer is block[0]:
                maps.append(value)
                rows = value.reshape(-1, value.shape[-1])
                target = targets[f"gram_{number}"][0]
                difference = rows.T @ rows / len(rows) - target
                expected += (difference**2).sum() / (target**2).sum()
    content = targets["content"].transpose(0, 2, 3, 1)
    expected += 0.5 * ((maps[-1] - content) ** 2).sum() / (content**2).sum()
    assert evaluate(x, **targets)["loss"][0] == pytest.approx(expected, rel=1e-3)


def half(layer):
    """The layer with the precision in which its weights are stored."""
    return layer._replace(kernel=layer.kernel.astype("float16").astype("float32"))


def test_the_gradient_predicts_the_change_of_the_loss(evaluate):
    x = picture()
    targets = targets_of(evaluate(picture()), 0.5)
    gradient = evaluate(x, **targets)["gradient"]
    assert gradient.shape == x.shape
    for _ in range(3):
        # towards the gradient: across it the loss changes by no more than rounding errors
        change = (gradient / np.abs(gradient).max() + RNG.normal(0, 0.1, x.shape)) * 1e-3
        change = change.astype("float32")
        losses = [evaluate(x + sign * change, **targets)["loss"][0] for sign in (1, -1)]
        assert losses[0] - losses[1] == pytest.approx(
            2 * float((gradient * change).sum()), rel=0.03
        )


def test_a_picture_with_its_own_targets_has_no_loss(evaluate):
    x = picture()
    result = evaluate(x, **targets_of(evaluate(x), 1.0))
    assert result["loss"][0] == pytest.approx(0, abs=1e-6)
    assert np.abs(result["gradient"]).max() < 1e-6


def test_the_same_network_gives_the_same_bytes():
    assert style_loss_graph(BLOCKS) == style_loss_graph(BLOCKS)


def test_full_rank_reproduces_a_network_and_half_of_it_nearly():
    pictures = RNG.normal(0, 50, (4, 32, 32, 3)).astype("float32")
    blocks = BLOCKS[:2]

    def error(ranks):
        exact = approximated = pictures
        for block, other in zip(blocks, approximate(blocks, ranks, pictures), strict=True):
            for layer, replacement in zip(block, other, strict=True):
                exact = np.maximum(np.asarray(response(exact, layer)), 0)
                approximated = np.maximum(np.asarray(response(approximated, replacement)), 0)
        return np.linalg.norm(exact - approximated) / np.linalg.norm(exact)

    assert error([(0, 6), (8, 8)]) < 0.01
    assert error([(0, 0), (0, 0)]) == 0
    assert error([(0, 3), (4, 4)]) < error([(0, 2), (2, 2)]) < 1
