"""What real shells complete after `stylefuse`."""

import shutil
import subprocess

import pytest

from stylefuse.cli import main
from tests.support.program import stylefuse

PROBE = """
source ./completion
read -ra COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
function=$(complete -p stylefuse | sed -E 's/.*-F (\\S+).*/\\1/')
"$function" stylefuse "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(capsys):
    """The completion script of a shell, made in this process."""

    def make(shell):
        main(["completion", shell])
        return capsys.readouterr().out

    return make


@pytest.fixture(scope="module")
def bash(project, tmp_path_factory):
    """A function: typed text → what bash completes, with the script made in a project."""
    process = stylefuse(project, "completion", "bash")
    assert (process.returncode, process.stderr) == (0, "")
    folder = tmp_path_factory.mktemp("shell")
    (folder / "photos").mkdir()
    (folder / "photo.jpg").touch()
    (folder / "completion").write_text(process.stdout)

    def complete(typed):
        process = subprocess.run(
            ["bash", "--norc", "-c", PROBE, "bash", typed], cwd=folder, capture_output=True,
            text=True,
        )  # fmt: skip
        return process.stdout.split()

    return complete


def test_commands_are_completed(bash):
    assert bash("stylefuse tra") == ["transfer", "train"]
    assert {"models", "doctor", "completion"} < {*bash("stylefuse ")}
    assert bash("stylefuse fil") == []  # a deprecated name


def test_models_and_choices_are_completed(bash):
    assert bash("stylefuse gate r") == ["restore"]
    assert bash("stylefuse promote r") == ["restore"]
    assert bash("stylefuse fuse --mode s") == ["saliency", "scalar"]


def test_options_of_a_command_are_completed(bash):
    assert bash("stylefuse transfer --e") == ["--each-style"]
    assert bash("stylefuse fuse --sk") == []
    assert bash("stylefuse completion z") == ["zsh"]


@pytest.mark.parametrize(
    "typed",
    ["transfer ph", "transfer a.png --style ph", "restore ph", "fuse ph", "portrait -o ph",
     "video ph", "serve --model ph"],
)  # fmt: skip
def test_files_are_completed(bash, typed):
    assert {name.rstrip("/") for name in bash(f"stylefuse {typed}")} == {"photo.jpg", "photos"}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_has_valid_syntax(script, shell, tmp_path):
    if not (program := shutil.which(shell)):
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script(shell))
    process = subprocess.run([program, "-n", tmp_path / "script"], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_the_script_for_zsh_has_all_commands(script):
    text = script("zsh")
    assert text.startswith("#compdef stylefuse")
    assert "doctor:" in text and "--skip-existing" in text


def test_an_unknown_shell_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(["completion", "fish"])
    assert end.value.code == 2
    assert "invalid choice: 'fish'" in capsys.readouterr().err
