"""A description in the registry as sections under headings, any of which can be written again.

What people have written between them stays as it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOST = 5000  # characters that the store keeps of a description
ROOM = 820  # of them for a section, so that a long one leaves the others theirs
MARK = "### "
GAP = "&emsp; | "


def compose(opening: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A description: an opening, and a section for each title that has any lines."""
    text = opening
    for title, lines in sections.items():
        if lines:
            text = write_section(text, title, lines)
    return text


def write_section(text: str, title: str, lines: Sequence[str]) -> str:
    """Write a section in the place of the one with its title, or behind the others.

    Args:
        text: a description of at most `MOST` characters.
        title: of the section.
        lines: of Markdown; the last ones are left out where there is no room for them.

    Returns:
        The description, again of at most `MOST` characters.
    """
    heading = MARK + title
    blocks = [block.strip() for block in re.split(rf"^(?={MARK})", text, flags=re.MULTILINE)]
    place = next((i for i, b in enumerate(blocks) if b.partition("\n")[0] == heading), len(blocks))
    blocks[place : place + 1] = [""]
    taken = len(_join(blocks)) + 2  # what parts the section from the others
    blocks[place] = _fit("\n".join([heading, "", *lines]), min(ROOM, MOST - taken))
    return _join(blocks)


def tell(client: "MlflowClient", name: str, version: str, title: str, lines: Sequence[str]) -> None:
    """Write a section of a version's description in the store."""
    text = client.get_model_version(name, version).description or ""
    client.update_model_version(name, version, write_section(text, title, lines))


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1, gap: str = GAP
) -> list[str]:
    """A table of Markdown.

    Args:
        head: a title for each column.
        rows: a text for each column.
        left: how many columns hold words; numbers follow.
        gap: between columns; MLflow's page leaves no space of its own between them.
    """
    rule = "|---" * left + "|---:" * (len(head) - left) + "|"
    first, *lines = [f"| {gap.join(row)} |" for row in (head, *rows)]
    return [first, rule, *lines]


def sentence(text: str, most: int = 250) -> str:
    """Text of any length and shape as a part of one line, with its last words left out."""
    return shorten(text, most, placeholder=" …")


def unwrapped(text: str) -> str:
    """Paragraphs as single lines: MLflow's page breaks lines where Markdown does not."""
    return re.sub(r"(?<!\n)\n(?![\n-])", " ", text.strip())


def _join(blocks: Sequence[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _fit(section: str, room: int) -> str:
    """As many whole lines as there is room for; nothing where that is none but the heading."""
    if len(section) <= room:
        return section
    kept = section[: max(0, room - 2)].rpartition("\n")[0]
    return f"{kept.rstrip()}\n…" if "\n" in kept.rstrip() else ""
