"""What a command says that cannot do what it was asked for."""

import subprocess
import sys
from typing import get_args

import pytest

from stylefuse.cli import main as cli
from stylefuse.inference.options import Mode, Preserve
from tests.support.models import make_project
from tests.support.program import stylefuse


@pytest.mark.parametrize(
    "command",
    ["transfer", "fuse", "restore", "portrait", "register", "models", "doctor", "completion"],
)
def test_help_imports_nothing_heavy(command):
    program = """
import sys
from stylefuse.cli import main
try:
    main([sys.argv[1], "--help"])
except SystemExit:
    pass
heavy = {"keras", "tensorflow", "mlflow", "pandas", "numpy", "PIL", "pydantic", "shtab"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"usage: stylefuse {command}" in done.stdout


def test_all_that_can_be_registered_is(project):
    """Of the models in params.yaml one has not been trained."""
    done = stylefuse(project, "register")
    assert done.returncode == 2
    assert done.stdout.count("the same weights are already") == 2
    assert done.stderr == (
        "error: no model: models/restore/manifest.json is missing; run `make repro`\n"
    )


def transfer(content="photo.jpg", style="style.png", out="x.png", *more):
    return ["transfer", content, "--style", style, "-o", out, *more]


def fuse(*more, b="style.png"):
    return ["fuse", "photo.jpg", b, "-o", "x.png", *more]


MISTAKES = {
    "no such content": (transfer("gone.jpg"), "there is no gone.jpg"),
    "no such style": (transfer(style="gone.png"), "there is no gone.png"),
    "a text file": (transfer("text.png"), "text.png is not a picture"),
    "a style of text": (transfer(style="text.png"), "text.png is not a picture"),
    "a weight": (transfer(style="style.png:-1"), "must be a positive number, not -1"),
    "an empty folder": (transfer("empty"), "there is no picture in the folder empty"),
    "a file for a folder": (transfer(out="text.png/x.png"), "text.png is a file"),
    "an odd format": (transfer(out="x.exe"), "x.exe cannot be written"),
    "strength": (
        transfer("photo.jpg", "style.png", "x.png", "--strength", "nan"),
        "--strength: must",
    ),
    "no such model": (
        transfer("photo.jpg", "style.png", "x.png", "--model", "models/other"),
        "there is no folder models/other",
    ),
    "nothing to fuse with": (fuse(b="gone.png"), "gone.png cannot be read"),
    "an odd mode": (fuse("--mode", "sum"), "argument --mode: invalid choice"),
    "no mask": (fuse("--mode", "mask"), "needs a mask"),
    "a mask in vain": (fuse("--mode", "scalar", "--mask", "style.png"), "takes no mask"),
    "each style into a file": (
        transfer("photo.jpg", "style.png", "x.png", "--each-style"),
        "folder",
    ),
    "no such mask": (fuse("--mask", "gone.png"), "gone.png cannot be read"),
    "a balance": (
        fuse("--content-balance", "2"),
        "--content-balance: must be a number",
    ),
    "no model to restore": (
        ["restore", "photo.jpg", "-o", "x.png"],
        "there is no restore model yet; `make repro` trains one",
    ),
    "no portraits": (["portrait", "--count", "0", "-o", "x"], "count must be at least 1"),
    "training no model": (["train", "upscale"], "no model 'upscale', only transfer, restore"),
    "serving no model": (["serve", "upscale"], "no model 'upscale', only transfer, restore"),
    "no such version": (["serve", "--model", "models:/stylefuse-transfer@rival"], "@rival"),
    "verifying no version": (["verify", "transfer/9"], "there is no version transfer/9"),
    "verifying no model": (["verify", "upscale"], "which are transfer, restore, portrait"),
    "no port": (["ui", "--port", "70000"], "70000 is not a port"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(project, name):
    arguments, complaint = MISTAKES[name]
    (project / "text.png").write_text("words")
    (project / "empty").mkdir(exist_ok=True)
    done = stylefuse(project, *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert complaint in line
    assert not list(project.glob("x.*"))


@pytest.mark.parametrize(
    "arguments", [["register"], ["serve"], ["train", "transfer"], ["portrait", "-o", "x"]]
)
def test_outside_a_project(tmp_path, arguments):
    done = stylefuse(tmp_path, *arguments)
    assert done.returncode == 2
    assert "there is no params.yaml here; run the command in the project's folder" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [["serve"], ["gate", "restore"], ["promote", "restore", 1, "--reason", "better"],
     ["rollback", "restore", "--reason", "worse"], ["verify", "restore"], ["sign", "restore"],
     ["reproduce", "restore"]],
)  # fmt: skip
def test_a_registry_that_is_not_there_yet_is_told_and_not_made(tmp_path, arguments):
    make_project(tmp_path)
    done = stylefuse(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr == (
        "error: nothing is registered yet; `make repro` trains models and registers them\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_the_parser_knows_the_words_that_dials_take():
    assert get_args(Preserve) == cli.PRESERVE
    assert get_args(Mode) == cli.MODES
