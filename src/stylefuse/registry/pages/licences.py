"""Under which licences a model's training pictures are."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stylefuse.errors import UserError

TAG = "data.licences"
COLUMNS = ["split", "domain", "licence", "source"]


def training_licences(manifest: Path, domains: Sequence[str]) -> pd.DataFrame:
    """Count the pictures that a model was trained on.

    Args:
        manifest: what `data.ingest` wrote.
        domains: whose pictures the model is trained on.

    Returns:
        A row for each licence, the most frequent first: `licence`, `pictures`, and `sources`, their
        names. No rows where there is no manifest.

    Raises:
        UserError: the manifest cannot be read.
    """
    try:
        rows = pd.read_parquet(manifest, columns=COLUMNS)
    except FileNotFoundError:
        rows = pd.DataFrame(columns=COLUMNS)
    except (OSError, ValueError) as error:
        raise UserError(f"{manifest} cannot be read ({error}); run `dvc repro ingest`") from None
    ours = rows[(rows.split == "train") & rows.domain.isin(domains)]
    counted = ours.groupby("licence", as_index=False).agg(
        pictures=("source", "size"), sources=("source", lambda names: ", ".join(sorted({*names})))
    )
    return counted.sort_values(["pictures", "licence"], ascending=[False, True], ignore_index=True)


def licence_tag(licences: pd.DataFrame) -> dict[str, str]:
    """The counts as a tag, `GPL-2+: 37, GPL-3: 7`; none where nothing was counted."""
    counts = zip(licences.licence, licences.pictures, strict=True)
    text = ", ".join(f"{licence}: {count}" for licence, count in counts)
    return {TAG: text} if text else {}
