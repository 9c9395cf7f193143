"""What a real shell completes behind `stylefuse`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("stylefuse"))


def script(shell):
    done = subprocess.run([PROGRAM, "completion", shell], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """A function of what is typed → what bash would complete."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "photos").mkdir()
    (folder / "photo.jpg").touch()
    (folder / "completion").write_text(script("bash"))
    asking = """
source ./completion
read -ra COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
called=$(complete -p stylefuse | sed -E 's/.*-F (\\S+).*/\\1/')
"$called" stylefuse "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

    def complete(typed):
        done = subprocess.run(
            ["bash", "--norc", "-c", asking, "bash", typed], cwd=folder, capture_output=True,
            text=True,
        )  # fmt: skip
        return done.stdout.split()

    return complete


def test_commands_are_completed(bash):
    assert bash("stylefuse tra") == ["transfer", "train"]
    assert {"models", "doctor", "completion"} < {*bash("stylefuse ")}


def test_models_and_the_words_that_an_option_takes_are_completed(bash):
    assert bash("stylefuse gate r") == ["restore"]
    assert bash("stylefuse fuse --mode s") == ["saliency", "scalar"]


def test_flags_of_a_command_are_completed(bash):
    assert bash("stylefuse transfer --e") == ["--each-style"]
    assert bash("stylefuse fuse --sk") == []
    assert bash("stylefuse completion z") == ["zsh"]


@pytest.mark.parametrize(
    "typed",
    ["transfer ph", "transfer a.png --style ph", "restore ph", "fuse ph", "portrait -o ph"],
)
def test_files_are_completed(bash, typed):
    assert {found.rstrip("/") for found in bash(f"stylefuse {typed}")} == {"photo.jpg", "photos"}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_one(shell, tmp_path):
    if not (program := shutil.which(shell)):
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script(shell))
    checked = subprocess.run([program, "-n", tmp_path / "script"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_script_for_zsh_knows_all_commands():
    text = script("zsh")
    assert text.startswith("#compdef stylefuse")
    assert "doctor:" in text and "--skip-existing" in text


def test_another_shell_is_told_in_a_line():
    done = subprocess.run([PROGRAM, "completion", "fish"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "invalid choice: 'fish'" in done.stderr
