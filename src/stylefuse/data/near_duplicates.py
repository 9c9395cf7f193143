"""Groups of near-duplicates: pictures whose perceptual hashes differ in a few bits.

The hashes are cut into bands, each with a radius (multi-index hashing, Norouzi, Punjani and Fleet,
CVPR 2012). Two hashes that differ in more bits than its radius in every band differ in at least
the sum of all radii plus the number of bands. If that is more than the bits that near-duplicates
may differ in, each pair of near-duplicates is found in some band, among the few hashes that differ
little there. The result is that of a comparison of all with all.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH_BITS = 64
BAND_COUNTS = range(3, 17)  # with fewer, the table of a band's values would be too large
MAX_PAIRS = 1 << 16  # that are compared at once, within the processor's cache
PASS_COST, LOOK_UP_COST = 10_000, 6  # of a band, and of each hash in it, in comparisons of a pair


class Band(NamedTuple):
    """Neighbouring bits of a hash.

    Attributes:
        shift: number of bits below it.
        width: number of its bits.
        radius: pairs that differ in at most so many of its bits are compared.
    """

    shift: int
    width: int
    radius: int

    def flips(self) -> Iterator[int]:
        """The differences within the radius, as numbers; the first is 0."""
        for count in range(self.radius + 1):
            for bits in combinations(range(self.width), count):
                yield sum(1 << bit for bit in bits)


ALL_WITH_ALL = [Band(shift=0, width=0, radius=0)]  # one value, which all hashes have


def near_duplicate_groups(hashes: Sequence[int], max_bits: int) -> list[int]:
    """Group pictures whose 64-bit perceptual hashes differ in at most `max_bits` bits.

    Args:
        hashes: one 64-bit hash per picture.
        max_bits: largest Hamming distance between neighbours within a group.

    Returns:
        For each picture the index of its group's first picture (single linkage).
    """
    values, value_of = np.unique(np.array(hashes, np.uint64), return_inverse=True)
    label = np.arange(len(values))
    for lefts, rights in near_pairs(values, max_bits):
        label = _merge(label, lefts, rights)
    group = label[value_of]
    first = np.full(len(values), len(hashes))
    np.minimum.at(first, group, np.arange(len(hashes)))
    return first[group].tolist()


def near_pairs(values: np.ndarray, max_bits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs of hashes that differ in at most `max_bits` bits.

    Args:
        values: uint64 `[n]`.
        max_bits: largest Hamming distance.

    Returns:
        Indices `[pairs]` of both hashes, in parts; a pair may come several times.
    """
    for band in choose_bands(len(values), max_bits):
        yield from _pairs_of_band(values, band, max_bits)


def choose_bands(count: int, max_bits: int) -> list[Band]:
    """The bands with which the search of `count` hashes is likely to be the fastest."""
    choices = [ALL_WITH_ALL, *(_bands(number, max_bits) for number in BAND_COUNTS)]
    return min(choices, key=lambda bands: _cost(bands, count))


def _bands(number: int, max_bits: int) -> list[Band]:
    """Bands whose radii sum to `max_bits + 1 − number`; one with the radius −1 is not needed."""
    edges = [HASH_BITS * i // number for i in range(number + 1)]
    radius, larger = divmod(max_bits + 1 - number, number)
    radii = [radius + (i < larger) for i in range(number)]
    return [
        Band(low, high - low, radius)
        for low, high, radius in zip(edges, edges[1:], radii, strict=False)
        if radius >= 0
    ]


def _cost(bands: Sequence[Band], count: int) -> float:
    """Expected work if hashes are random: passes, look-ups and comparisons."""
    return sum(
        sum(comb(band.width, bits) for bits in range(band.radius + 1))
        * (PASS_COST + LOOK_UP_COST * count + count**2 / 2 ** (band.width + 1))
        for band in bands
    )


def _pairs_of_band(
    values: np.ndarray, band: Band, max_bits: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs of near-duplicates that differ in a band by no more than its radius."""
    keys = (values >> np.uint64(band.shift)).astype(np.int64) & ((1 << band.width) - 1)
    order = np.argsort(keys, kind="stable")
    keys, ordered = keys[order], values[order]
    starts = np.searchsorted(keys, np.arange((1 << band.width) + 1))
    for flip in band.flips():
        rows = np.nonzero(keys < keys ^ flip)[0] if flip else np.arange(len(keys))
        others = keys[rows] ^ flip
        begins = starts[others] if flip else rows + 1
        for lefts, rights in _expand(rows, begins, starts[others + 1]):
            near = np.bitwise_count(ordered[lefts] ^ ordered[rights]) <= max_bits
            if near.any():
                yield order[lefts[near]], order[rights[near]]


def _expand(
    rows: np.ndarray, begins: np.ndarray, ends: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair each row with all of its range from begin to end, about `MAX_PAIRS` pairs at a time."""
    counts = ends - begins
    totals = np.concatenate([[0], np.cumsum(counts)])
    if totals[-1] == 0:
        return
    cuts = np.searchsorted(totals, np.arange(0, totals[-1], MAX_PAIRS)).tolist()
    for first, last in zip(cuts, [*cuts[1:], len(rows)], strict=True):
        part = slice(first, last)
        repeated = counts[part]
        offsets = begins[part] - (totals[first:last] - totals[first])
        yield (
            np.repeat(rows[part], repeated),
            np.arange(repeated.sum()) + np.repeat(offsets, repeated),
        )


def _merge(label: np.ndarray, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    """Join the groups of pairs; a group's label is one of its members."""
    lefts, rights = label[lefts], label[rights]
    differ = lefts != rights
    if not differ.any():
        return label
    edges = np.ones(differ.sum(), np.int8), (lefts[differ], rights[differ])
    shape = len(label), len(label)
    _, component = connected_components(coo_array(edges, shape=shape), directed=False)
    return component[label]
