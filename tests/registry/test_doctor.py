"""The doctor finds what is wrong, says what helps, and never falls itself."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from stylefuse import cli
from stylefuse.registry import doctor
from tests.serving.tiny import make_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A model, registered, in a folder that no git knows."""
    make_project(tmp_path, "portrait")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    cli.main(["register", "portrait"])
    return tmp_path


def findings():
    return {finding.check: finding for finding in doctor.examine()}


def test_a_project_is_looked_at_from_all_sides(project, capsys):
    found = findings()
    assert found["parameters"].state == found["packages"].state == found["store"].state == "ok"
    assert found["git"] == ("wrong", "git", "this folder is no repository",
                            "clone the project with git")  # fmt: skip
    assert found["data"].remedy == "run `make repro`"
    assert found["champions"].told == "none of transfer, restore"
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--json"])
    assert ended.value.code == 1
    told = json.loads(capsys.readouterr().out)
    assert {row["check"] for row in told} == found.keys()
    subprocess.run(["git", "init", "-q"], check=True)
    cli.main(["doctor"])
    assert "warning  git: " in capsys.readouterr().out


def test_a_changed_version_is_found(project):
    (weights,) = Path("mlflow/artifacts").rglob("generator.weights.h5")
    weights.write_bytes(weights.read_bytes() + b"0")
    found = findings()["champions"]
    assert found.state == "wrong"
    assert "generator.weights.h5" in found.told


@pytest.mark.parametrize("content", ["models: 3", "{", "seed: x"])
def test_wrong_parameters_do_not_hide_the_rest(project, content):
    Path("params.yaml").write_text(content)
    found = findings()
    assert found["parameters"].state == "wrong"
    assert found["backend"].state == "ok"
    assert "store" not in found


def test_a_store_that_is_none_is_found(project):
    Path("mlflow/mlflow.db").write_bytes(b"not a database" * 99)
    assert findings()["store"].state == "wrong"


def test_a_check_that_fails_is_a_finding(project, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: 1 / 0)
    assert findings()["disk"][:3] == ("wrong", "disk", "division by zero")


def test_what_is_registered_is_listed(project, capsys):
    capsys.readouterr()
    cli.main(["models"])
    assert "challenger, champion" in capsys.readouterr().out
    cli.main(["models", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["model"], row["version"]) == ("stylefuse-portrait", 1)
    shutil.rmtree("mlflow")
    cli.main(["models"])
    assert "nothing is registered yet" in capsys.readouterr().out


def test_a_shell_completes_commands(capsys, tmp_path):
    cli.main(["completion", "bash"])
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    asked = (
        f"source {script}; COMP_WORDS=(stylefuse tr); COMP_CWORD=1; "
        "$(complete -p stylefuse | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "train",
        "transfer",
    }
