"""Runs a suite of expectations on a table with Great Expectations."""

import html
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stylefuse.data.validation.defects import DEFECTS
from stylefuse.data.validation.expectations import NamedExpectation

ESCAPING_VIEW = {
    "module_name": "stylefuse.data.validation.docs_view",
    "class_name": "EscapingPageView",
}


@dataclass(frozen=True)
class ExpectationResult:
    """The result of one expectation.

    Attributes:
        name: of the expectation.
        statement: the expectation in plain words.
        success: whether it holds.
        failing: `(path, what is wrong)` of each failing picture, sorted.
        observed: the observed value, where an expectation is about the whole table; else "".
    """

    name: str
    statement: str
    success: bool
    failing: tuple[tuple[str, str], ...]
    observed: str


def run_expectations(
    table: pd.DataFrame, suite: Sequence[NamedExpectation], data_docs: Path | None = None
) -> list[ExpectationResult]:
    """Run a suite.

    Args:
        table: from `add_defects`.
        suite: from `expectations`.
        data_docs: folder in which to build Great Expectations' Data Docs; None builds none.

    Returns:
        A result per expectation, in the order of the suite.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    context = _context(gx, data_docs)
    batch = (
        context.data_sources.add_pandas("ingest")
        .add_dataframe_asset("manifest")
        .add_batch_definition_whole_dataframe("all pictures")
    )
    for name, statement, expectation in suite:
        expectation.meta = {"name": name}
        expectation.description = html.escape(statement, quote=False)  # the Data Docs' markup
    definition = gx.ValidationDefinition(
        name="pictures",
        data=batch,
        suite=context.suites.add(
            gx.ExpectationSuite("pictures", expectations=[expectation for *_, expectation in suite])
        ),
    )
    validation = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": table},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["path"]},
    )
    if data_docs:
        context.build_data_docs()
    results = {result.expectation_config.meta["name"]: result for result in validation.results}
    return [_result(name, statement, results[name]) for name, statement, _ in suite]


def _context(gx, data_docs: Path | None):
    """An ephemeral context without progress bars; its one site, if any, is in `data_docs`."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if data_docs:
        shutil.rmtree(data_docs, ignore_errors=True)
        context.update_data_docs_site(
            "local_site",
            {
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "site_section_builders": {
                    section: {"view": ESCAPING_VIEW} for section in ("expectations", "validations")
                },
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(data_docs.resolve()),
                },
            },
        )
    else:
        context.delete_data_docs_site("local_site")
    return context


def _result(name: str, statement: str, result) -> ExpectationResult:
    """Convert a result of Great Expectations."""
    column = result.expectation_config.kwargs.get("column")
    label = "" if column in DEFECTS else f"{column} "
    rows = result.result.get("unexpected_index_list") or []
    observed = result.result.get("observed_value")
    return ExpectationResult(
        name=name,
        statement=statement,
        success=bool(result.success),
        failing=tuple(sorted((str(row["path"]), label + str(row[column])) for row in rows)),
        observed="" if observed is None else f"found {observed}",
    )
