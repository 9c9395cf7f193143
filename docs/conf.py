"""Sphinx configuration of `make docs`; it writes the pages of commands and metrics first."""

import json
from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

from tabulate import tabulate

from stylefuse.cli.main import Parser, add_commands
from stylefuse.evaluation.metric_labels import METRIC_LABELS as LABELS

HERE = Path(__file__).parent

project, author, copyright = "stylefuse", "the authors of stylefuse", "the authors of stylefuse"
version = release = installed("stylefuse")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
html_theme, html_title = "furo", "stylefuse"
exclude_patterns = ["build", "reference/metrics_tables.md"]  # the second is part of a page
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_use_ivar = True  # attributes in a docstring are not documented a second time


def write_commands(app) -> None:
    """Write the page of the command line from its help texts."""
    commands = Parser("stylefuse").add_subparsers()
    add_commands(commands)
    text = "# Command line\n\nThese are the texts of `stylefuse COMMAND --help`.\n"
    text += "".join(map(command_help, commands.choices.values()))
    (HERE / "reference/commands.md").write_text(text)


def command_help(parser) -> str:
    """The help texts of a command, or of the commands below it."""
    below = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    if below:
        return "".join(map(command_help, below[0].values()))
    return f"\n## {parser.prog}\n\n```text\n{parser.format_help().strip()}\n```\n"


def write_metrics(app) -> None:
    """Write tables of everything that evaluation measured."""
    parts = []
    for path in sorted((HERE.parent / "reports/metrics").glob("*.json")):
        result = json.loads(path.read_text())
        parts += [f"## {result['model'].capitalize()}", *_tables(result)]
    (HERE / "reference/metrics_tables.md").write_text("\n\n".join(parts) + "\n")


def _tables(tree: dict, title: str = "") -> Iterator[str]:
    """A table for each group of rows with metrics, at any depth of the tree."""
    rows = {name: row for name, row in tree.items() if isinstance(row, dict)}
    names = [key for key in LABELS if any(isinstance(r.get(key), float) for r in rows.values())]
    if names:
        head = [title, *(LABELS[key].title for key in names)]
        body = [
            [name.replace("_", " ")]
            + [LABELS[key].format.format(row[key]) if key in row else "–" for key in names]
            for name, row in rows.items()
            if any(key in row for key in names)
        ]
        align = ["left"] + ["right"] * len(names)
        yield tabulate(body, head, tablefmt="pipe", colalign=align, disable_numparse=True)
    elif title == "discriminator":
        shares = (f"{name.removeprefix('accuracy_')} {share:.0%}" for name, share in tree.items())
        yield f"Discriminator accuracy: {', '.join(shares)}.".replace("_", "-")
    for name, row in rows.items():
        yield from _tables(row, name.replace("_", " "))


def setup(app) -> None:
    app.connect("builder-inited", write_commands)
    app.connect("builder-inited", write_metrics)
