"""The licences of a model's training pictures, counted."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from stylefuse.errors import UserError

TAG = "data.licences"
COLUMNS = ["split", "domain", "licence", "source"]


def training_licences(
    manifest: Path, domains: Sequence[str], pictures: Collection[str] | None = None
) -> pd.DataFrame:
    """Count the pictures that a model was trained on, by licence.

    Args:
        manifest: what `data.ingest` wrote.
        domains: of the model's training pictures.
        pictures: paths of the training pictures, as base weights list them; None for those of the
            training split.

    Returns:
        A row for each licence, the most frequent first, with the columns `licence`, `pictures` and
        `sources` (names). No rows if there is no manifest.

    Raises:
        UserError: the manifest cannot be read.
    """
    columns = COLUMNS if pictures is None else [*COLUMNS, "path"]
    try:
        rows = pd.read_parquet(manifest, columns=columns)
    except FileNotFoundError:
        rows = pd.DataFrame(columns=columns)
    except (OSError, ValueError) as error:
        message = f"{manifest} cannot be read ({error}); run `dvc repro ingest`"
        raise UserError(message, code="manifest-damaged") from None
    in_training = rows.split == "train" if pictures is None else rows.path.isin(pictures)
    training = rows[in_training & rows.domain.isin(domains)]
    counts = training.groupby("licence", as_index=False).agg(
        pictures=("source", "size"), sources=("source", lambda names: ", ".join(sorted({*names})))
    )
    return counts.sort_values(["pictures", "licence"], ascending=[False, True], ignore_index=True)


def licence_tag(licences: pd.DataFrame) -> dict[str, str]:
    """The counts as a tag, `GPL-2+: 37, GPL-3: 7`; empty without counts."""
    counts = zip(licences.licence, licences.pictures, strict=True)
    text = ", ".join(f"{licence}: {count}" for licence, count in counts)
    return {TAG: text} if text else {}


def licence_rows(licences: pd.DataFrame) -> list[list[str]]:
    """Rows of a table with the columns licence, sources and pictures."""
    columns = licences[["licence", "sources", "pictures"]]
    return [[str(cell) for cell in row] for row in columns.to_numpy().tolist()]
