"""What pyproject.toml cannot say: the version with its commit, and the models inside the wheel."""

import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PAINTING_FILES = "config.json", "manifest.json", "*.onnx"


class BuildWithModels(build_py):
    """Copies what painting needs of `models/base` into the package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for model in sorted((ROOT / "models/base").iterdir()):
            target = Path(self.build_lib, "stylefuse/weights", model.name)
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for pattern in PAINTING_FILES:
                for file in model.glob(pattern):
                    shutil.copyfile(file, target / file.name)


def version() -> str:
    """The code's own number; outside of a release's tag also the commit, and whether it is dirty.

    Without a repository, as in an archive of the sources, the number alone.
    """
    code = (ROOT / "src/stylefuse/__init__.py").read_text()
    number = re.search(r'__version__ = "(.+)"', code)[1]
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return number
    return f"{number}+g{commit.stdout.strip().replace('-', '.')}"


setup(version=version(), cmdclass={"build_py": BuildWithModels})
