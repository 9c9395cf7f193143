"""Splits: groups stay together, shares are met, new sources move no other pictures."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stylefuse.config import Splits
from stylefuse.data.splits import assign_splits

SHARES = Splits(validation=0.15, test=0.25)


@st.composite
def pictures(draw):
    """Strata and groups as ingest computes them, with groups that cross strata."""
    strata = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=40))
    groups: list[int] = []
    for i in range(len(strata)):
        groups.append(draw(st.sampled_from([i, *groups])))
    return strata, groups


@given(pictures(), st.integers(0, 5))
def test_a_group_stays_together(strata_and_groups, seed):
    strata, groups = strata_and_groups
    splits = assign_splits([str(i) for i in range(len(strata))], strata, groups, SHARES, seed)
    for i, first in enumerate(groups):
        assert splits[i] == splits[first]


@given(st.integers(1, 200), st.integers(0, 5))
def test_each_source_gives_its_share(count, seed):
    keys = [f"k{i}" for i in range(count)]
    counts = Counter(assign_splits(keys, ["a"] * count, list(range(count)), SHARES, seed))
    assert abs(counts["test"] - SHARES.test * count) < 1
    assert abs(counts["validation"] - SHARES.validation * count) < 1


def test_sources_of_one_picture_meet_the_shares_together():
    names = [f"source-{i}" for i in range(400)]
    counts = Counter(assign_splits(names, names, list(range(400)), SHARES, seed=7))
    assert 70 < counts["test"] < 130
    assert 35 < counts["validation"] < 85


@given(pictures(), st.integers(0, 2**31 - 1), st.randoms())
def test_the_order_of_pictures_does_not_matter(strata_and_groups, seed, random):
    strata, _ = strata_and_groups
    keys = [f"k{i}" for i in range(len(strata))]
    alone = list(range(len(strata)))
    before = dict(zip(keys, assign_splits(keys, strata, alone, SHARES, seed), strict=True))
    order = alone[:]
    random.shuffle(order)
    mixed = [keys[i] for i in order]
    after = assign_splits(mixed, [strata[i] for i in order], alone, SHARES, seed)
    assert dict(zip(mixed, after, strict=True)) == before


@given(pictures(), st.integers(0, 5), st.data())
def test_a_new_source_moves_no_picture_of_another(strata_and_groups, seed, data):
    """Also where the new source's pictures are near-duplicates of the old ones'."""
    strata, groups = strata_and_groups
    keys = [f"k{i}" for i in range(len(strata))]
    before = assign_splits(keys, strata, groups, SHARES, seed)
    more = data.draw(st.integers(1, 20))
    for i in range(len(groups), len(groups) + more):
        groups = [*groups, data.draw(st.sampled_from([i, *groups]))]
    keys += [f"new{i}" for i in range(more)]
    after = assign_splits(keys, [*strata, *["new"] * more], groups, SHARES, seed)
    assert after[: len(before)] == before


@given(pictures(), st.integers(0, 2**31 - 1), st.data())
def test_a_group_is_in_one_split_and_the_seed_determines_it(strata_and_groups, seed, data):
    strata, groups = strata_and_groups
    keys = [f"k{i}" for i in range(len(strata))]
    test = data.draw(st.floats(0, 0.5))
    shares = Splits(test=test, validation=data.draw(st.floats(0, 0.49)))
    splits = assign_splits(keys, strata, groups, shares, seed)
    split_of_group: dict[int, set[str]] = {}
    for group, split in zip(groups, splits, strict=True):
        split_of_group.setdefault(group, set()).add(split)
    assert all(len(members) == 1 for members in split_of_group.values())
    assert assign_splits(keys, strata, groups, shares, seed) == splits


def test_the_seed_changes_the_splits():
    keys = [f"k{i}" for i in range(100)]
    first, same, other = (
        assign_splits(keys, ["a"] * 100, list(range(100)), SHARES, seed) for seed in (1, 1, 2)
    )
    assert first == same != other


def test_empty_and_extreme_shares():
    assert assign_splits([], [], [], SHARES, 1) == []
    none = Splits(validation=0, test=0)
    assert set(assign_splits(["a", "b"], ["s", "s"], [0, 1], none, 1)) == {"train"}
