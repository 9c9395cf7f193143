"""Versions that `stylefuse` registers in a clone: the gate, reproduction, and what they paint.

The tests of this file run in order and change one clone.
"""

import re

import pytest
from PIL import Image

from stylefuse.cli import main
from tests.support import clone
from tests.support.clone import MODELS, environment
from tests.support.models import make_model
from tests.support.trainings import jax_environment

SHIPPED = "transfer", "portrait"


def test_registering_twice_makes_one_version_of_each_trained_model(run, project):
    """Where weights come with the project, they are version 1 and the first champion."""
    from mlflow import MlflowClient

    for _ in range(2):
        run("stylefuse", "register")
    client = MlflowClient(f"sqlite:///{project}/mlflow/mlflow.db")
    for model in MODELS:
        name = f"stylefuse-{model}"
        newest = 2 if model in SHIPPED else 1
        assert len(client.search_model_versions(f"name='{name}'")) == newest
        aliases = client.get_registered_model(name).aliases
        assert aliases == {"champion": 1, "challenger": newest}
        version = client.get_model_version(name, str(newest))
        assert any("git" in tag for tag in version.tags)
        steps = client.get_metric_history(version.run_id, "adversarial")
        assert [metric.step for metric in steps] == [12, 20]


def test_the_gate_decides_between_shipped_and_trained_weights(run):
    """A training of 20 pictures is no match for the shipped portraits. Restoration has no others.
    For transfer it cannot be foreseen: filters take the place of painters here."""
    decisions = run("stylefuse", "gate", "--promote").stdout
    assert re.search(r"^stylefuse-portrait version 2\n\n\*\*Refused", decisions, re.MULTILINE)
    assert re.search(r"^stylefuse-transfer version 2\n\n\*\*", decisions, re.MULTILINE)
    assert "stroke score is" in decisions
    assert "stylefuse-restore version 1 is the champion" in decisions


def stages_run(process):
    return re.findall(r"Running stage '(.*)'", process.stderr)


def test_another_clone_reproduces_a_version_from_a_remote(run, project, tmp_path):
    """In a clone with an empty cache; the address of the remote is relative to that clone."""
    run("stylefuse", "register", "restore")
    remote = ("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    run(*remote)
    run("dvc", "push")
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(project), str(other))

    def there(*command):
        store = f"sqlite:///{project}/mlflow/mlflow.db"
        variables = {**environment(other), "MLFLOW_TRACKING_URI": store}
        return clone.run(other, *command, variables=variables, succeeds=False)

    verified = there("stylefuse", "verify", "stylefuse-restore@champion")
    assert "version 1: unchanged" in verified.stdout, verified.stderr
    assert "signed by ed25519:" in verified.stdout
    there(*remote[:-1], "../store")
    reproduced = there("stylefuse", "reproduce", "stylefuse-restore@champion")
    assert re.fullmatch(
        r"stylefuse-restore version 1: identical, trained again in \d+ s\n", reproduced.stdout
    ), reproduced.stdout + reproduced.stderr
    assert stages_run(reproduced) == ["train@restore"]
    assert there("git", "worktree", "list").stdout.count("\n") == 1


def test_a_difference_of_the_environment_is_reported(run, project):
    run("stylefuse", "register", "restore")
    jax = environment(project) | jax_environment()
    command = ("stylefuse", "reproduce", "stylefuse-restore@champion")
    process = run(*command, variables=jax, succeeds=False)
    assert process.returncode == 1
    cause = "environment: backend was tensorflow, is jax"
    assert f"note: {cause}\n" in process.stderr
    match = re.search(r"not identical: (.*)\. The pictures differ by ([\d.]+) of", process.stdout)
    assert match, process.stdout + process.stderr
    assert cause in match[1]
    assert float(match[2]) < 30  # it was trained, with a similar result


def test_weights_that_no_training_made_are_detected(run, project):
    """Another model's weights in the place of the trained ones, from the same clean commit."""
    folder = project / "models/restore"
    contents = {path: path.read_bytes() for path in folder.iterdir()}
    make_model(folder, "restore")
    report = project / "reports/metrics/restore.json"
    metrics = report.read_bytes()
    report.unlink()
    run("stylefuse", "register", "restore")
    report.write_bytes(metrics)
    for path, content in contents.items():
        path.write_bytes(content)
    process = run("stylefuse", "reproduce", "models:/stylefuse-restore/2", succeeds=False)
    assert process.returncode == 1
    match = re.search(r"version 2: not identical: .*differ by ([\d.]+) of 255", process.stdout)
    assert match, process.stdout + process.stderr
    assert float(match[1]) > 1
    run("stylefuse", "register", "restore")


def test_a_version_that_does_not_exist_cannot_be_reproduced(run):
    process = run("stylefuse", "reproduce", "stylefuse-restore/99", succeeds=False)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert "stylefuse-restore/99" in line


@pytest.mark.parametrize("version", ["restore@nobody", "stylefuse-nobody@champion"])
def test_a_name_without_a_version_cannot_be_reproduced(project, monkeypatch, capsys, version):
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SystemExit) as end:
        main(["reproduce", version])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nobody" in line


@pytest.mark.parametrize(
    ("command", "painted", "size"),
    [
        ("transfer own/photos/00.png --style own/art/01.png -o out.png", "out.png", 200),
        ("fuse own/photos/00.png own/art/01.png --style-by-region -o one.png", "one.png", 200),
        ("restore own/photos/00.png -o restored.png", "restored.png", 200),
        ("portrait --seed 7 -o people", "people/portrait-00000007.png", 64),
    ],
)
def test_the_champions_paint(run, project, command, painted, size):
    run("stylefuse", *command.split())
    with Image.open(project / painted) as picture:
        assert picture.size == (size, size)
