"""Pages in `docs/measurements`, which begin with the command that wrote them."""

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tabulate import tabulate


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments of a benchmark; `--docs` keeps a trial run from changing the committed page."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--docs", type=Path, default=Path("docs/measurements"), help="folder of the page"
    )
    return arguments


def training_parser(description: str | None, kimg: float) -> argparse.ArgumentParser:
    """The arguments of a benchmark that trains and evaluates."""
    arguments = parser(description)
    arguments.add_argument(
        "--kimg", type=float, default=kimg, help="pictures of each training, in thousands"
    )
    arguments.add_argument(
        "--evaluate", type=json.loads, default={}, help="keys of `evaluate` to change, as JSON"
    )
    return arguments


def table(rows: Mapping[str, Mapping[str, str]], corner: str = "") -> str:
    """A Markdown table.

    Args:
        rows: row name → column title → text; a missing text becomes a dash.
        corner: title of the column of row names.
    """
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    cells = [[name, *(row.get(title, "–") for title in titles)] for name, row in rows.items()]
    text = tabulate(
        cells,
        [corner, *titles],
        tablefmt="pipe",
        colalign=["left", *["right"] * len(titles)],
        disable_numparse=True,
    )
    head, rule, *lines = (re.sub(r" {2,}", " ", line) for line in text.splitlines())
    rule = " | ".join(["| ---", *["---:"] * len(titles)]) + " |"  # short, as no cell is padded
    return "\n".join([head, rule, *lines])


def write(folder: Path, name: str, title: str, *parts: str) -> None:
    """Write a page, and print it."""
    text = "\n\n".join([f"# {title}", provenance(), *parts]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    print(text)


def write_section(folder: Path, title: str, *parts: str) -> None:
    """Write one section of the page on speed, and print it; the other sections stay."""
    path = folder / "speed.md"
    page = path.read_text() if path.exists() else "# Speed and memory\n\n"
    head, *sections = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    by_title = {section.split("\n", 1)[0]: section.strip() for section in sections}
    text = by_title[f"## {title}"] = "\n\n".join([f"## {title}", provenance(), *parts])
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join([head.strip(), *by_title.values()]) + "\n")
    print(text)


def paragraph(docstring: str | None, index: int) -> str:
    """A paragraph of a module's docstring as one line."""
    return " ".join((docstring or "").split("\n\n")[index].split())


def provenance() -> str:
    """The running command, and the machine."""
    module = sys.modules["__main__"].__spec__
    name = module.name if module else Path(sys.argv[0]).stem
    command = shlex.join(["python", "-m", name, *sys.argv[1:]])
    return f"Measured by `{command}` on {machine()}."


def machine() -> str:
    """Processor, cores and versions, on which times depend."""
    match = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("keras", "tensorflow-cpu", "onnxruntime")
    )
    cores = len(os.sched_getaffinity(0))
    processor = match[1].strip() if match else "an unknown processor"
    return f"{cores} core{'s' * (cores > 1)} of {processor}, {packages}"


def peak_mib(process: int | str = "self") -> float:
    """The largest memory that a process, by default this one, has held so far, in MiB (VmHWM of
    Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) / 1024
