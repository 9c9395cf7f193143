"""An incomplete lock file of DVC is deleted, and no other."""

import fcntl
import subprocess

import pytest
from flows.repair_dvc_lock import RWLOCK, repair_dvc_lock


@pytest.fixture
def project(tmp_path):
    for command in (("git", "init", "-q"), ("dvc", "init", "-q")):
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text("stages: {one: {cmd: 'echo 1 > one', outs: [one]}}")
    return tmp_path


def repro(project):
    return subprocess.run(["dvc", "repro"], cwd=project, capture_output=True, text=True)


def test_dvc_runs_again_after_a_crash(project, capsys):
    (project / RWLOCK).write_text('{"/data/prep')
    failed = repro(project)
    assert failed.returncode
    assert "rwlock" in failed.stderr
    assert repair_dvc_lock(project)
    assert "was left incomplete by a crash" in capsys.readouterr().err
    assert repro(project).returncode == 0


def test_a_complete_file_and_one_that_is_being_written_stay(project):
    assert not repair_dvc_lock(project)
    repro(project)
    content = (project / RWLOCK).read_text()
    assert not repair_dvc_lock(project)
    assert (project / RWLOCK).read_text() == content
    (project / RWLOCK).write_text("{")
    with (project / RWLOCK).with_suffix(".lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        assert not repair_dvc_lock(project)
    assert (project / RWLOCK).read_text() == "{"
