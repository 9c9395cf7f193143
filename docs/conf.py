"""How `make docs` builds these pages (Sphinx)."""

from importlib.metadata import version as installed
from pathlib import Path

from stylefuse.cli import _parser

HERE = Path(__file__).parent

project, author, copyright = "stylefuse", "the authors of stylefuse", "the authors of stylefuse"
version = release = installed("stylefuse")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
html_theme, html_title = "furo", "stylefuse"
exclude_patterns = ["build"]
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"


def write_commands(app) -> None:
    """The page of the command line, from its own help."""
    commands = next(a for a in _parser()._actions if hasattr(a, "choices") and a.choices)
    text = "# Command line\n\nEach command tells the same with `--help`.\n"
    for name, parser in commands.choices.items():
        text += f"\n## stylefuse {name}\n\n```text\n{parser.format_help().strip()}\n```\n"
    (HERE / "reference/commands.md").write_text(text)


def setup(app) -> None:
    app.connect("builder-inited", write_commands)
