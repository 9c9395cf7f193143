"""The doctor reports what is wrong and what to do, and survives what it checks."""

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

from stylefuse.cli import main
from stylefuse.config import load_params
from stylefuse.doctor import machine
from stylefuse.doctor import project as project_checks
from stylefuse.doctor.check import CheckResult, Level
from stylefuse.doctor.diagnose import diagnose, run_check
from stylefuse.errors import UserError
from stylefuse.paths import DVC_LOCK, MANIFEST, VALIDATION_REPORT
from stylefuse.registry.fetch import champion_uri, download
from stylefuse.registry.register import register
from tests.support.models import make_project
from tests.support.stores import copy_empty_store
from tests.unit.test_config import SHIPPED

OK, WARNING, ERROR = Level
GIT = ("git", "-c", "user.name=tester", "-c", "user.email=tester@example.org")
DVC = (str(Path(sys.executable).with_name("dvc")),)


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A project that is in order, with one champion, made from its only commit."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_project(folder, "restore")
        copy_empty_store(shared_folder, folder)
        params = folder / "params.yaml"
        params.write_text(params.read_text().replace("allow_dirty: true", "allow_dirty: false"))
        shutil.copy(SHIPPED.with_name("pyproject.toml"), folder)
        Path("data").mkdir()
        manifest = MANIFEST
        manifest.write_bytes(b"a table")
        noted = {"path": str(manifest), "md5": hashlib.md5(manifest.read_bytes()).hexdigest()}
        DVC_LOCK.write_text(yaml.safe_dump({"stages": {"validate": {"deps": [noted]}}}))
        VALIDATION_REPORT.parent.mkdir()
        VALIDATION_REPORT.write_text('{"passed": 3, "evaluated": 3}')
        Path(".gitignore").write_text("/mlflow/\n/models/\n/data/\n*.ignored\n")
        run("git", "init", "-q")
        run(*DVC, "init", "-q")
        run(*GIT, "add", "-A")
        run(*GIT, "commit", "-qm", "all")
        manifest.rename("table.ignored")  # registering would read it
        register(load_params(), "restore")
        Path("table.ignored").rename(manifest)
        yield folder


@pytest.fixture
def here(project, monkeypatch):
    """The project as the working directory; what a test does to its own files is undone."""
    monkeypatch.chdir(project)
    run("git", "add", "-A")
    yield project
    run("git", "reset", "-q", "--hard")
    run("git", "clean", "-qfd")


def check(name):
    """The finding of one check here."""
    params = load_params()
    checks = {name: partial(run, params) for name, run in project_checks.CHECKS.items()}
    checks |= {**machine.CHECKS, "restore": partial(project_checks.champion, params, "restore")}
    return run_check(name, checks[name])


def test_a_healthy_project_has_no_errors(here):
    findings = {finding.check: finding for finding in diagnose()}
    assert [*findings] == [
        *machine.CHECKS, "params.yaml", *project_checks.CHECKS, "champion of transfer",
        "champion of restore", "champion of portrait",
    ]  # fmt: skip
    missing = {"champion of transfer", "champion of portrait"}
    # of whoever runs the tests
    of_any_kind = {"ffmpeg", "port 5000", "port 5001", "port 7860", "memory", "disk"}
    for name, finding in findings.items():
        assert name in of_any_kind or finding.level == (WARNING if name in missing else OK), finding
        assert finding.level == OK or finding.hint
    assert "version 1: unchanged" in findings["champion of restore"].message


def test_invalid_params_are_reported_and_what_they_configure_is_not_checked(here):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("seed: 7", "seed: many\nsead: 7"))
    *before, last = diagnose()
    assert [finding.check for finding in before] == [*machine.CHECKS]
    assert (last.check, last.level) == ("params.yaml", ERROR)
    assert "seed: Input should be a valid integer" in last.message and "sead: no such key" in str(
        last
    )
    assert "\n" not in str(last)


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("Python", ">=3.11,<3.14", ">=3.99", "is not >=3.99"),
        ("packages", "keras==", "keras==9.", "keras 3"),
        ("packages", '"keras==', '"no-such-package==1", "keras==', "no-such-package is missing"),
    ],
)
def test_another_python_or_package_than_required(here, name, before, after, message):
    text = Path("pyproject.toml").read_text()
    assert before in text
    Path("pyproject.toml").write_text(text.replace(before, after))
    finding = check(name)
    assert finding.level == ERROR and message in finding.message and "make env" in finding.hint


def test_a_folder_without_project_file(here):
    Path("pyproject.toml").unlink()
    assert "there is no pyproject.toml here" in check("packages").message


@pytest.mark.parametrize("name", ["disk", "memory"])
def test_low_disk_or_memory_is_a_warning_and_too_little_an_error(here, monkeypatch, name):
    low, minimum = (f"{bound}_{name.upper()}_BYTES" for bound in ("LOW", "MIN"))
    monkeypatch.setattr(machine, minimum, 0)
    assert check(name).level in (OK, WARNING)
    monkeypatch.setattr(machine, low, 10**18)
    assert check(name).level == WARNING
    monkeypatch.setattr(machine, minimum, 10**18)
    assert check(name).level == ERROR
    assert check(name).hint


@pytest.mark.parametrize(
    ("backend", "message"), [("numpy", "numpy cannot train here"), ("abacus", "cannot be imported")]
)
def test_a_backend_that_cannot_train_or_does_not_exist(here, monkeypatch, backend, message):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    uncached = machine.import_backend.__wrapped__  # other tests need the one that is there
    monkeypatch.setattr(machine, "import_backend", uncached)
    finding = check("backend")
    assert finding.level == ERROR and message in finding.message and "KERAS_BACKEND" in str(finding)


def test_programs_that_are_not_installed(here, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(here / "nothing"))
        films, git = check("ffmpeg"), check("git")
    assert films.level == WARNING
    assert git.level == ERROR and "git cannot be run" in git.message and "install it" in git.hint


def test_uncommitted_changes(here):
    assert check("git").level == OK
    Path("reports/page.html").write_text("what the pipeline writes is none")
    assert check("git").level == OK
    Path("new.py").write_text("a reason")
    assert check("git").level == WARNING
    assert "commit these" in check("git").hint


def test_a_folder_outside_git_is_an_error_unless_dirty_versions_are_allowed(tmp_path, monkeypatch):
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    params = load_params()
    strict = params.registry.model_copy(update={"allow_dirty": False})
    assert project_checks.commit(params).level == WARNING
    assert project_checks.commit(params.model_copy(update={"registry": strict})).level == ERROR


def test_a_cache_that_cannot_be_written(here):
    Path("wall.ignored").write_text("no folder")
    run(*DVC, "cache", "dir", "--local", str(here / "wall.ignored"))
    finding = check("DVC cache")
    Path(".dvc/config.local").unlink()
    assert finding.level == ERROR and "wall.ignored cannot be written" in finding.message


def test_a_check_that_fails_is_a_finding(here):
    Path(".dvc").rename("dvc.ignored")
    finding = check("DVC cache")
    Path("dvc.ignored").rename(".dvc")
    assert finding.level == ERROR and "this check failed (NotDvcRepoError" in finding.message
    assert (
        run_check("odd", lambda: 1 / 0).message
        == "this check failed (ZeroDivisionError: division by zero)"
    )


def test_a_store_that_another_program_holds(here, monkeypatch):
    monkeypatch.setattr("stylefuse.registry.store.DATABASE_LOCK_TIMEOUT_S", 0)
    with closing(sqlite3.connect("mlflow/mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        finding = check("tracking store")
    assert finding.level == ERROR
    assert "locked by another program" in finding.message and "try again" in finding.hint
    assert check("tracking store").level == OK


def test_a_file_that_is_no_store_and_a_store_that_does_not_exist_yet(here, monkeypatch):
    Path("words.ignored").write_text("no database " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///words.ignored")
    assert "is not an MLflow database" in check("tracking store").message
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///new/mlflow.db")
    assert check("tracking store").level == OK
    assert not Path("new").exists()


def test_pictures_that_changed_after_validation(here):
    assert check("data").level == OK
    manifest = MANIFEST
    before = manifest.read_bytes()
    manifest.write_bytes(b"another table")
    assert check("data").level == WARNING
    VALIDATION_REPORT.write_text('{"passed": 2, "evaluated": 3}')
    assert check("data").level == ERROR
    assert "failed validation" in check("data").message
    VALIDATION_REPORT.unlink()
    assert "missing or damaged" in check("data").message
    manifest.unlink()
    assert "there are no pictures yet" in check("data").message
    manifest.write_bytes(before)


def test_a_champion_that_was_changed(here):
    assert check("restore").level == OK
    path = download(champion_uri("restore"), load_params().registry) / "requirements.txt"
    before = path.read_text()
    path.write_text("evil==1.0\n")
    finding = check("restore")
    path.write_text(before)
    assert finding.level == ERROR and "requirements.txt is not as it was signed" in finding.message
    assert finding.hint == "register the model again"


def test_a_port_in_use_is_a_warning_because_it_may_be_our_own_server():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        answer = machine.port(busy.getsockname()[1])
    assert answer.level == WARNING and "--port" in answer.hint


def test_an_error_message_is_split_into_message_and_hint():
    result = CheckResult.from_error(UserError("it is\n  broken; mend it; or not"))
    assert result == (ERROR, "it is broken", "mend it; or not")
    assert CheckResult.from_error(UserError("it is broken"), WARNING, "wait") == (
        WARNING,
        "it is broken",
        "wait",
    )


def test_the_command_prints_a_line_per_check(here, capsys):
    main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(machine.CHECKS) + 1 + len(project_checks.CHECKS) + 3


def test_the_command_fails_on_errors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json"])
    output = capsys.readouterr()
    assert (end.value.code, output.err) == (1, "")
    checks = {entry["check"]: entry for entry in json.loads(output.out)["checks"]}
    assert checks["params.yaml"]["level"] == "error"
    assert "run the command in the project's folder" in checks["params.yaml"]["hint"]
    assert not list(tmp_path.iterdir())
