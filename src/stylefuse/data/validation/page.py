"""The HTML page of a validation: one file without links, readable offline."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pandas as pd

if TYPE_CHECKING:
    from stylefuse.data.validation.great_expectations_run import ExpectationResult

TEMPLATE = Path(__file__).with_name("page.html")


def render_page(
    manifest: pd.DataFrame, left_out: pd.DataFrame, results: Sequence["ExpectationResult"]
) -> str:
    """Render the verdict, the expectations with their failing pictures, and counts of pictures.

    Args:
        manifest: one row per picture.
        left_out: the pictures that ingest left out; columns `source`, `picture` and `reason`.
        results: of the expectations, in the order to show.

    Returns:
        HTML; the same text for the same arguments.
    """
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    by_split = _counts(manifest, "domain", "split")
    by_licence = _counts(manifest, "source", "licence")
    tables = [
        ("Pictures per domain and split", ("Domain", "Split"), by_split),
        ("Pictures per source and licence", ("Source", "Licence"), by_licence),
    ]
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    failed = sum(not result.success for result in results)
    return (
        template.render(
            results=results, failed=failed, tables=tables, left_out=left_out.to_dict("records")
        )
        + "\n"
    )


def _counts(manifest: pd.DataFrame, *columns: str) -> list[tuple[tuple[str, ...], int]]:
    """The number of pictures for each combination of values that occurs, sorted."""
    values = manifest[list(columns)].fillna("(unknown)").astype(str)
    counts = values.value_counts().sort_index()
    return list(zip(counts.index, counts, strict=True))
