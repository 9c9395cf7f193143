"""Painting needs nothing that trains or registers models."""

import subprocess
import sys
from pathlib import Path

import stylefuse.painting


def test_painting_imports_only_the_using_side():
    modules = sorted(path.stem for path in Path(stylefuse.painting.__path__[0]).glob("[a-z]*.py"))
    program = f"""
import importlib, sys
for name in {modules}:
    importlib.import_module(f"stylefuse.painting.{{name}}")
print(*sorted(
    name for name in sys.modules
    if name.partition(".")[0] in ("keras", "tensorflow", "mlflow", "pydantic")
    or name.startswith(("stylefuse.models", "stylefuse.registry", "stylefuse.training"))
))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "transfer" in modules
    assert done.stdout.split() == []
