"""The manifest of a batch: how each of its pictures was made, or why it was not.

It is the folder `manifest` beside the pictures, of JSON lines files. Whoever paints a chunk of the
batch writes its part of the manifest, after its pictures: what a killed run leaves is true.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.fileio import regular_file, write_text_atomically

Record = Mapping[str, Any]  # a sidecar's content and `seconds`; or `inputs`, `output` and `error`
FOLDER, SUFFIX = "manifest", ".jsonl"
PART = re.compile(rf"[0-9]{{1,12}}-\w+\{SUFFIX}", re.ASCII)


def read_manifest(out: Path) -> dict[str, Record]:
    """The last record of each picture, by its output file; empty where there is no manifest.

    Raises:
        UserError: a part cannot be read.
    """
    return {record["output"]["file"]: record for part in _parts(out) for record in _read_part(part)}


def next_part(out: Path) -> int:
    """The number of the first part that another run writes."""
    return max(map(_number, _parts(out)), default=0) + 1


def write_part(out: Path, number: int, records: Sequence[Record]) -> None:
    """Write a part of the manifest atomically; higher numbers count more.

    Parts of one number do not replace each other: a worker of a killed run may still write one.

    Raises:
        UserError: the file cannot be written.
    """
    lines = (json.dumps(record, sort_keys=True) + "\n" for record in records)
    name = f"{number:06}-{secrets.token_hex(4)}{SUFFIX}"
    write_text_atomically(out / FOLDER / name, "".join(lines), durable=True)


def _is_record(record: Any) -> bool:
    output = record.get("output") if isinstance(record, dict) else None
    return isinstance(output, dict) and isinstance(output.get("file"), str)


def _parts(out: Path) -> list[Path]:
    parts = [part for part in (out / FOLDER).glob(f"*{SUFFIX}") if PART.fullmatch(part.name)]
    return sorted(parts, key=lambda part: (_number(part), part.name))


def _number(part: Path) -> int:
    return int(part.name.partition("-")[0])


def _read_part(part: Path) -> list[Record]:
    try:
        text = regular_file(part.parent, part.name).read_text(encoding="utf-8")
        records = [json.loads(line) for line in text.splitlines()]
        if not all(map(_is_record, records)):
            raise ValueError("it holds other lines than those of a batch")
        return records
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{part} cannot be read ({error}); remove it, and its pictures are painted again",
            code="manifest-unreadable",
        ) from None
