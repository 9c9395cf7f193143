"""Assigns pictures to the train, validation and test splits; near-duplicates stay together."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from stylefuse.config import Split, Splits


def assign_splits(
    keys: Sequence[str], strata: Sequence[str], groups: Sequence[int], shares: Splits, seed: int
) -> list[Split]:
    """Assign each picture to a split.

    The splits are stratified: each stratum (a source of pictures) contributes its own share, so
    that adding a source does not move the pictures of another one. The exception is a group whose
    first picture belongs to the new source.

    Args:
        keys: a name per picture that stays the same from run to run.
        strata: the stratum of each picture; a group belongs to the stratum of its first picture.
        groups: the index of the first picture of each picture's group of near-duplicates.
        shares: of the validation and test splits.
        seed: determines the assignment.

    Returns:
        The split of each picture.
    """
    split_of_group: dict[int, Split] = {}
    for stratum in sorted(set(strata)):
        members = {g for g in groups if strata[g] == stratum}
        shuffled = sorted(members, key=lambda g: _hash(seed, keys[g]))
        sizes = Counter(g for g, s in zip(groups, strata, strict=True) if s == stratum)
        total, assigned = sum(sizes[g] for g in shuffled), 0
        # A phase per stratum: without it sources of few pictures would all go to the test split.
        phase = int(_hash(seed, stratum), 16) / 16**64
        for g in shuffled:
            position = (assigned + phase * sizes[g]) / total
            assigned += sizes[g]
            if position < shares.test:
                split_of_group[g] = "test"
            elif position < shares.test + shares.validation:
                split_of_group[g] = "validation"
            else:
                split_of_group[g] = "train"
    return [split_of_group[g] for g in groups]


def _hash(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
