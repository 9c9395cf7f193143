"""Faults of disk, clock and other programs in every stage: the message, and what is left.

    python -m benchmarks.robustness.faults

Mounts a small disk in memory, so that it can be full or read-only: run it as root, or with
`unshare --user --map-root-user --mount`. Takes about ten minutes on two cores, and needs no data.

Expected: each fault leads to a message of one line and an exit code, or to a wait. The outputs of
other commands are unchanged, and the same command run again writes the same bytes as without the
fault.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from flows.repair_dvc_lock import repair_dvc_lock

from benchmarks import report
from benchmarks.robustness.stages import MODEL, Case, Registered, stages

Fault = Callable[[Case], AbstractContextManager[dict[str, str]]]

DISK_SIZE = "600m"
FREE_BYTES = 48 << 10  # of a full disk when a command starts
CLOCK_CHANGE = """
import time
now, start = time.time, time.monotonic()
time.time = lambda: now() - 86400 * (time.monotonic() - start > 3)  # after 3 s, a day back
"""


@contextmanager
def disk() -> Iterator[Path]:
    """A small file system in memory."""
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", temporary], check=True
        )
        try:
            yield Path(temporary)
        finally:
            subprocess.run(["umount", "--lazy", temporary], check=True)


@contextmanager
def full_disk(case: Case) -> Iterator[dict[str, str]]:
    """The disk is full except for `FREE_BYTES`."""
    filler = case.folder.parent / "filler"
    with filler.open("wb") as file:
        try:
            while file.write(bytes(1 << 20)):
                file.flush()
        except OSError:
            pass
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size // 4096 * 4096 - FREE_BYTES)
    yield {}
    filler.unlink()


@contextmanager
def read_only_folder(case: Case) -> Iterator[dict[str, str]]:
    """Nothing can be written to the project's folder."""
    subprocess.run(["mount", "-o", "remount,ro", str(case.folder.parent)], check=True)
    yield {"TMPDIR": tempfile.gettempdir()}
    subprocess.run(["mount", "-o", "remount,rw", str(case.folder.parent)], check=True)


@contextmanager
def clock_set_back(case: Case) -> Iterator[dict[str, str]]:
    """The clock is set back by a day while the command runs."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "sitecustomize.py").write_text(CLOCK_CHANGE)
        paths = f"{temporary}:{case.folder / 'src'}:{case.folder}"
        yield {"PYTHONPATH": paths}


@contextmanager
def incomplete_lock(case: Case) -> Iterator[dict[str, str]]:
    """DVC was killed while it wrote its lock file."""
    (case.folder / ".dvc/tmp/rwlock").write_text('{"data/prep')
    yield {}


@contextmanager
def locked_database(case: Case) -> Iterator[dict[str, str]]:
    """Another program holds the registry's database."""
    database = case.folder / "mlflow/mlflow.db"
    database.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("BEGIN EXCLUSIVE")
    yield {}
    connection.rollback()
    connection.close()


FAULTS = {
    "the disk is full": full_disk,
    "the folder is read-only": read_only_folder,
    "the clock is set back": clock_set_back,
    "DVC's lock file is incomplete": incomplete_lock,
    "the database is locked": locked_database,
}
CASES_OF_FAULT = {  # others concern all cases
    incomplete_lock: ("train, by dvc",),
    locked_database: ("register", "train, by dvc"),
}


def run_with_fault(case: Case, fault: Fault) -> dict[str, str]:
    """Run a command under a fault, then again without it."""
    undisturbed = case.digest()
    other_outputs = digest_of_other_outputs(case)
    case.clear()
    with fault(case) as variables:
        process = case.start(subprocess.PIPE, **variables)
        output, _ = process.communicate()
    message = error_line(output) if process.returncode else "none: it continued"
    unchanged = digest_of_other_outputs(case) == other_outputs
    repair_dvc_lock(case.folder)  # as `make repro` and every flow do before they start
    case.finish()
    same = case.digest() == undisturbed
    return {
        "exit code": str(process.returncode),
        "message": message,
        "other outputs unchanged": "yes" if unchanged else "**no**",
        "after a rerun": "the same bytes" if same else "**other bytes**",
    }


def error_line(output: str) -> str:
    """The last line that mentions an error, and whether the output has a traceback."""
    lines = [
        line.strip() for line in output.splitlines() if line.strip() and "0000 00:00" not in line
    ]
    lines = [line for line in lines if not line.startswith("Having any troubles")]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["**nothing**"]
    return errors[-1][:160] + " **and a traceback**" * ("Traceback" in output)


def digest_of_other_outputs(case: Case) -> str:
    """A hash of the outputs of the other commands."""
    others = ("data/pictures", "data/networks", "data/prepared", f"models/{MODEL}", "reports")
    names = [n for n in others if not any(_overlaps(n, output) for output in case.outputs)]
    return Case("", (), case.folder, tuple(names)).digest()


def _overlaps(a: str, b: str) -> bool:
    """Whether one of two paths contains the other."""
    return f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/")


def run_twice_at_once(case: Case) -> dict[str, str]:
    """Run the same command twice at the same time."""
    undisturbed = case.digest()
    case.clear()
    processes = [case.start(subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    codes = sorted(process.returncode for process in processes)
    case.finish()
    return {
        "exit code": " and ".join(map(str, codes)),
        "message": error_line("".join(outputs)) if any(codes) else "none: one waits",
        "other outputs unchanged": "yes",
        "after a rerun": "the same bytes" if case.digest() == undisturbed else "**other bytes**",
    }


def main() -> None:
    rows = {}
    with disk() as root:
        for case in stages(root):
            if isinstance(case, Registered):
                case.finish()
            for name, fault in FAULTS.items():
                if case.name in CASES_OF_FAULT.get(fault, (case.name,)):
                    rows[f"{name}: {case.name}"] = run_with_fault(case, fault)
                    print(name, case.name, rows[f"{name}: {case.name}"], file=sys.stderr)
            if case.name in ("register", "train, by dvc"):
                rows[f"twice at once: {case.name}"] = run_twice_at_once(case)
                print(case.name, rows[f"twice at once: {case.name}"], file=sys.stderr)
    print(report.table(rows, "fault and command"))


if __name__ == "__main__":
    main()
