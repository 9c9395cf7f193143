"""Any arguments of `stylefuse` lead to help, or to one message that says what is wrong."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefuse.cli import main
from tests.support.models import make_project, noise

COMMANDS = (
    "transfer", "fuse", "restore", "portrait", "video", "film", "train", "register", "gate",
    "promote", "rollback", "reproduce", "verify", "sign", "serve", "app", "ui", "models",
    "completion",
)  # fmt: skip
START_WORK = ("train", "register", "app", "ui")  # these would start work or a server in a project
OUTSIDE = tuple(name for name in COMMANDS if name != "app")  # the page needs no project
HARMLESS = tuple(name for name in COMMANDS if name not in START_WORK)
FLAGS = (
    "--help", "--version", "--style", "-o", "--out", "--strength", "--size", "--preserve-color",
    "--model", "--mode", "--mask", "--seamless", "--content-balance", "--style-balance", "--count",
    "--seed", "--blend-with", "--blend", "--tried", "--reason", "--expected", "--host", "--port",
    "--each-style", "--promote", "--skip-existing", "--sidecar", "--json", "--", "-",
)  # fmt: skip
WORDS = (
    "photo.png", "text.png", "folder", "gone.png", "out.png", "out", "transfer", "upscale",
    "portrait", "photo.png:2", "photo.png:many", "models:/a", "models:/stylefuse-transfer@champion",
    "stylefuse-transfer/1", "0", "1", "-1", "0.5", "nan", "inf", "1e999", "9" * 30, "9" * 5000,
    "x" * 300, "*", "[", "**", "", " ", ".", "..", "127.0.0.1", "no.such.host.invalid", "70000",
    "bash", "zsh",
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), max_size=9)
SYNTAX = {  # command → required arguments, then each optional one; `*` stands for any word
    "transfer": ("* --style * -o *", "*", "--strength *", "--size *", "--preserve-color",
                 "--each-style", "--skip-existing", "--sidecar", "--json"),
    "fuse": ("* * -o *", "--mode *", "--mask *", "--content-balance *", "--style *", "--seamless"),
    "restore": ("* -o *", "*", "--strength *", "--model *", "--skip-existing", "--json"),
    "portrait": ("-o *", "--count *", "--seed *", "--blend-with *", "--blend *", "--style *",
                 "--skip-existing", "--sidecar"),
    "video": ("* --style * -o *", "--strength *", "--size *", "--model *"),
    "gate": ("", "*", "--promote"),
    "promote": ("* * --reason *", "--expected *"),
    "rollback": ("* --reason *",),
    "reproduce": ("*",),
    "serve": ("*", "--host *", "--port *", "--model *"),
}  # fmt: skip
ARGUMENTS = st.lists(st.sampled_from(FLAGS) | st.sampled_from(WORDS) | TEXT, max_size=8)


@st.composite
def nearly_valid(draw):
    """A command with its required arguments and some optional ones."""
    command = draw(st.sampled_from(sorted(SYNTAX)))
    required, *optional = SYNTAX[command]
    options = draw(st.lists(st.sampled_from(optional), max_size=3)) if optional else []
    words = " ".join([required, *options]).split()
    return [command, *(draw(st.sampled_from(WORDS) | TEXT) if w == "*" else w for w in words)]


@pytest.fixture
def run(capsys):
    """Run a command line and check how it ends."""

    def run(*arguments):
        capsys.readouterr()
        exit_code = 0
        try:
            main(arguments)
        except SystemExit as end:
            exit_code = end.code or 0
        output = capsys.readouterr()
        errors = output.err
        if arguments[:1] == ("film",):
            warning, _, errors = errors.partition("\n")
            assert warning.startswith("warning: ")
        while errors.startswith("left out "):  # a folder's files that are no pictures
            errors = errors.partition("\n")[2]
        assert exit_code in (0, 1, 2, 10, 75)
        assert "Traceback" not in errors
        if exit_code == 0:
            assert output.out.startswith(
                ("usage: ", "stylefuse ", "nothing is registered", "{", "#")
            )
        elif not errors.startswith("usage: "):
            assert errors.startswith("error: ")

    return run


FIXTURES = [HealthCheck.function_scoped_fixture]


@settings(max_examples=120, suppress_health_check=FIXTURES)
@given(arguments=ARGUMENTS, command=st.sampled_from(OUTSIDE) | TEXT)
def test_outside_a_project_every_command_ends_with_a_message(
    run, tmp_path, monkeypatch, command, arguments
):
    monkeypatch.chdir(tmp_path)
    run(command, *arguments)
    assert not list(tmp_path.iterdir())


@settings(max_examples=120, suppress_health_check=FIXTURES)
@given(nearly_valid() | st.builds(lambda c, a: [c, *a], st.sampled_from(HARMLESS), ARGUMENTS))
def test_in_a_project_without_models_every_command_ends_with_a_message(
    run, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if not (tmp_path / "params.yaml").exists():
        make_project(tmp_path)
        noise(20, 20).save(tmp_path / "photo.png")
        (tmp_path / "text.png").write_text("not a picture")
        (tmp_path / "folder").mkdir()
    before = {*tmp_path.iterdir()}
    run(*arguments)
    assert {*tmp_path.iterdir()} == before
