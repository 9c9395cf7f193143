"""The page that shows what validation found: one file, readable offline, in light and in dark."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from stylefuse.data.validation.validate import Finding

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3a3a);
  --good: light-dark(#1a7f37, #4cc26a); --bad: light-dark(#c0272d, #ff7b72);
  --soft: light-dark(#666, #a0a0a0); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #161616); color: light-dark(#1c1c1c, #e6e6e6); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { border-left: .4rem solid; padding: .5rem 1rem; font-size: 1.1rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .85em; overflow-wrap: anywhere; }
td > b, td > code { white-space: nowrap; }
details { margin-top: .3rem; } summary { cursor: pointer; } ul { margin: .3rem 0; }
"""


def render_page(manifest: pd.DataFrame, findings: Sequence["Finding"]) -> str:
    """Verdict, expectations with the pictures that fail them, and counts, as one HTML page.

    Args:
        manifest: one row per picture.
        findings: what each expectation found, in the order to show.

    Returns:
        HTML that loads nothing from anywhere; the same text for the same arguments.
    """
    failed = sum(not finding.success for finding in findings)
    verdict = (
        f'<p class="verdict bad">{failed} of {len(findings)} expectations failed. '
        "Nothing is trained on these pictures.</p>"
        if failed
        else f'<p class="verdict good">All {len(findings)} expectations hold.</p>'
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Validation of the pictures</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Validation of the pictures</h1>
{verdict}
<h2>Expectations</h2>
{_table(("", "Expectation", "Name"), map(_finding_cells, findings))}
<h2>Pictures per domain and split</h2>
{_table(("Domain", "Split", "Pictures"), _count_cells(manifest, ["domain", "split"]))}
<h2>Pictures per source and licence</h2>
{_table(("Source", "Licence", "Pictures"), _count_cells(manifest, ["source", "licence"]))}
</body>
</html>
"""


def _finding_cells(finding: "Finding") -> tuple[str, str, str]:
    mark = '<b class="good">✓ holds</b>' if finding.success else '<b class="bad">✗ fails</b>'
    return mark, escape(finding.statement) + _blame(finding), f"<code>{finding.name}</code>"


def _blame(finding: "Finding") -> str:
    """The pictures that fail an expectation, or what was found instead; "" where it holds."""
    if finding.success:
        return ""
    if not finding.failing:
        return f'<br><span class="soft">{escape(finding.observed)}</span>'
    items = "".join(
        f'<li><code>{escape(path)}</code> <span class="soft">{escape(why)}</span></li>'
        for path, why in finding.failing
    )
    return (
        f"<details open><summary>{len(finding.failing)} picture(s)</summary>"
        f"<ul>{items}</ul></details>"
    )


def _count_cells(manifest: pd.DataFrame, columns: list[str]) -> list[tuple[str, str, str]]:
    """Two names and a number for each pair of values that occurs."""
    counts = manifest[columns].fillna("(unknown)").astype(str).value_counts().sort_index()
    return [
        (escape(first), escape(second), str(n))
        for (first, second), n in zip(counts.index, counts, strict=True)
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already; a column headed "Pictures" holds numbers."""
    kinds = [' class="number"' if title == "Pictures" else "" for title in head]

    def line(tag, cells):
        columns = zip(cells, kinds, strict=True)
        return "<tr>" + "".join(f"<{tag}{kind}>{cell}</{tag}>" for cell, kind in columns) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return f'<div class="wide"><table>\n{line("th", head)}\n{body}\n</table></div>'
