"""Promises about the tree itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_nothing_in_mlflow_shadows_the_package():
    assert not list((ROOT / "mlflow").rglob("*.py"))
    where = subprocess.run(
        [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('mlflow').origin)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "site-packages" in where.stdout


def test_the_lock_pins_by_hash_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert pinned
    assert all("==" in line for line in pinned)
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= len(pinned)
