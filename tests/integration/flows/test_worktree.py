"""Scheduled runs: a worktree of the last commit for each, and what they leave in git."""

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from flows.origin import read_origin
from flows.publish import commit_results
from flows.worktree import take_worktree, worktree_environment

from stylefuse.errors import UserError
from tests.support.clone import ROOT, commit_all

TAKE = "from flows.worktree import take_worktree; print(take_worktree(), flush=True)"
HOLD = f"{TAKE}; input()"
SHARED = """
from stylefuse.config import load_params
from stylefuse.paths import CHECKPOINTS, PIPELINE_LOCK, PROJECT, REGISTRY_HOME
from stylefuse.registry.store import artifact_root, tracking_uri
params = load_params()
print(tracking_uri(params.registry), artifact_root(params.registry), PIPELINE_LOCK, CHECKPOINTS)
print(params.data.sources[0].path, params.data.sources[1].path)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a commit, a changed file, a note that git does not know, and a remote."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
    for command in ("git init -q -b main", "dvc init -q", "dvc remote add -q -d store ../remote"):
        subprocess.run(command.split(), check=True)
    Path("schedule").write_text("at night\n")
    Path(".gitignore").write_text("data\n.prefect/\n/private/\n")
    commit_all(folder)
    Path("schedule").write_text("edited\n")
    Path("note").write_text("unknown\n")
    return folder


def git(*command):
    return subprocess.run(
        ["git", *command], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_worktree_has_what_the_commit_has_and_dvcs_cache_and_remote(project):
    with Repo() as here, Repo(str(take_worktree())) as there:
        folder = Path(there.root_dir)
        assert there.cache.local.path == here.cache.local.path
        assert there.config["core"]["remote"] == "store"
        url = there.config["remote"]["store"]["url"]
        assert Path(folder / ".dvc" / url).resolve() == project.parent / "remote"
    assert (folder / "schedule").read_text() == "at night\n"
    assert not (folder / "note").exists()
    assert subprocess.check_output(["git", "status", "--short"], cwd=folder) == b""
    assert Path("schedule").read_text() == "edited\n"


def test_every_run_has_its_own_and_that_of_a_killed_one_is_used_again(project):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = Path(first.stdout.readline().strip())
    second = subprocess.check_output([sys.executable, "-c", TAKE], text=True).strip()
    assert Path(second) != folder
    (folder / "data").write_text("what DVC tracks")
    (folder / "left").write_text("of a killed run")
    first.kill()
    first.communicate()
    commit_all(project)
    assert take_worktree() == folder
    assert (folder / "schedule").read_text() == "edited\n"
    assert (folder / "data").exists()
    assert not (folder / "left").exists()


def test_what_a_run_becomes_keeps_the_worktree(project):
    program = "import os, sys; from flows.worktree import take_worktree as t; t(); "
    program += "os.execv('/bin/sh', ['sh', '-c', 'echo taken; read line'])"
    run = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "taken\n"
    assert take_worktree().name == "2"
    run.communicate("\n")


@pytest.mark.parametrize("damage", ["no longer a worktree", "locked by a killed git", "deleted"])
def test_a_damaged_worktree_is_made_anew_and_the_project_stays_as_it_is(project, damage):
    folder = Path(subprocess.check_output([sys.executable, "-c", TAKE], text=True).strip())
    if damage == "deleted":
        subprocess.run(["rm", "-r", folder], check=True)
    elif damage == "locked by a killed git":
        (project / ".git/worktrees" / folder.name / "index.lock").touch()
        (folder / "schedule").write_text("of a killed run")
    else:
        (folder / ".git").unlink()
    assert take_worktree() == folder
    assert (folder / "schedule").read_text() == "at night\n"
    assert Path("schedule").read_text() == "edited\n"
    assert Path("note").exists()


@pytest.mark.parametrize("repository", [False, True])
def test_a_folder_without_a_commit_is_refused(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    if repository:
        git("init", "-q")
    with pytest.raises(UserError) as error:
        take_worktree()
    assert error.value.code == "commit-missing"
    assert "\n" not in str(error.value)


def test_what_is_in_no_commit_is_that_of_the_project(project):
    params = (ROOT / "params.yaml").read_text()
    own = "- {name: a, domain: photograph, kind: folder, path: pictures}\n    "
    private = own.replace("name: a", "name: b").replace("pictures", "private")
    (project / "params.yaml").write_text(
        params.replace("- name: endless-sky", own + private + "- name: endless-sky")
    )
    for name in ("pictures", "private"):
        (project / name).mkdir()
        (project / name / "a.png").touch()
    commit_all(project)
    folder = take_worktree()
    environment = worktree_environment(folder, project)
    code = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"}
    shown = subprocess.check_output(
        [sys.executable, "-c", SHARED], cwd=folder, env=environment | code, text=True
    ).split()
    assert shown == [
        f"sqlite:///{project}/mlflow/mlflow.db",
        f"file://{project}/mlflow/artifacts",
        f"{project}/.prefect/pipeline.lock",
        f"{project}/.ckpt",
        "pictures",
        f"{project}/private",
    ]


def test_results_are_committed_to_a_branch_that_follows_it_and_the_code(project, monkeypatch):
    folder, head = take_worktree(), git("rev-parse", "HEAD")
    monkeypatch.chdir(folder)
    Path("dvc.lock").write_text("1")
    commit_results("pipeline", "version 1")
    first = git("rev-parse", "pipeline")
    assert git("show", "pipeline:dvc.lock") == "1"
    assert git("rev-parse", "pipeline^@") == head
    commit_results("pipeline", "the same")
    assert git("rev-parse", "pipeline") == first

    monkeypatch.chdir(project)
    commit_all(project)
    later = git("rev-parse", "HEAD")
    assert git("status", "--short") == ""
    monkeypatch.chdir(take_worktree())
    Path("dvc.lock").write_text("2")
    commit_results("pipeline", "version 2")
    assert git("rev-parse", "pipeline^@").split() == [first, later]
    assert git("show", "pipeline:schedule") == "edited"


def test_keys_of_the_remote_are_not_committed_where_git_does_not_ignore_them(project, monkeypatch):
    subprocess.run(["dvc", "remote", "add", "--local", "keys", "s3://bucket/secret"], check=True)
    git("rm", "-q", "--cached", ".dvc/.gitignore")
    Path(".dvc/.gitignore").unlink()
    git("commit", "-q", "-m", "one file less")
    monkeypatch.chdir(take_worktree())
    assert "secret" in Path(".dvc/config.local").read_text()
    Path("schedule").write_text("by day\n")
    commit_results("pipeline", "version 1")
    assert git("diff", "--name-only", "HEAD", "pipeline") == "schedule"


def test_control_characters_of_a_commit_do_not_reach_the_terminal(project):
    git("commit", "-q", "--allow-empty", "-m", "harmless\x1b[2J")
    assert r"(harmless\x1b[2J)" in str(read_origin())


def test_a_branch_that_is_checked_out_is_not_moved(project, monkeypatch):
    head = git("rev-parse", "HEAD")
    monkeypatch.chdir(take_worktree())
    Path("dvc.lock").write_text("1")
    with pytest.raises(UserError) as error:
        commit_results("main", "version 1")
    assert error.value.code == "branch-checked-out"
    assert git("rev-parse", "main") == head
