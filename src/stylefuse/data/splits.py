"""Which pictures train, which steer, and which judge: decided per picture, never per crop."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from stylefuse.config import Split, Splits


def near_duplicate_groups(hashes: Sequence[int], max_bits: int) -> list[int]:
    """Group pictures whose 64-bit perceptual hashes differ in at most `max_bits` bits.

    Args:
        hashes: one 64-bit hash per picture.
        max_bits: largest Hamming distance between neighbours within a group.

    Returns:
        For each picture the index of its group's first picture (single linkage).
    """
    bits = np.unpackbits(np.array(hashes, dtype=">u8").view(np.uint8).reshape(-1, 8), axis=1)
    group = list(range(len(hashes)))

    def root(i: int) -> int:
        while group[i] != i:
            i = group[i]
        return i

    for i in range(len(hashes)):
        distance = (bits[i] != bits[:i]).sum(axis=1)
        for j in np.flatnonzero(distance <= max_bits):
            first, second = sorted((root(int(j)), root(i)))
            group[second] = first
    return [root(i) for i in range(len(hashes))]


def assign_splits(
    keys: Sequence[str], strata: Sequence[str], groups: Sequence[int], shares: Splits, seed: int
) -> list[Split]:
    """Deal pictures out to the three splits.

    Near-duplicates stay together, and each stratum (a source of pictures) gives its own share, so
    that adding a source moves no picture of another one; only a group whose first picture is now
    the new source's goes where that one goes.

    Args:
        keys: a name per picture that stays the same from run to run.
        strata: the stratum of each picture; a group belongs to that of its first picture.
        groups: the index of the first picture of each picture's group.
        shares: how much goes to validation and test.
        seed: changes the deal.

    Returns:
        The split of each picture.
    """
    split_of_group: dict[int, Split] = {}
    for stratum in sorted(set(strata)):
        mine = sorted(
            {g for g in groups if strata[g] == stratum}, key=lambda g: _draw(seed, keys[g])
        )
        size = Counter(g for g, s in zip(groups, strata, strict=True) if s == stratum)
        total, seen = sum(size[g] for g in mine), 0
        phase = int(_draw(seed, stratum), 16) / 16**64  # or small sources would only ever test
        for g in mine:
            position = (seen + phase * size[g]) / total
            seen += size[g]
            if position < shares.test:
                split_of_group[g] = "test"
            elif position < shares.test + shares.validation:
                split_of_group[g] = "validation"
            else:
                split_of_group[g] = "train"
    return [split_of_group[g] for g in groups]


def _draw(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
