"""An MLflow model that would execute code of its own where MLflow's functions load it."""

from pathlib import Path

import yaml

LOADER = """
from pathlib import Path

Path({mark!r}).touch()


def _load_pyfunc(path):
    raise RuntimeError("loaded")
"""


def add_foreign_loader(model: Path, mark: Path) -> None:
    """Let the `MLmodel` of a model name a loader in its own code, which writes a file."""
    code = model / "code"
    code.mkdir(exist_ok=True)
    (code / "foreign_loader.py").write_text(LOADER.format(mark=str(mark)))
    description = yaml.safe_load((model / "MLmodel").read_text())
    description["flavors"]["python_function"] |= {"loader_module": "foreign_loader", "code": "code"}
    (model / "MLmodel").write_text(yaml.safe_dump(description))
