"""The styles of paintings that are shipped with the code."""

from functools import cache
from pathlib import Path

from stylefuse.inference.style_file import SUFFIX, LearnedStyle, open_style

STYLES = Path(__file__).with_name("styles")  # LICENCES.md in it names the sources


@cache
def shipped_styles() -> dict[str, LearnedStyle]:
    """All styles by name, in alphabetical order."""
    return {path.stem: open_style(path) for path in sorted(STYLES.glob(f"*{SUFFIX}"))}


def style_path(name: str) -> Path | None:
    """The file of a style; None if there is none of this name."""
    path = STYLES / f"{name}{SUFFIX}"
    return path if path in set(STYLES.glob(f"*{SUFFIX}")) else None
