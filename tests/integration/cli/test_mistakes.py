"""Mistakes: every command refuses them with one message, before it does any work."""

import subprocess
import sys
from pathlib import Path

import pytest

from stylefuse.cli import main
from stylefuse.cli.main import build_parser
from stylefuse.errors import UserError
from tests.support.models import make_project
from tests.support.program import run_command

COMMANDS = {
    "transfer", "fuse", "restore", "portrait", "character", "video", "style", "train", "register",
    "gate", "promote", "rollback", "models", "reproduce", "verify", "sign", "backup", "load-backup",
    "doctor", "serve", "app", "ui", "completion",
}  # fmt: skip


def test_help_imports_nothing_heavy():
    program = """
import sys
from stylefuse.cli import main
for command in sys.argv[1:]:
    try:
        main([command, "--help"])
    except SystemExit as end:
        assert end.code == 0
heavy = {"keras", "tensorflow", "mlflow", "pandas", "numpy", "PIL", "pydantic", "shtab"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    process = subprocess.run(
        [sys.executable, "-c", program, *COMMANDS], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert {
        line.split()[2] for line in process.stdout.splitlines() if line.startswith("usage: ")
    } == COMMANDS


def transfer(content="photo.jpg", style="style.png", out="x.png", *options):
    return ["transfer", content, "--style", style, "-o", out, *options]


def fuse(*options, b="style.png"):
    return ["fuse", "photo.jpg", b, "-o", "x.png", *options]


def video(source="clip.mp4", out="x.mp4", *options):
    return ["video", source, "--style", "style.png", "-o", out, *options]


MISTAKES = {
    "content that is missing": (transfer("gone.jpg"), "picture-missing", "gone.jpg"),
    "style that is missing": (transfer(style="gone.png"), "picture-missing", "gone.png"),
    "content of text": (transfer("text.png"), "picture-format-unsupported", "text.png"),
    "style of text": (transfer(style="text.png"), "picture-format-unsupported", "text.png"),
    "negative weight": (transfer(style="style.png:-1"), "style-weight-invalid", "-1"),
    "empty folder": (transfer("empty"), "picture-missing", "empty"),
    "file as folder": (transfer(out="text.png/x.png"), "file-not-writable", "text.png"),
    "unknown format": (transfer(out="x.exe"), "output-format-unsupported", "x.exe"),
    "model that is missing": (
        transfer("photo.jpg", "style.png", "x.png", "--model", "models/other"),
        "model-missing",
        "models/other",
    ),
    "each style into a file": (
        transfer("photo.jpg", "style.png", "x.png", "--each-style"), "output-not-a-folder", "x.png"
    ),
    "fusion with nothing": (fuse(b="gone.png"), "picture-not-readable", "gone.png"),
    "mode without its mask": (fuse("--mode", "mask"), "mask-missing", "mask"),
    "mask without its mode": (
        fuse("--mode", "scalar", "--mask", "style.png"), "mask-unexpected", "scalar"
    ),
    "mask that is missing": (fuse("--mask", "gone.png"), "picture-not-readable", "gone.png"),
    "model that is not trained": (
        ["restore", "photo.jpg", "-o", "x.png"], "model-missing", "make repro"
    ),
    "no portraits": (["portrait", "--count", "0", "-o", "x"], "option-out-of-range", "count"),
    "unknown video format": (video(out="x.gif"), "output-format-unsupported", "x.gif"),
    "training an unknown model": (["train", "upscale"], "model-unknown", "transfer, restore"),
    "registering an unknown model": (["register", "upscale"], "model-unknown", "transfer, restore"),
    "comparing an unknown model": (
        ["gate", "transfer", "upscale"], "model-unknown", "transfer, restore"
    ),
    "serving an unknown model": (["serve", "upscale"], "model-unknown", "transfer, restore"),
    "serving an unknown version": (
        ["serve", "--model", "models:/stylefuse-transfer@rival"], "version-missing", "@rival"
    ),
    "verifying an unknown version": (["verify", "transfer/9"], "version-missing", "transfer/9"),
    "verifying an unknown model": (["verify", "upscale"], "model-unknown", "transfer, restore"),
    "promoting the champion": (
        ["promote", "transfer", "1", "--reason", "test"], "already-champion", "version 1"
    ),
    "promoting an unknown version": (
        ["promote", "transfer", "9", "--reason", "test"], "version-missing", "9"
    ),
    "rolling back the first champion": (
        ["rollback", "transfer", "--reason", "test"], "first-champion", "version 1"
    ),
    "impossible port": (["ui", "--port", "70000"], "option-out-of-range", "70000"),
    "impossible port of the page": (["app", "--port", "70000"], "option-out-of-range", "70000"),
}  # fmt: skip


@pytest.fixture
def with_odd_files(in_project):
    """The project, also with a file that is not a picture and with an empty folder."""
    Path("text.png").write_text("not a picture")
    Path("empty").mkdir(exist_ok=True)
    return in_project


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_with_its_code(with_odd_files, name):
    arguments, code, detail = MISTAKES[name]
    with pytest.raises(UserError) as error:
        run_command(*arguments)
    assert (error.value.code, error.value.exit_code) == (code, 2)
    assert "\n" not in str(error.value)
    assert detail in str(error.value)
    assert not list(with_odd_files.glob("x.*"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (transfer("photo.jpg", "style.png", "x.png", "--strength", "nan"),
         "argument --strength: must be a number from 0 to 1, not nan"),
        (fuse("--content-balance", "2"),
         "argument --content-balance: must be a number from 0 to 1, not 2"),
        (transfer(out=""), "argument -o/--out: must name a file or a folder, and is empty"),
        (["portrait", "-o", ""], "argument -o/--out: must name a file or a folder, and is empty"),
        (transfer("photo.jpg", "style.png", "x.png", "--background", "\x1b[31m\x07"),
         r"argument --background: \x1b[31m\x07 is not a colour"),
        (fuse("--mode", "sum"), "argument --mode: invalid choice: 'sum'"),
        (["promote", "transfer", "first", "--reason", "test"],
         "argument VERSION: invalid int value: 'first'"),
        (["rollback", "transfer"], "the following arguments are required: --reason"),
        (["paint"], "argument COMMAND: invalid choice: 'paint'"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_with_a_pointer_to_help(capsys, arguments, problem):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {problem}")
    assert line.endswith("--help`")


def needed_arguments(command):
    """The least that a command can be given."""
    return {
        "transfer": transfer(), "fuse": fuse(), "video": video(),
        "restore": ["restore", "photo.jpg", "-o", "x.png"], "portrait": ["portrait", "-o", "x"],
        "train": ["train", "transfer"], "promote": ["promote", "transfer", "1", "--reason", "test"],
        "rollback": ["rollback", "transfer", "--reason", "test"],
        "reproduce": ["reproduce", "transfer"], "verify": ["verify", "transfer"],
        "sign": ["sign", "transfer"], "backup": ["backup", "registry.tar"],
        "load-backup": ["load-backup", "registry.tar"],
    }.get(command, [command])  # fmt: skip


def test_the_commands_are_those_of_the_parser():
    (commands,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    assert {*commands.choices} == COMMANDS


ANYWHERE = {  # commands that need no project
    "transfer", "fuse", "restore", "portrait", "character", "video", "style", "app", "doctor",
    "completion",
}  # fmt: skip


@pytest.mark.parametrize("command", sorted(COMMANDS - ANYWHERE))
def test_a_command_outside_a_project_says_where_to_run_it(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(needed_arguments(command))
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "error: there is no params.yaml here; run the command in the project's folder\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", ["serve", "gate", "promote", "rollback", "verify", "sign", "reproduce", "backup"]
)
def test_a_command_without_a_registry_creates_none(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(make_project(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SystemExit) as end:
        main(needed_arguments(command))
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "error: nothing is registered yet; `make repro` trains models and registers them\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
