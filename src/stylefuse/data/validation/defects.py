"""Columns that describe defects of pictures which need more than one cell of the manifest.

Each column is null for a good picture and says what is wrong with any other. They let Great
Expectations check such defects with `ExpectColumnValuesToBeNull`.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

import pandas as pd

from stylefuse.data.near_duplicates import near_duplicate_groups

REQUIRED_COLUMNS = ("path", "domain", "split", "bytes", "sha256", "decodes", "source", "author",
                    "licence")  # fmt: skip
CONTENT_COLUMNS = ("width", "height", "mode", "format", "phash", "luminance",
                   "luminance_deviation")  # of pictures that decode  # fmt: skip

DECODE_ERROR = "decode_error"
EMPTY_CELLS = "empty_cells"
LEAKED_DUPLICATE = "leaked_duplicate"  # a near-duplicate in another split
TOO_MANY_DUPLICATES = "too_many_duplicates"
FILE_ERROR = "file_error"
DEFECTS = (DECODE_ERROR, EMPTY_CELLS, LEAKED_DUPLICATE, TOO_MANY_DUPLICATES, FILE_ERROR)


def add_defects(
    manifest: pd.DataFrame,
    near_duplicate_bits: int,
    max_alike: int,
    file_errors: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Add the columns in `DEFECTS`, and a row for each file that the manifest does not list.

    Args:
        manifest: one row per picture.
        near_duplicate_bits: largest Hamming distance of near-duplicates' 64-bit hashes.
        max_alike: largest accepted group of near-duplicates.
        file_errors: what is wrong with files on disk, by path; see `files_on_disk.file_errors`.
    """
    rows = manifest.to_dict("records")
    groups = _duplicate_groups(rows, near_duplicate_bits)
    leaked, repeated = _leaked(rows, groups), _too_many(rows, groups, max_alike)
    defects = [
        (_decode_error(row), _empty_cells(row), leaked.get(i), repeated.get(i))
        for i, row in enumerate(rows)
    ]
    index = pd.RangeIndex(len(rows))
    columns = pd.DataFrame(defects, index, DEFECTS[:-1], dtype=object)
    return _add_file_errors(manifest.reset_index(drop=True).join(columns), file_errors or {})


def _add_file_errors(table: pd.DataFrame, file_errors: Mapping[str, str]) -> pd.DataFrame:
    """Add the column of file errors, and an otherwise empty row for each unlisted file."""
    if not file_errors:
        return table.assign(**{FILE_ERROR: None})
    listed = set(table.path)
    unlisted = pd.DataFrame({"path": [path for path in file_errors if path not in listed]})
    table = pd.concat([table.astype(object), unlisted], ignore_index=True)
    return table.assign(**{FILE_ERROR: table.path.map(file_errors)})


def _decode_error(row: dict) -> str | None:
    return None if row["decodes"] is True else str(row["error"] or "unreadable")


def _empty_cells(row: dict) -> str | None:
    """The names of required cells that are empty."""
    required = REQUIRED_COLUMNS + (CONTENT_COLUMNS if row["decodes"] is True else ())
    empty = [name for name in required if pd.isna(row[name]) or not str(row[name]).strip()]
    return f"no {', '.join(empty)}" if empty else None


def _duplicate_groups(rows: list[dict], near_duplicate_bits: int) -> list[list[int]]:
    """Groups of two or more near-duplicates, as row numbers."""
    hashed = [
        i
        for i, row in enumerate(rows)
        if row["decodes"] is True and re.fullmatch("[0-9a-f]{16}", str(row["phash"]))
    ]
    groups = near_duplicate_groups([int(rows[i]["phash"], 16) for i in hashed], near_duplicate_bits)
    members: dict[int, list[int]] = defaultdict(list)
    for i, group in zip(hashed, groups, strict=True):
        members[group].append(i)
    return [group for group in members.values() if len(group) > 1]


def _leaked(rows: list[dict], groups: list[list[int]]) -> dict[int, str]:
    """For each row with a near-duplicate in another split: the first such near-duplicate."""
    leaked = {}
    for group in groups:
        for i in group:
            others = (j for j in group if rows[j]["split"] != rows[i]["split"])
            if (other := next(others, None)) is not None:
                leaked[i] = f"like {rows[other]['path']}"
    return leaked


def _too_many(rows: list[dict], groups: list[list[int]], max_alike: int) -> dict[int, str]:
    """For each row in a group that is too large: its size and its first picture."""
    return {
        i: f"one of {len(group)} like {rows[group[0]]['path']}"
        for group in groups
        if len(group) > max_alike
        for i in group
    }
