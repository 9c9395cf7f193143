"""The comparison of two models: KID by its definition, and intervals that cover the truth."""

import numpy as np
import pytest

from stylefuse.evaluation.comparison import KID, PictureResults, compare

INPUTS, OUTPUTS_EACH, PAINTINGS, CROPS_EACH, SIZE = 20, 3, 12, 4, 8


def results(features, references, quality=None, paired=True):
    metrics = {} if quality is None else {"low_pass_ssim": quality}
    return PictureResults(
        KID, metrics, np.repeat(np.arange(INPUTS), OUTPUTS_EACH), features, references,
        np.repeat(np.arange(PAINTINGS), CROPS_EACH), paired,
    )  # fmt: skip


def grouped(rng, groups, each, shift=0.0):
    """Rows that are similar to each other within a group."""
    centres = rng.normal(size=(groups, SIZE)).repeat(each, axis=0)
    return centres + 0.5 * rng.normal(size=(groups * each, SIZE)) + shift


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_a_model_has_no_gain_over_itself(rng):
    mine = results(grouped(rng, INPUTS, OUTPUTS_EACH), grouped(rng, PAINTINGS, CROPS_EACH))
    difference = compare(mine, mine, 0.95, 200, seed=1)[KID]
    assert difference.gain == difference.low == difference.high == 0


def test_outputs_closer_to_the_references_are_better(rng):
    references, away = (
        grouped(rng, PAINTINGS, CROPS_EACH),
        grouped(rng, INPUTS, OUTPUTS_EACH, shift=1.0),
    )
    far, near = results(away, references), results(away - 0.7, references)
    better, worse = (compare(*pair, 0.95, 400, seed=1)[KID] for pair in ((far, near), (near, far)))
    assert better.low > 0 > worse.high
    assert better.gain == pytest.approx(-worse.gain)


def test_kid_is_unbiased_over_all_pairs_of_groups(rng):
    """Compared with the definition: a loop over pairs of rows of different groups."""
    x, r = grouped(rng, INPUTS, OUTPUTS_EACH), grouped(rng, PAINTINGS, CROPS_EACH)

    def kernel(a, b):
        return (a @ b / SIZE + 1) ** 3

    def within(rows, each):
        n = len(rows)
        apart = [(i, j) for i in range(n) for j in range(n) if i // each != j // each]
        return np.mean([kernel(rows[i], rows[j]) for i, j in apart])

    across = np.mean([kernel(a, b) for a in x for b in r])
    mine = results(x, r)
    difference = compare(mine, mine, 0.95, 100, seed=1)[KID]
    assert difference.champion == pytest.approx(
        -(within(x, OUTPUTS_EACH) + within(r, CROPS_EACH) - 2 * across)
    )


def test_similarity_within_groups_is_no_gain(rng):
    """Two models with the same distribution of outputs, similar within a group in one model only.

    Neither is closer to the references.
    """
    promoted, trials = 0, 60
    for seed in range(trials):
        references = rng.normal(size=(PAINTINGS * CROPS_EACH, SIZE))
        alike, apart = (
            np.sqrt(share) * rng.normal(size=(INPUTS, SIZE)).repeat(OUTPUTS_EACH, axis=0)
            + np.sqrt(1 - share) * rng.normal(size=(INPUTS * OUTPUTS_EACH, SIZE))
            for share in (0.9, 0.1)
        )
        pair = results(alike, references), results(apart, references)
        promoted += compare(*pair, 0.95, 200, seed=seed)[KID].low > 0
    assert promoted / trials <= 0.1


def test_metrics_are_means_and_unpaired_outputs_are_resampled_separately(rng):
    references, features = grouped(rng, PAINTINGS, CROPS_EACH), grouped(rng, INPUTS, OUTPUTS_EACH)
    quality = rng.uniform(0.5, 1, INPUTS * OUTPUTS_EACH)
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


def test_the_primary_metric_may_be_another_one(rng):
    groups = np.arange(30)
    psnr = rng.normal(30, 2, 30)
    better = psnr + rng.normal(0.5, 0.2, 30)
    pair = [PictureResults("psnr", {"ssim": psnr / 40, "psnr": x}, groups) for x in (psnr, better)]
    differences = compare(*pair, 0.95, 400, seed=1)
    assert list(differences) == ["psnr", "ssim"]  # the primary metric comes first
    assert differences["psnr"].low > 0
