"""What the benchmarks share: a page in `docs/` that begins with the command that makes it."""

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path


def parser(description: str) -> argparse.ArgumentParser:
    """Arguments of a benchmark; `--docs` keeps a trial run from changing the page."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the page")
    return made


def judged_parser(description: str, kimg: float) -> argparse.ArgumentParser:
    """The same for a benchmark that trains: how long, and how the outcome is judged."""
    made = parser(description)
    made.add_argument("--kimg", type=float, default=kimg, help="pictures in thousands, each run")
    made.add_argument(
        "--judging", type=json.loads, default={}, help="settings of `evaluate` to change, as JSON"
    )
    return made


def table(rows: Mapping[str, Mapping[str, str]], corner: str = "") -> str:
    """Markdown: name of a row → title of a column → text; a dash where there is none."""
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    lines = [[corner, *titles], ["---", *["---:"] * len(titles)]]
    lines += [[name, *(row.get(title, "–") for title in titles)] for name, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(folder: Path, name: str, title: str, *parts: str) -> None:
    """Write a page, and print it."""
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    text = "\n\n".join([f"# {title}", f"Made by `{command}` on {machine()}.", *parts]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    print(text)


def machine() -> str:
    """Processor, cores and versions: what a time depends on."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    packages = ", ".join(f"{name} {version(name)}" for name in ("keras", "tensorflow-cpu"))
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {found[1].strip() if found else 'a processor'}, {packages}"


def peak_mib() -> float:
    """The most memory that this process has held so far, MiB: VmHWM, which counts from its exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024
