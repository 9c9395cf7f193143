"""Leaves out pictures that validation would refuse, so that one of them does not stop a run."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from stylefuse.config import Data, Validation
from stylefuse.data.near_duplicates import near_duplicate_groups
from stylefuse.errors import UserError

MAX_NAMES = 10  # pictures that a message names

Row = dict[str, Any]  # of the manifest


def leave_out(rows: Sequence[Row], data: Data, settings: Validation) -> tuple[list[Row], list[Row]]:
    """Separate good pictures from bad ones.

    Args:
        rows: of the manifest, without splits, sorted.
        data: `max_left_out` is the largest share of a source's pictures.
        settings: the thresholds.

    Returns:
        The rows of the good pictures, and those of the bad ones with the reason as `error`.

    Raises:
        UserError: more than that share of a source's pictures is bad.
    """
    good: list[Row] = []
    bad: list[Row] = []
    first_with: dict[str, str] = {}  # content → name of the first picture that has it
    for row in rows:
        first = first_with.setdefault(row["sha256"], _name(row))
        copied = "" if first == _name(row) else f"has the same content as {first}"
        if reason := picture_defect(row, settings) or copied:
            bad.append({**row, "error": reason})
        else:
            good.append(row)
    good, repeated = _too_many_alike(good, data.near_duplicate_bits, settings.max_alike)
    bad += repeated
    _refuse_too_many(rows, bad, data.max_left_out)
    return good, bad


def picture_defect(row: Mapping[str, Any], settings: Validation) -> str:
    """Why the expectations would refuse a picture, whatever the others are; "" if it is good."""
    if not row["decodes"]:
        return str(row["error"])
    width, height, luminance = row["width"], row["height"], row["luminance"]
    darkest, lightest = settings.luminance
    defects = []
    if min(width, height) < settings.min_side.get(row["domain"], 1):
        defects.append(f"is too small ({width}×{height} pixels)")
    if max(width, height) > settings.max_side:
        defects.append(f"is too large ({width}×{height} pixels)")
    if row["mode"] not in settings.modes:
        defects.append(f"has the mode {row['mode']}")
    if not darkest <= luminance <= lightest:
        defects.append(f"has a mean luminance of {luminance:g}")
    if row["luminance_deviation"] < settings.min_luminance_deviation:
        defects.append("is of one colour")
    if not any(re.fullmatch(licence, row["licence"]) for licence in settings.licences):
        defects.append(f"has the licence {row['licence']}")
    return ", ".join(defects)


def _too_many_alike(
    rows: Sequence[Row], near_duplicate_bits: int, max_alike: int
) -> tuple[list[Row], list[Row]]:
    """Keep the first `max_alike` of each group of near-duplicates."""
    groups = near_duplicate_groups([int(row["phash"], 16) for row in rows], near_duplicate_bits)
    sizes: dict[int, int] = defaultdict(int)
    kept, bad = [], []
    for row, group in zip(rows, groups, strict=True):
        sizes[group] += 1
        if sizes[group] <= max_alike:
            kept.append(row)
        else:
            bad.append({**row, "error": f"is one of many like {_name(rows[group])}"})
    return kept, bad


def _refuse_too_many(rows: Sequence[Row], bad: Sequence[Row], max_share: float) -> None:
    totals = Counter(row["source"] for row in rows)
    for source, count in Counter(row["source"] for row in bad).items():
        if count > max_share * totals[source]:
            names = [row for row in bad if row["source"] == source][:MAX_NAMES]
            lines = [
                f"source {source!r}: {count} of {totals[source]} pictures fail validation, more "
                f"than data.max_left_out allows ({max_share:g}); correct the source, or raise it",
                *(f"  {_name(row)}: {row['error']}" for row in names),
                *([f"  and {count - MAX_NAMES} more"] if count > MAX_NAMES else []),
            ]
            raise UserError("\n".join(lines), code="too-many-left-out")


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['source']}: {row['member']}"
