"""The evaluation as one page that can be mailed: figures, pictures and curves inside it."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from stylefuse.evaluation.metric_labels import FIGURES

OURS = "stylefuse"
SHARES = ("accuracy_real", "accuracy_fake", "accuracy_held_out")
SIGNS = ("variety", "augment")
STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --faint: #6b7280; --line: #d8dce2; --us: #eef4ff }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --faint: #9aa3af; --line: #3a4048;
  --us: #1d2a3f } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.2rem; margin-top: 2.4rem }
table { border-collapse: collapse; margin-bottom: 1.2rem } td, th { padding: .35rem .9rem;
  text-align: right; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
td:first-child, th:first-child { text-align: left }
tr.us { background: var(--us); font-weight: 600 }
img { max-width: 100%; height: auto; background: #fff } .note { color: var(--faint) }
"""


class Table(NamedTuple):
    """Figures by row; the columns are those of `FIGURES` that any row has."""

    rows: Mapping[str, Mapping[str, float]]
    corner: str = "method"


class Picture(NamedTuple):
    """A PNG, and what it shows."""

    path: Path
    caption: str


class Page(NamedTuple):
    """What a judge has to say; its texts are HTML."""

    title: str
    verdict: str
    sections: Mapping[str, Sequence[Table | Picture | str]]  # by heading; a text is a note


def write_report(
    path: Path, page: Page, curves: list[dict[str, float]], accuracies: Mapping[str, float]
) -> None:
    """Write the page.

    Args:
        path: where to.
        page: what the judge says.
        curves: one row of training metrics per tick, each with its "kimg".
        accuracies: the discriminator's at the end.
    """
    parts = [f"<h1>{page.title}</h1>", f"<p>{page.verdict}</p>"]
    for heading, section in page.sections.items():
        parts += [f"<h2>{heading}</h2>", *map(_part, section)]
    parts += [
        "<h2>The training run</h2>",
        _curve_chart(curves),
        "<p>At the end the discriminator took "
        f"{accuracies['accuracy_real']:.0%} of the real pictures and "
        f"{accuracies['accuracy_fake']:.0%} of the fakes for what they are, and "
        f"{accuracies['accuracy_held_out']:.0%} of real pictures that it never saw. Near 100 % it "
        "has won and teaches nothing; a gap between the first and the last figure means that it "
        "knows its pictures by heart.</p>",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>stylefuse: {page.title}</title><style>{STYLE}</style>\n"
        + "\n".join(parts) + "\n</html>\n",
        encoding="utf-8",
    )  # fmt: skip


def _part(part: Table | Picture | str) -> str:
    match part:
        case Table():
            return _table(part)
        case Picture(path, caption):
            return _image("png", path.read_bytes(), caption)
        case note:
            return f"<p class=note>{note}</p>"


def _table(table: Table) -> str:
    shown = [key for key in FIGURES if any(key in row for row in table.rows.values())]
    head = "".join(f"<th>{FIGURES[key][0]}</th>" for key in shown)
    lines = [f"<table><tr><th>{escape(table.corner)}</th>{head}</tr>"]
    for name, row in table.rows.items():
        cells = "".join(
            f"<td>{FIGURES[key][1].format(row[key]) if key in row else '–'}</td>" for key in shown
        )
        mark = " class=us" if name == OURS else ""
        lines.append(f"<tr{mark}><td>{escape(name)}</td>{cells}</tr>")
    return "\n".join(lines) + "</table>"


def _image(kind: str, data: bytes, caption: str) -> str:
    encoded = base64.b64encode(data).decode()
    return f'<img alt="{escape(caption)}" src="data:image/{kind};base64,{encoded}">'


def _curve_chart(curves: list[dict[str, float]]) -> str:
    """Training metrics over thousands of pictures, as an inline SVG with the same bytes always."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    losses = [name for name in curves[0] if name not in ("kimg", *SHARES, *SIGNS)]
    signs = [name for name in SIGNS if name in curves[0]]
    charts = {"losses": losses, "discriminator: share right": SHARES, "signs of trouble": signs}
    with mpl.rc_context({"svg.hashsalt": "stylefuse", "font.size": 9}):
        figure, axes = pyplot.subplots(1, len(charts), figsize=(13, 3.4), layout="constrained")
        kimg = [row["kimg"] for row in curves]
        for axis, (title, names) in zip(axes, charts.items(), strict=True):
            for name in names:
                axis.plot(kimg, [row[name] for row in curves], label=name.replace("_", " "))
            axis.set(title=title, xlabel="thousands of pictures")
            axis.grid(alpha=0.25)
            axis.legend(frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    return _image("svg+xml", file.getvalue().encode(), "training curves")
