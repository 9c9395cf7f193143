"""Whatever is typed behind `stylefuse`: help, or one line that says what is wrong."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefuse.cli.main import main
from tests.support.models import make_project, noise

COMMANDS = (
    "transfer", "fuse", "restore", "portrait", "train", "register", "gate", "promote", "rollback",
    "reproduce", "serve", "ui", "models", "completion",
)  # fmt: skip
HARMLESS = tuple(name for name in COMMANDS if name not in ("train", "register", "ui"))  # they begin
FLAGS = (
    "--help", "--version", "--style", "-o", "--out", "--strength", "--size", "--preserve-color",
    "--model", "--mode", "--mask", "--seamless", "--content-balance", "--style-balance", "--count",
    "--seed", "--blend-with", "--blend", "--tried", "--reason", "--expected", "--host", "--port",
    "--each-style", "--skip-existing", "--sidecar", "--json", "--", "-",
)  # fmt: skip
WORDS = (
    "photo.png", "text.png", "folder", "gone.png", "out.png", "out", "transfer", "upscale",
    "portrait", "photo.png:2", "photo.png:many", "models:/a", "models:/stylefuse-transfer@champion",
    "stylefuse-transfer/1", "0", "1", "-1", "0.5", "nan", "inf", "1e999", "9" * 30, "9" * 5000,
    "x" * 300, "*", "[", "**", "", " ", ".", "..", "127.0.0.1", "no.such.host.invalid", "70000",
    "bash", "zsh",
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), max_size=9)
SHAPES = {  # command → what it needs, and each thing that it may have; a `*` stands for a word
    "transfer": ("* --style * -o *", "*", "--strength *", "--size *", "--preserve-color",
                 "--each-style", "--skip-existing", "--sidecar", "--json"),
    "fuse": ("* * -o *", "--mode *", "--mask *", "--content-balance *", "--style *", "--seamless"),
    "restore": ("* -o *", "*", "--strength *", "--model *", "--skip-existing", "--json"),
    "portrait": ("-o *", "--count *", "--seed *", "--blend-with *", "--blend *", "--style *",
                 "--skip-existing", "--sidecar"),
    "gate": ("*",),
    "promote": ("* * --reason *", "--expected *"),
    "rollback": ("* --reason *",),
    "reproduce": ("*",),
    "serve": ("*", "--host *", "--port *", "--model *"),
}  # fmt: skip
ARGUMENTS = st.lists(st.sampled_from(FLAGS) | st.sampled_from(WORDS) | TEXT, max_size=8)


@st.composite
def nearly_right(draw):
    """A command with all that it needs, and with some of what it may have."""
    command = draw(st.sampled_from(sorted(SHAPES)))
    needs, *may = SHAPES[command]
    options = draw(st.lists(st.sampled_from(may), max_size=3)) if may else []
    words = " ".join([needs, *options]).split()
    return [command, *(draw(st.sampled_from(WORDS) | TEXT) if w == "*" else w for w in words)]


@pytest.fixture
def run(capsys):
    """Run a command line, and see that its end is told well."""

    def run(*arguments):
        capsys.readouterr()
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        assert code in (0, 1, 2, 10, 75)
        assert "Traceback" not in said.err
        if code == 0:
            assert said.out.startswith(("usage: ", "stylefuse ", "nothing is registered", "{", "#"))
        elif not said.err.startswith("usage: "):
            assert said.err.startswith("error: ")

    return run


FIXTURES = [HealthCheck.function_scoped_fixture]


@settings(max_examples=120, suppress_health_check=FIXTURES)
@given(arguments=ARGUMENTS, command=st.sampled_from(COMMANDS) | TEXT)
def test_outside_a_project_every_command_ends_in_a_line(
    run, tmp_path, monkeypatch, command, arguments
):
    monkeypatch.chdir(tmp_path)
    run(command, *arguments)
    assert not list(tmp_path.iterdir())


@settings(max_examples=120, suppress_health_check=FIXTURES)
@given(nearly_right() | st.builds(lambda c, a: [c, *a], st.sampled_from(HARMLESS), ARGUMENTS))
def test_in_a_project_with_no_model_every_command_ends_in_a_line(
    run, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if not (tmp_path / "params.yaml").exists():
        make_project(tmp_path)
        noise(20, 20).save(tmp_path / "photo.png")
        (tmp_path / "text.png").write_text("words")
        (tmp_path / "folder").mkdir()
    before = {*tmp_path.iterdir()}
    run(*arguments)
    assert {*tmp_path.iterdir()} == before
