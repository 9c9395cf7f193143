"""Promises about the tree itself."""

import ast
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


FLOORS = (
    "errors", "config", "data", "monitoring", "models", "training", "evaluation",
    "serving registry", "cli",
)  # fmt: skip
PIPELINE = {"mlflow", "prefect", "dvc"}


def floor(part: str) -> int:
    return next(i for i, names in enumerate(FLOORS) if part in names.split())


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_nobody_imports_upwards_and_training_needs_no_pipeline():
    package = ROOT / "src/stylefuse"
    files = [path for path in package.rglob("*.py") if path.name != "__init__.py"]
    assert files
    for path in files:
        mine = path.relative_to(package).with_suffix("").parts[0]
        for name in imports(path):
            first, _, rest = name.partition(".")
            if first == "stylefuse" and rest and not rest.startswith("__"):
                assert floor(rest.split(".")[0]) <= floor(mine), f"{path} imports {name}"
            if floor(mine) <= floor("training"):
                assert first not in PIPELINE, f"{path} imports {name}"
