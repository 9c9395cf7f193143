"""How `make docs` builds these pages (Sphinx)."""

import json
from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

from stylefuse.cli.main import build_parser
from stylefuse.evaluation.metric_labels import METRIC_LABELS as LABELS

HERE = Path(__file__).parent

project, author, copyright = "stylefuse", "the authors of stylefuse", "the authors of stylefuse"
version = release = installed("stylefuse")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
html_theme, html_title = "furo", "stylefuse"
exclude_patterns = ["build", "reference/figures.md"]  # the second is part of a page
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"


def write_commands(app) -> None:
    """The page of the command line, from its own help."""
    commands = next(a for a in build_parser()._actions if hasattr(a, "choices") and a.choices)
    text = "# Command line\n\nEach command tells the same with `--help`.\n"
    for name, parser in commands.choices.items():
        text += f"\n## stylefuse {name}\n\n```text\n{parser.format_help().strip()}\n```\n"
    (HERE / "reference/commands.md").write_text(text)


def write_figures(app) -> None:
    """Tables of all that the evaluation measured."""
    parts = []
    for path in sorted((HERE.parent / "reports/metrics").glob("*.json")):
        measured = json.loads(path.read_text())
        parts += [f"## {measured['model'].capitalize()}", *_tables(measured)]
    (HERE / "reference/figures.md").write_text("\n\n".join(parts) + "\n")


def _tables(tree: dict, place: str = "") -> Iterator[str]:
    """A table for each group of rows that have figures, wherever in the tree."""
    rows = {name: row for name, row in tree.items() if isinstance(row, dict)}
    known = [key for key in LABELS if any(isinstance(r.get(key), float) for r in rows.values())]
    if known:
        lines = ["| " + " | ".join([place, *(LABELS[key][0] for key in known)]) + " |"]
        lines.append("|---" + "|---:" * len(known) + "|")
        for name, row in rows.items():
            if any(key in row for key in known):
                shown = (LABELS[key][1].format(row[key]) if key in row else "–" for key in known)
                lines.append("| " + " | ".join([name.replace("_", " "), *shown]) + " |")
        yield "\n".join(lines)
    elif place == "discriminator":
        named = (f"{name.removeprefix('accuracy_')} {share:.0%}" for name, share in tree.items())
        yield f"Discriminator's accuracies: {', '.join(named)}.".replace("_", "-")
    for name, row in rows.items():
        yield from _tables(row, name.replace("_", " "))


def setup(app) -> None:
    app.connect("builder-inited", write_commands)
    app.connect("builder-inited", write_figures)
