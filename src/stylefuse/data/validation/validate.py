"""Expectations on the manifest of pictures: what must hold before anything is trained on them.

`reports/validation.json` and `reports/validation.html` are the same bytes for the same manifest.
Great Expectations' own pages are left in `reports/data_docs/`, for those who know their way there.
"""

import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pandas as pd

from stylefuse.config import Split, Validation, load_params
from stylefuse.data.splits import near_duplicate_groups
from stylefuse.data.validation.expectations import expectations
from stylefuse.data.validation.files_on_disk import file_faults
from stylefuse.data.validation.page import render_page
from stylefuse.errors import UserError, run_main

MANIFEST, PICTURES = Path("data/manifest.parquet"), Path("data/pictures")
REPORTS = Path("reports")
NAMED = 10  # pictures that a message names of each failed expectation
ALWAYS_KNOWN = ("path", "domain", "split", "bytes", "sha256", "decodes", "source", "author",
                "licence")  # fmt: skip
KNOWN_OF_PICTURES = ("width", "height", "mode", "format", "phash", "luminance",
                     "luminance_deviation")  # fmt: skip
DEFECTS = ("fault", "blank", "twin", "alike")
FILE = "file"


@dataclass(frozen=True)
class Finding:
    """What one expectation found."""

    name: str
    statement: str  # in plain words
    success: bool
    failing: tuple[tuple[str, str], ...]  # (path, what is wrong with it), sorted
    observed: str  # where no single picture is to blame


def validate(
    manifest: pd.DataFrame,
    domains: Sequence[str],
    settings: Validation,
    near_duplicate_bits: int,
    out: Path,
    faults: Mapping[str, str] | None = None,
) -> None:
    """Judge a manifest and write the reports into `out`, whatever the verdict.

    Args:
        manifest: one row per picture, as ingest writes it.
        domains: what there should be pictures of.
        settings: the thresholds.
        near_duplicate_bits: Hamming distance at which two 64-bit hashes are the same picture.
        out: the reports' folder.
        faults: what is wrong with files on disk, by path; see `on_disk.file_faults`.

    Raises:
        UserError: columns or thresholds are missing, or an expectation failed (exit code 10): the
            message names each failed expectation and its pictures.
    """
    lacking = {*ALWAYS_KNOWN, *KNOWN_OF_PICTURES, "error"} - set(manifest.columns)
    if lacking:
        raise UserError(f"the manifest has no {', '.join(sorted(lacking))}; run `dvc repro ingest`")
    if unnamed := sorted(set(domains) - set(settings.min_side)):
        raise UserError(f"params.yaml: validation.min_side has no {', '.join(unnamed)}")
    table = with_defects(manifest.reset_index(drop=True), near_duplicate_bits, settings.max_alike)
    table = with_files(table, faults or {})
    findings = evaluate(table, domains, settings, len(manifest), out / "data_docs")
    summary = {
        "evaluated": len(findings),
        "passed": sum(finding.success for finding in findings),
        "pictures": _counts(manifest, domains),
        "expectations": [
            {
                "name": finding.name,
                "success": finding.success,
                "failing": [path for path, _ in finding.failing],
            }
            for finding in findings
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "validation.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    (out / "validation.html").write_text(render_page(manifest, findings), encoding="utf-8")
    failed = [finding for finding in findings if not finding.success]
    if failed:
        raise UserError(_complaint(failed, out / "validation.html"), exit_code=10)


def with_defects(manifest: pd.DataFrame, near_duplicate_bits: int, max_alike: int) -> pd.DataFrame:
    """Add a column for each defect that takes more than one cell to see; it is null where all is
    well, and says what is wrong where it is not.

    Returns:
        The manifest with `fault` (why a picture does not decode), `blank` (which cells are empty),
        `twin` (which picture of another split it is like) and `alike` (which picture the set has
        too often).
    """
    rows = manifest.to_dict("records")
    groups = _alike(rows, near_duplicate_bits)
    twins, repeats = _twins(rows, groups), _repeats(rows, groups, max_alike)
    found = [(_fault(row), _blank(row), twins.get(i), repeats.get(i)) for i, row in enumerate(rows)]
    return manifest.join(pd.DataFrame(found, manifest.index, DEFECTS, dtype=object))


def with_files(table: pd.DataFrame, faults: Mapping[str, str]) -> pd.DataFrame:
    """Add a column that says what is wrong with a picture's file, and a row, with nothing else in
    it, for each file that no row lists."""
    if not faults:
        return table.assign(**{FILE: None})
    strays = [path for path in faults if path not in set(table.path)]
    judged = pd.concat([table.astype(object), pd.DataFrame({"path": strays})], ignore_index=True)
    return judged.assign(**{FILE: judged.path.map(faults)})


def _fault(row: dict) -> str | None:
    return None if row["decodes"] is True else str(row["error"] or "unreadable")


def _blank(row: dict) -> str | None:
    """Which cells are empty though they should not be."""
    expected = ALWAYS_KNOWN + (KNOWN_OF_PICTURES if row["decodes"] is True else ())
    empty = [name for name in expected if pd.isna(row[name]) or not str(row[name]).strip()]
    return f"no {', '.join(empty)}" if empty else None


def _alike(rows: list[dict], near_duplicate_bits: int) -> list[list[int]]:
    """Groups of pictures that are near-duplicates, by row."""
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


def _twins(rows: list[dict], groups: list[list[int]]) -> dict[int, str]:
    """For pictures that have one, the first near-duplicate in another split."""
    twins = {}
    for group in groups:
        for i in group:
            elsewhere = (j for j in group if rows[j]["split"] != rows[i]["split"])
            if (twin := next(elsewhere, None)) is not None:
                twins[i] = f"like {rows[twin]['path']}"
    return twins


def _repeats(rows: list[dict], groups: list[list[int]], most: int) -> dict[int, str]:
    """For pictures that are too often in the set, which one of them is the first, and how often."""
    return {
        i: f"one of {len(group)} like {rows[group[0]]['path']}"
        for group in groups
        if len(group) > most
        for i in group
    }


def evaluate(
    table: pd.DataFrame,
    domains: Sequence[str],
    settings: Validation,
    pictures: int,
    data_docs: Path,
) -> list[Finding]:
    """Let Great Expectations judge a table from `with_files`, and write its pages.

    Args:
        table: what is judged.
        domains, settings: see `validate`.
        pictures: how many the manifest lists.
        data_docs: the pages' folder.

    Returns:
        A finding per expectation, in the order of `expectations`.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    suite = list(expectations(domains, settings, pictures))
    context = _context(gx, data_docs)
    batch = (
        context.data_sources.add_pandas("ingest")
        .add_dataframe_asset("manifest")
        .add_batch_definition_whole_dataframe("all pictures")
    )
    for name, statement, expectation in suite:
        expectation.meta, expectation.description = {"name": name}, statement
    definition = gx.ValidationDefinition(
        name="pictures",
        data=batch,
        suite=context.suites.add(
            gx.ExpectationSuite("pictures", expectations=[expectation for *_, expectation in suite])
        ),
    )
    outcome = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": table},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["path"]},
    )
    context.build_data_docs()
    results = {result.expectation_config.meta["name"]: result for result in outcome.results}
    return [_finding(name, statement, results[name]) for name, statement, _ in suite]


def _context(gx, data_docs: Path):
    """An ephemeral context that draws no progress bars and has one site, in `data_docs`."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    shutil.rmtree(data_docs, ignore_errors=True)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.update_data_docs_site(
        "local_site",
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(data_docs.resolve()),
            },
        },
    )
    return context


def _finding(name: str, statement: str, result) -> Finding:
    column = result.expectation_config.kwargs.get("column")
    label = "" if column in (*DEFECTS, FILE) else f"{column} "
    rows = result.result.get("unexpected_index_list") or []
    observed = result.result.get("observed_value")
    return Finding(
        name=name,
        statement=statement,
        success=bool(result.success),
        failing=tuple(sorted((str(row["path"]), label + str(row[column])) for row in rows)),
        observed="" if observed is None else f"found {observed}",
    )


def _counts(manifest: pd.DataFrame, domains: Sequence[str]) -> dict[str, dict[str, int]]:
    """Pictures per domain and split."""
    return {
        domain: {
            split: int(((manifest.domain == domain) & (manifest.split == split)).sum())
            for split in get_args(Split)
        }
        for domain in domains
    }


def _complaint(failed: list[Finding], page: Path) -> str:
    lines = [f"the pictures failed {len(failed)} expectation(s); {page} shows all"]
    for finding in failed:
        lines.append(f"  {finding.name}: {finding.statement} {finding.observed}".rstrip())
        lines += [f"    {path} ({why})" for path, why in finding.failing[:NAMED]]
        if len(finding.failing) > NAMED:
            lines.append(f"    and {len(finding.failing) - NAMED} more")
    return "\n".join(lines)


def main() -> None:
    params = load_params()
    try:
        manifest = pd.read_parquet(MANIFEST)
    except FileNotFoundError:
        raise UserError(f"{MANIFEST} is missing; run `dvc repro ingest`") from None
    bits, faults = params.data.near_duplicate_bits, file_faults(manifest, PICTURES)
    validate(manifest, params.domains, params.validation, bits, REPORTS, faults)


if __name__ == "__main__":
    run_main(main)
