"""The doctor finds what is wrong, names what helps, and survives what it looks at."""

import hashlib
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import yaml

from stylefuse.config import load_params
from stylefuse.doctor import machine
from stylefuse.doctor import project as own
from stylefuse.doctor.diagnose import Answer, Level, ask, diagnose
from stylefuse.errors import UserError
from stylefuse.registry.fetch import champion_uri, download
from stylefuse.registry.register import register
from tests.support.models import make_project
from tests.unit.test_config import SHIPPED

OK, WARNING, WRONG = Level
GIT = ("git", "-c", "user.name=tester", "-c", "user.email=tester@example.org")
DVC = (str(Path(sys.executable).with_name("dvc")),)
VALIDATION = Path("reports/validation.json")


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that is in order, with one champion, made from its only commit."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_project(folder, "restore")
        params = folder / "params.yaml"
        params.write_text(params.read_text().replace("allow_dirty: true", "allow_dirty: false"))
        shutil.copy(SHIPPED.with_name("pyproject.toml"), folder)
        Path("data").mkdir()
        manifest = own.MANIFEST
        manifest.write_bytes(b"a table")
        noted = {"path": str(manifest), "md5": hashlib.md5(manifest.read_bytes()).hexdigest()}
        own.DVC_LOCK.write_text(yaml.safe_dump({"stages": {"validate": {"deps": [noted]}}}))
        VALIDATION.parent.mkdir()
        VALIDATION.write_text('{"passed": 3, "evaluated": 3}')
        Path(".gitignore").write_text("/mlflow/\n/models/\n/data/\n*.kept\n")
        run("git", "init", "-q")
        run(*DVC, "init", "-q")
        run(*GIT, "add", "-A")
        run(*GIT, "commit", "-qm", "all")
        manifest.rename("table.kept")  # registering would read it
        register(load_params(), "restore")
        Path("table.kept").rename(manifest)
        yield folder


@pytest.fixture
def here(project, monkeypatch):
    """The project as the working directory; what a test does to its own files is undone."""
    monkeypatch.chdir(project)
    run("git", "add", "-A")
    yield project
    run("git", "reset", "-q", "--hard")
    run("git", "clean", "-qfd")


def look(name):
    """What the check of a name finds here."""
    params = load_params()
    known = {**machine.CHECKS, **{n: partial(c, params) for n, c in own.CHECKS.items()}}
    return ask(name, known.get(name) or partial(own.champion, params, name))


def test_a_project_in_order_has_nothing_wrong(here):
    findings = {finding.check: finding for finding in diagnose()}
    assert [*findings] == [
        *machine.CHECKS, "params.yaml", *own.CHECKS, "champion of transfer",
        "champion of restore", "champion of portrait",
    ]  # fmt: skip
    missing = {"champion of transfer", "champion of portrait"}
    of_any_kind = {
        "ffmpeg",
        "port 5000",
        "port 5001",
        "memory",
        "disk",
    }  # of whoever runs the tests
    for name, finding in findings.items():
        assert name in of_any_kind or finding.level == (WARNING if name in missing else OK), finding
        assert finding.level == OK or finding.remedy
    assert "version 1: as it was signed" in findings["champion of restore"].found


def test_where_params_are_wrong_that_is_told_and_what_they_configure_is_left(here):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("seed: 7", "seed: many\nsead: 7"))
    *before, last = diagnose()
    assert [finding.check for finding in before] == [*machine.CHECKS]
    assert (last.check, last.level) == ("params.yaml", WRONG)
    assert "seed: Input should be a valid integer" in last.found and "sead: no such key" in str(
        last
    )
    assert "\n" not in str(last)


@pytest.mark.parametrize(
    ("name", "before", "after", "found"),
    [
        ("Python", ">=3.11,<3.12", ">=3.99", "is not >=3.99"),
        ("packages", "keras==", "keras==9.", "keras 3"),
        ("packages", '"keras==', '"no-such-package==1", "keras==', "no-such-package is missing"),
    ],
)
def test_another_python_or_package_than_the_project_names(here, name, before, after, found):
    text = Path("pyproject.toml").read_text()
    assert before in text
    Path("pyproject.toml").write_text(text.replace(before, after))
    finding = look(name)
    assert finding.level == WRONG and found in finding.found and "make env" in finding.remedy


def test_a_project_without_its_file_is_told(here):
    Path("pyproject.toml").unlink()
    assert "there is no pyproject.toml here" in look("packages").found


@pytest.mark.parametrize("name", ["disk", "memory"])
def test_little_room_is_a_warning_and_hardly_any_is_wrong(here, monkeypatch, name):
    enough, little = ("ROOM", "LITTLE_ROOM") if name == "disk" else ("MEMORY", "LITTLE_MEMORY")
    monkeypatch.setattr(machine, little, 0)
    assert look(name).level in (OK, WARNING)
    monkeypatch.setattr(machine, enough, 10**18)
    assert look(name).level == WARNING
    monkeypatch.setattr(machine, little, 10**18)
    assert look(name).level == WRONG
    assert look(name).remedy


@pytest.mark.parametrize(
    ("backend", "found"), [("numpy", "numpy cannot train here"), ("abacus", "cannot be imported")]
)
def test_a_backend_that_cannot_train_or_is_none(here, monkeypatch, backend, found):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    machine.probe.cache_clear()
    finding = look("backend")
    machine.probe.cache_clear()
    assert finding.level == WRONG and found in finding.found and "KERAS_BACKEND" in str(finding)


def test_programs_that_are_not_installed(here, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(here / "nothing"))
        films, git = look("ffmpeg"), look("git")
    assert films.level == WARNING
    assert git.level == WRONG and "git cannot be run" in git.found and "install it" in git.remedy


def test_changes_that_no_commit_has(here):
    assert look("git").level == OK
    Path("reports/page.html").write_text("what the pipeline writes is none")
    assert look("git").level == OK
    Path("new.py").write_text("a reason")
    assert look("git").level == WARNING
    assert "commit them" in look("git").remedy


def test_a_folder_that_no_git_knows_matters_as_much_as_the_project_says(tmp_path, monkeypatch):
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    params = load_params()
    strict = params.registry.model_copy(update={"allow_dirty": False})
    assert own.commit(params).level == WARNING
    assert own.commit(params.model_copy(update={"registry": strict})).level == WRONG


def test_a_cache_that_cannot_be_written(here):
    Path("wall.kept").write_text("no folder")
    run(*DVC, "cache", "dir", "--local", str(here / "wall.kept"))
    finding = look("DVC cache")
    Path(".dvc/config.local").unlink()
    assert finding.level == WRONG and "wall.kept cannot be written" in finding.found


def test_a_check_that_fails_is_a_finding(here):
    Path(".dvc").rename("dvc.kept")
    finding = look("DVC cache")
    Path("dvc.kept").rename(".dvc")
    assert finding.level == WRONG and "this check failed (NotDvcRepoError" in finding.found
    assert (
        ask("odd", lambda: 1 / 0).found == "this check failed (ZeroDivisionError: division by zero)"
    )


def test_a_store_that_another_program_holds(here):
    with closing(sqlite3.connect("mlflow/mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        finding = look("tracking store")
    assert finding.level == WRONG
    assert "locked by another program" in finding.found and "try again" in finding.remedy
    assert look("tracking store").level == OK


def test_a_store_that_is_none_and_one_that_is_not_there_yet(here, monkeypatch):
    Path("words.kept").write_text("no database " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///words.kept")
    assert "is not an MLflow database" in look("tracking store").found
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///new/mlflow.db")
    assert look("tracking store").level == OK
    assert not Path("new").exists()


def test_pictures_that_are_not_those_that_were_validated(here):
    assert look("data").level == OK
    manifest = own.MANIFEST
    before = manifest.read_bytes()
    manifest.write_bytes(b"another table")
    assert look("data").level == WARNING
    VALIDATION.write_text('{"passed": 2, "evaluated": 3}')
    assert look("data").level == WRONG
    assert "failed validation" in look("data").found
    VALIDATION.unlink()
    assert "missing or damaged" in look("data").found
    manifest.unlink()
    assert "no pictures yet" in look("data").found
    manifest.write_bytes(before)


def test_a_champion_that_was_changed(here):
    assert look("restore").level == OK
    path = download(champion_uri("restore"), load_params().registry) / "requirements.txt"
    before = path.read_text()
    path.write_text("evil==1.0\n")
    finding = look("restore")
    path.write_text(before)
    assert finding.level == WRONG and "requirements.txt is not as it was signed" in finding.found
    assert "stylefuse promote restore" in finding.remedy


def test_a_port_in_use_is_a_warning_because_it_may_be_our_own_server():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        answer = machine.port(busy.getsockname()[1])
    assert answer.level == WARNING and "--port" in answer.remedy


def test_an_errors_sentence_holds_its_remedy():
    told = Answer.of(UserError("it is\n  broken; mend it; or not"))
    assert told == (WRONG, "it is broken", "mend it; or not")
    assert Answer.of(UserError("it is broken"), WARNING, "wait") == (
        WARNING,
        "it is broken",
        "wait",
    )


def test_the_command_tells_each_check_in_a_line_and_ends_with_what_it_found(here, tmp_path):
    program = [str(Path(sys.executable).with_name("stylefuse")), "doctor"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(machine.CHECKS) + 1 + len(own.CHECKS) + 3
    outside = subprocess.run(
        [*program, "--json"], cwd=tmp_path, capture_output=True, text=True
    )  # fmt: skip
    assert (outside.returncode, outside.stderr) == (1, "")
    found = {check["check"]: check for check in json.loads(outside.stdout)["checks"]}
    assert found["params.yaml"]["level"] == "wrong"
    assert "run the command in the project's folder" in found["params.yaml"]["remedy"]
    assert not list(tmp_path.iterdir())
