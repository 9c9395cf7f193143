"""A project with a registered model, for benchmarks of servers."""

import subprocess
import sys
from pathlib import Path

from stylefuse.paths import BASE_MODELS

PROGRAM = Path(sys.executable).parent / "stylefuse"


def registered_project(folder: Path) -> Path:
    """Make a folder a project that has registered the shipped transfer model."""
    source = Path("params.yaml").read_text()
    (folder / "params.yaml").write_text(source.replace("allow_dirty: false", "allow_dirty: true"))
    (folder / "models").mkdir()
    (folder / "models/transfer").symlink_to(BASE_MODELS.absolute() / "transfer")
    subprocess.run([PROGRAM, "register", "transfer"], cwd=folder, check=True, capture_output=True)
    return folder
