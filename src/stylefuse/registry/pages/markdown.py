"""Descriptions in the registry: Markdown sections under headings, each of which can be replaced.

Text that people have written between the sections is kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:
    from mlflow import MlflowClient

MAX_CHARACTERS = 5000  # that the store keeps of a description
MAX_SECTION_CHARACTERS = 820  # so that a long section leaves room for the others
HEADING = "### "


def compose(opening: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A description: an opening, and a section for each title that has any lines."""
    text = opening
    for title, lines in sections.items():
        if lines:
            text = write_section(text, title, lines)
    return text


def write_section(text: str, title: str, lines: Sequence[str]) -> str:
    """Replace the section with a title, or append it.

    Args:
        text: a description of at most `MAX_CHARACTERS`.
        title: of the section.
        lines: Markdown; the last ones are left out if there is no room for them.

    Returns:
        The description, again of at most `MAX_CHARACTERS`.
    """
    heading = HEADING + title
    blocks = [block.strip() for block in re.split(rf"^(?={HEADING})", text, flags=re.MULTILINE)]
    place = next((i for i, b in enumerate(blocks) if b.partition("\n")[0] == heading), len(blocks))
    blocks[place : place + 1] = [""]
    used = len(_join(blocks)) + 2  # with the empty line before the section
    limit = min(MAX_SECTION_CHARACTERS, MAX_CHARACTERS - used)
    blocks[place] = _fit("\n".join([heading, "", *lines]), limit)
    return _join(blocks)


def set_description(
    client: "MlflowClient", name: str, version: str, title: str, lines: Sequence[str]
) -> None:
    """Replace a section of a version's description in the store."""
    text = client.get_model_version(name, version).description or ""
    client.update_model_version(name, version, write_section(text, title, lines))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Lines of a Markdown table.

    Args:
        head: a title for each column.
        rows: a text for each column.
        text_columns: how many columns are aligned to the left; the others hold numbers.
    """
    align = ["left"] * text_columns + ["right"] * (len(head) - text_columns)
    text = tabulate(list(rows), list(head), tablefmt="pipe", colalign=align, disable_numparse=True)
    # tabulate pads cells to equal width, which would count against the store's limit
    return [re.sub(r" {2,}", " ", re.sub(r"(:?)-{3,}(:?)", r"\1---\2", line))
            for line in text.splitlines()]  # fmt: skip


def one_line(text: str, max_characters: int = 250) -> str:
    """Text as part of one line, its last words left out if it is longer."""
    return shorten(text, max_characters, placeholder=" …")


def unwrap(text: str) -> str:
    """Paragraphs as single lines: MLflow's page breaks lines where Markdown does not."""
    return re.sub(r"(?<!\n)\n(?![\n-])", " ", text.strip())


def _join(blocks: Sequence[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _fit(section: str, max_characters: int) -> str:
    """As many whole lines as fit; nothing if that is only the heading."""
    if len(section) <= max_characters:
        return section
    cut = section[: max(0, max_characters - 2)].rpartition("\n")[0]
    return f"{cut.rstrip()}\n…" if "\n" in cut.rstrip() else ""
