"""What disk, clock and other programs may do to every stage: what is said, and what is left.

    python -m benchmarks.robustness.faults

Mounts a small disk in memory, so that it can be full or closed: run it as root, or with
`unshare --user --map-root-user --mount`. Takes about ten minutes on two cores, and needs no data.
Expected: each fault is one line and an exit code or a wait, what was finished stays, and the same
command run again ends with the bytes that it ends with undisturbed.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.repair_dvc_lock import repair_dvc_lock

from benchmarks import report
from benchmarks.robustness.stages import MODEL, Case, Registered, stages

DISK = "600m"
LEFT = 48 << 10  # bytes of a full disk that are free when a command begins
BACK = """
import time
now, begun = time.time, time.monotonic()
time.time = lambda: now() - 86400 * (time.monotonic() - begun > 3)  # three seconds in, a day back
"""


@contextmanager
def disk() -> Iterator[Path]:
    """A small file system in memory."""
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", temporary], check=True
        )
        try:
            yield Path(temporary)
        finally:
            subprocess.run(["umount", "--lazy", temporary], check=True)


@contextmanager
def full(case: Case) -> Iterator[dict[str, str]]:
    """Next to no room is left."""
    filler = case.folder.parent / "filler"
    with filler.open("wb") as file:
        try:
            while file.write(bytes(1 << 20)):
                file.flush()
        except OSError:
            pass
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size // 4096 * 4096 - LEFT)
    yield {}
    filler.unlink()


@contextmanager
def closed(case: Case) -> Iterator[dict[str, str]]:
    """Nothing can be written."""
    subprocess.run(["mount", "-o", "remount,ro", str(case.folder.parent)], check=True)
    yield {"TMPDIR": tempfile.gettempdir()}
    subprocess.run(["mount", "-o", "remount,rw", str(case.folder.parent)], check=True)


@contextmanager
def clock(case: Case) -> Iterator[dict[str, str]]:
    """While a command runs, the clock is set back by a day."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "sitecustomize.py").write_text(BACK)
        paths = f"{temporary}:{case.folder / 'src'}:{case.folder}"
        yield {"PYTHONPATH": paths}


@contextmanager
def torn(case: Case) -> Iterator[dict[str, str]]:
    """DVC was killed while it wrote down who reads and writes what."""
    (case.folder / ".dvc/tmp/rwlock").write_text('{"data/prep')
    yield {}


@contextmanager
def locked(case: Case) -> Iterator[dict[str, str]]:
    """Another program holds the registry's database."""
    database = case.folder / "mlflow/mlflow.db"
    database.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("BEGIN EXCLUSIVE")
    yield {}
    connection.rollback()
    connection.close()


FAULTS = {
    "the disk is full": full,
    "the folder is read-only": closed,
    "the clock goes back": clock,
    "DVC's lock is torn": torn,
    "the database is locked": locked,
}
ONLY = {torn: ("train, by dvc",), locked: ("register", "train, by dvc")}


def suffer(case: Case, fault) -> dict[str, str]:
    """Run a command under a fault, then again without it."""
    undisturbed = case.digest()
    kept = other_products(case)
    case.clear()
    with fault(case) as settings:
        process = case.start(subprocess.PIPE, **settings)
        said, _ = process.communicate()
    told = last_words(said) if process.returncode else "nothing: it went on"
    untouched = other_products(case) == kept
    repair_dvc_lock(case.folder)  # as `make repro` and every flow do first
    case.finish()
    same = case.digest() == undisturbed
    return {
        "exit code": str(process.returncode),
        "what is said": told,
        "all else is kept": "yes" if untouched else "**no**",
        "then": "the same bytes" if same else "**other bytes**",
    }


def last_words(said: str) -> str:
    """The last line that tells of an error, and whether Python's own account of it is shown."""
    lines = [
        line.strip() for line in said.splitlines() if line.strip() and "0000 00:00" not in line
    ]
    lines = [line for line in lines if not line.startswith("Having any troubles")]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["**nothing**"]
    return errors[-1][:160] + " **and a traceback**" * ("Traceback" in said)


def other_products(case: Case) -> str:
    """Of everything that another command had made."""
    others = ("data/pictures", "data/networks", "data/prepared", f"models/{MODEL}", "reports")
    mine = [name for name in others if not any(_within(name, made) for made in case.makes)]
    return Case("", (), case.folder, tuple(mine)).digest()


def _within(name: str, made: str) -> bool:
    return f"{made}/".startswith(f"{name}/") or f"{name}/".startswith(f"{made}/")


def at_once(case: Case) -> dict[str, str]:
    """The same command twice at the same time."""
    undisturbed = case.digest()
    case.clear()
    both = [case.start(subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    codes = sorted(process.returncode for process in both)
    case.finish()
    return {
        "exit code": " and ".join(map(str, codes)),
        "what is said": last_words("".join(said)) if any(codes) else "nothing: one waits",
        "all else is kept": "yes",
        "then": "the same bytes" if case.digest() == undisturbed else "**other bytes**",
    }


def main() -> None:
    rows = {}
    with disk() as root:
        for case in stages(root):
            if isinstance(case, Registered):
                case.finish()
            for name, fault in FAULTS.items():
                if case.name in ONLY.get(fault, (case.name,)):
                    rows[f"{name}: {case.name}"] = suffer(case, fault)
                    print(name, case.name, rows[f"{name}: {case.name}"], file=sys.stderr)
            if case.name in ("register", "train, by dvc"):
                rows[f"twice at once: {case.name}"] = at_once(case)
                print(case.name, rows[f"twice at once: {case.name}"], file=sys.stderr)
    print(report.table(rows, "fault and command"))


if __name__ == "__main__":
    main()
