"""Painting imports nothing of the half that trains, and leaves nothing in the home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.inference.characters.gallery import GALLERY
from tests.support.trainings import ROOT

HEAVY = ("keras", "tensorflow", "jax", "mlflow", "prefect", "dvc", "pandas", "scipy", "pydantic",
         "yaml", "rich", "cryptography", "stylefuse.registry", "stylefuse.models",
         "stylefuse.training", "stylefuse.evaluation", "stylefuse.config")  # fmt: skip
PHOTOGRAPH, PAINTING = "../photograph.jpg", "../painting.png"
CHARACTER = str(GALLERY / "silver-mage.webp")
COMMANDS = {
    "transfer": ["transfer", PHOTOGRAPH, "--style", PAINTING, "-o", "out.png"],
    "fuse": ["fuse", PHOTOGRAPH, PAINTING, "--seamless", "-o", "out.png"],
    "restore": ["restore", PAINTING, "-o", "out.png"],
    "portrait": ["portrait", "-o", "out"],
    "character": ["character", CHARACTER, "--as", "elf-lady", "--quality", "fast", "-o", "out.png"],
}
MODELS = {
    "transfer": "transfer", "fuse": "transfer", "restore": "restore", "portrait": "portrait",
    "character": "transfer",
}  # fmt: skip
PROGRAM = """
import json, sys
from stylefuse.cli import main
main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_painting_imports_the_light_half_alone(name, tmp_path):
    """In a folder that is no project."""
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    for file in (PHOTOGRAPH, PAINTING):
        with Image.open(ROOT / "examples" / Path(file).name) as picture:
            picture.resize((96, 64)).save(folder / file)
    command = [*COMMANDS[name], "--model", str(ROOT / "models/base" / MODELS[name])]
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], cwd=folder, capture_output=True, text=True,
        check=True, env=os.environ | {"HOME": str(home)},
    )  # fmt: skip
    modules = set(json.loads(process.stdout.splitlines()[-1]))
    assert not modules & set(HEAVY)
    assert list(home.iterdir()) == []  # ONNX Runtime would keep its telemetry there
    assert len(list(folder.iterdir())) == 1
