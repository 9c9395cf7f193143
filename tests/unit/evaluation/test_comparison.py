"""Two models compared beyond chance: the interval covers, and follows what is known."""

import numpy as np
import pytest

from stylefuse.evaluation.comparison import KID, PictureResults, compare

INPUTS, EACH, WORKS, CROPS, SIZE = 20, 3, 12, 4, 8


def results(features, references, quality=None, paired=True):
    figures = {} if quality is None else {"low_pass_ssim": quality}
    return PictureResults(
        KID, figures, np.repeat(np.arange(INPUTS), EACH), features, references,
        np.repeat(np.arange(WORKS), CROPS), paired,
    )  # fmt: skip


def grouped(rng, groups, each, shift=0.0):
    """Rows that resemble each other within a group."""
    middle = rng.normal(size=(groups, SIZE)).repeat(each, axis=0)
    return middle + 0.5 * rng.normal(size=(groups * each, SIZE)) + shift


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_a_model_beside_itself_gains_nothing(rng):
    mine = results(grouped(rng, INPUTS, EACH), grouped(rng, WORKS, CROPS))
    found = compare(mine, mine, 0.95, 200, seed=1)[KID]
    assert found.gain == found.low == found.high == 0


def test_what_is_nearer_to_the_references_is_better(rng):
    references, away = grouped(rng, WORKS, CROPS), grouped(rng, INPUTS, EACH, shift=1.0)
    far, near = results(away, references), results(away - 0.7, references)
    better, worse = (compare(*pair, 0.95, 400, seed=1)[KID] for pair in ((far, near), (near, far)))
    assert better.low > 0 > worse.high
    assert better.gain == pytest.approx(-worse.gain)


def test_kid_is_the_unbiased_one_of_all_pairs(rng):
    """Against the definition, a loop over pairs of rows of different groups."""
    x, r = grouped(rng, INPUTS, EACH), grouped(rng, WORKS, CROPS)

    def kernel(a, b):
        return (a @ b / SIZE + 1) ** 3

    def within(rows, each):
        n = len(rows)
        apart = [(i, j) for i in range(n) for j in range(n) if i // each != j // each]
        return np.mean([kernel(rows[i], rows[j]) for i, j in apart])

    across = np.mean([kernel(a, b) for a in x for b in r])
    mine = results(x, r)
    found = compare(mine, mine, 0.95, 100, seed=1)[KID]
    assert found.champion == pytest.approx(-(within(x, EACH) + within(r, CROPS) - 2 * across))


def test_likeness_within_groups_is_no_gain(rng):
    """Outputs of the same distribution: one model's resemble each other within a group, the other's
    hardly do. Neither is nearer to the references."""
    promoted = 0
    worlds = 60
    for world in range(worlds):
        references = rng.normal(size=(WORKS * CROPS, SIZE))
        alike, apart = (
            np.sqrt(share) * rng.normal(size=(INPUTS, SIZE)).repeat(EACH, axis=0)
            + np.sqrt(1 - share) * rng.normal(size=(INPUTS * EACH, SIZE))
            for share in (0.9, 0.1)
        )
        pair = results(alike, references), results(apart, references)
        promoted += compare(*pair, 0.95, 200, seed=world)[KID].low > 0
    assert promoted / worlds <= 0.1


def test_figures_are_means_and_unpaired_outputs_are_drawn_apart(rng):
    references, features = grouped(rng, WORKS, CROPS), grouped(rng, INPUTS, EACH)
    quality = rng.uniform(0.5, 1, INPUTS * EACH)
    champion, challenger = (
        results(features, references, q, paired=False) for q in (quality, quality + 0.01)
    )
    apart = compare(champion, challenger, 0.95, 400, seed=1)["low_pass_ssim"]
    assert apart.champion == pytest.approx(quality.mean())
    assert apart.gain == pytest.approx(0.01)
    assert apart.low < 0 < apart.high
    pair = [results(features, references, q) for q in (quality, quality + 0.01)]
    together = compare(*pair, 0.95, 400, seed=1)["low_pass_ssim"]
    assert together.low == pytest.approx(together.high) == pytest.approx(0.01)


def test_a_model_with_one_right_answer_is_compared_in_that(rng):
    groups = np.arange(30)
    psnr = rng.normal(30, 2, 30)
    better = psnr + rng.normal(0.5, 0.2, 30)
    pair = [PictureResults("psnr", {"ssim": psnr / 40, "psnr": x}, groups) for x in (psnr, better)]
    found = compare(*pair, 0.95, 400, seed=1)
    assert list(found) == ["psnr", "ssim"]  # the aim comes first
    assert found["psnr"].low > 0
