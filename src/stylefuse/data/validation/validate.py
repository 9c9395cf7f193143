"""Validates the ingested pictures; a failed expectation stops the pipeline before training.

`reports/validation.json` and `reports/validation.html` are the same bytes for the same manifest.
Great Expectations' Data Docs of the last run are in `reports/data_docs`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import pandas as pd

from stylefuse import paths
from stylefuse.config import Split, Validation, load_params
from stylefuse.data.validation.defects import CONTENT_COLUMNS, REQUIRED_COLUMNS, add_defects
from stylefuse.data.validation.expectations import expectations
from stylefuse.data.validation.files_on_disk import file_errors
from stylefuse.data.validation.great_expectations_run import ExpectationResult, run_expectations
from stylefuse.data.validation.page import render_page
from stylefuse.errors import UserError, run_main

DATA_DOCS = paths.REPORTS / "data_docs"
DATA_REFUSED = 10  # exit code
NOTHING_LEFT_OUT = pd.DataFrame(columns=["source", "picture", "reason"])
MAX_NAMES = 10  # pictures that a message names for each failed expectation


def validate(
    manifest: pd.DataFrame,
    domains: Sequence[str],
    settings: Validation,
    near_duplicate_bits: int,
    out: Path,
    errors: Mapping[str, str] | None = None,
    data_docs: Path | None = None,
    left_out: pd.DataFrame = NOTHING_LEFT_OUT,
) -> None:
    """Validate a manifest; the reports are written whether it passes or not.

    Args:
        manifest: one row per picture, as ingest writes it.
        domains: that must have pictures.
        settings: the thresholds.
        near_duplicate_bits: largest Hamming distance of near-duplicates' 64-bit hashes.
        out: folder of `validation.json` and `validation.html`.
        errors: what is wrong with files on disk, by path; see `files_on_disk.file_errors`.
        data_docs: folder for Great Expectations' Data Docs; None builds none.
        left_out: the pictures that ingest left out; columns `source`, `picture` and `reason`.

    Raises:
        UserError: columns or thresholds are missing; or an expectation failed (exit code 10), and
            the message names each failed expectation and its pictures.
    """
    missing = {*REQUIRED_COLUMNS, *CONTENT_COLUMNS, "error"} - set(manifest.columns)
    if missing:
        message = f"the manifest has no {', '.join(sorted(missing))}; run `dvc repro ingest`"
        raise UserError(message, code="manifest-incomplete")
    if without_side := sorted(set(domains) - set(settings.min_side)):
        message = f"params.yaml: validation.min_side has no {', '.join(without_side)}"
        raise UserError(message, code="side-missing")
    table = add_defects(manifest, near_duplicate_bits, settings.max_alike, errors)
    suite = list(expectations(domains, settings, len(manifest)))
    results = run_expectations(table, suite, data_docs)
    out.mkdir(parents=True, exist_ok=True)
    report = out / paths.VALIDATION_REPORT.name
    page = report.with_suffix(".html")
    summary = _summary(manifest, left_out, domains, results)
    report.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    page.write_text(render_page(manifest, left_out, results), encoding="utf-8")
    failed = [result for result in results if not result.success]
    if failed:
        message = _failure_message(failed, manifest, page)
        raise UserError(message, DATA_REFUSED, code="validation-failed")


def _summary(
    manifest: pd.DataFrame,
    left_out: pd.DataFrame,
    domains: Sequence[str],
    results: Sequence[ExpectationResult],
) -> dict:
    """The content of `validation.json`."""
    return {
        "evaluated": len(results),
        "left_out": len(left_out),
        "passed": sum(result.success for result in results),
        "pictures": {
            domain: {
                split: int(((manifest.domain == domain) & (manifest.split == split)).sum())
                for split in get_args(Split)
            }
            for domain in domains
        },
        "expectations": [
            {
                "name": result.name,
                "success": result.success,
                "failing": [path for path, _ in result.failing],
            }
            for result in results
        ],
    }


def _failure_message(
    failed: Sequence[ExpectationResult], manifest: pd.DataFrame, page: Path
) -> str:
    origins = _origins(manifest)
    lines = [f"the pictures failed {len(failed)} expectation(s); {page} lists all of them"]
    for result in failed:
        lines.append(f"  {result.name}: {result.statement} {result.observed}".rstrip())
        lines += [
            f"    {path} ({defect}){f', from {origin}' if (origin := origins.get(path)) else ''}"
            for path, defect in result.failing[:MAX_NAMES]
        ]
        if len(result.failing) > MAX_NAMES:
            lines.append(f"    and {len(result.failing) - MAX_NAMES} more")
    return "\n".join(lines)


def _origins(manifest: pd.DataFrame) -> dict[str, str]:
    """Where each picture was before it was ingested, by its path."""
    if "member" not in manifest:
        return {}
    origins = manifest.source.astype(str) + ": " + manifest.member.astype(str)
    return dict(zip(manifest.path, origins, strict=True))


def main() -> None:
    params = load_params()
    try:
        manifest = pd.read_parquet(paths.MANIFEST)
        left_out = pd.read_csv(paths.LEFT_OUT)
    except FileNotFoundError:
        message = f"{paths.MANIFEST} or {paths.LEFT_OUT} is missing; run `dvc repro ingest`"
        raise UserError(message, code="manifest-missing") from None
    validate(
        manifest,
        params.domains,
        params.validation,
        params.data.near_duplicate_bits,
        paths.REPORTS,
        file_errors(manifest, paths.PICTURES),
        DATA_DOCS,
        left_out,
    )


if __name__ == "__main__":
    run_main(main)
