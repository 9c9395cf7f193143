"""Near-duplicates: those that a comparison of all hashes with all finds, whatever the bands."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefuse.data import near_duplicates
from stylefuse.data.near_duplicates import (
    ALL_WITH_ALL,
    choose_bands,
    near_duplicate_groups,
    near_pairs,
)

HASH = st.integers(0, 2**64 - 1)


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def alike_hashes(count: int, max_changed: int) -> list[int]:
    """Random hashes, of which a third are others with up to `max_changed` changed bits."""
    rng = random.Random(5)
    hashes = [rng.getrandbits(64) for _ in range(count)]
    for i in range(0, count, 3):  # in chains, too
        changed = sum(1 << bit for bit in rng.sample(range(64), rng.randrange(max_changed + 1)))
        hashes[i] = hashes[rng.randrange(count)] ^ changed
    return hashes


@given(st.lists(HASH, max_size=20), st.integers(0, 40))
def test_alike_means_same_group(hashes, bits):
    groups = near_duplicate_groups(hashes, bits)
    assert len(groups) == len(hashes)
    for i, first in enumerate(groups):
        assert first <= i
        assert groups[first] == first
        for j in range(i):
            if distance(hashes[i], hashes[j]) <= bits:
                assert groups[i] == groups[j]


@given(st.lists(HASH, max_size=20), st.integers(0, 40))
def test_a_group_is_a_chain_of_alike_pictures(hashes, bits):
    """Every picture but the first of a group is alike to another one of the group."""
    groups = near_duplicate_groups(hashes, bits)
    for i, first in enumerate(groups):
        if first != i:
            assert any(
                groups[j] == first and distance(hashes[i], hashes[j]) <= bits
                for j in range(len(hashes))
                if j != i
            )


def test_a_chain_links_its_ends():
    assert near_duplicate_groups([0, 0b1111, 0b11], 2) == [0, 0, 0]
    assert near_duplicate_groups([0, 2**64 - 1], 63) == [0, 1]
    assert near_duplicate_groups([0, 2**64 - 1], 64) == [0, 0]


def test_the_same_picture_many_times_is_one_group():
    assert near_duplicate_groups([], 10) == []
    assert near_duplicate_groups([5] * 50, 0) == [0] * 50


@pytest.mark.parametrize("bands", near_duplicates.BAND_COUNTS[1:])  # 3 take thousands of passes
@pytest.mark.parametrize("bits", [0, 3, 10])
def test_every_cut_into_bands_finds_the_pairs_of_a_comparison_of_all_with_all(
    bands, bits, monkeypatch
):
    hashes = np.unique(np.array(alike_hashes(150, 12), np.uint64))
    cut = near_duplicates._bands(bands, bits)
    monkeypatch.setattr(near_duplicates, "choose_bands", lambda count, max_bits: cut)
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", 50)
    found = {
        frozenset(pair)
        for lefts, rights in near_pairs(hashes, bits)
        for pair in zip(lefts.tolist(), rights.tolist(), strict=True)
    }
    values = hashes.tolist()
    assert found == {
        frozenset((i, j))
        for i in range(len(values))
        for j in range(i)
        if distance(values[i], values[j]) <= bits
    }
    assert bits == 0 or found


def test_groups_are_those_of_a_comparison_of_all_with_all():
    hashes = alike_hashes(3000, 12)
    assert choose_bands(len(hashes), 10) != ALL_WITH_ALL
    values = np.array(hashes, np.uint64)
    alike = np.bitwise_count(values[:, None] ^ values) <= 10
    expected = np.arange(len(hashes))
    while True:  # each takes the first of its neighbours' groups
        first = np.where(alike, expected, len(hashes)).min(axis=1)
        if (first == expected).all():
            break
        expected = first
    assert near_duplicate_groups(hashes, 10) == expected.tolist()
    assert len(set(expected.tolist())) < 2500


def test_large_sets_are_not_compared_all_with_all():
    """Ten times as many hashes take much less than a hundred times as many comparisons."""
    costs = [near_duplicates._cost(choose_bands(count, 10), count) for count in (10**5, 10**6)]
    assert costs[1] < 50 * costs[0]
