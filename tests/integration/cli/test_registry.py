"""The registry's commands, in a project with two registered models."""

import json

import pytest

from stylefuse.cli import main
from stylefuse.errors import UserError
from stylefuse.gate.rules import Check, Decision
from tests.support.models import make_project
from tests.support.program import run_command, stylefuse
from tests.support.registered_project import copy_project_with_two_versions


def test_registered_versions_are_listed(in_project, capsys):
    process = stylefuse(in_project, "models")
    assert (process.returncode, process.stderr) == (0, "")
    title, *lines = process.stdout.splitlines()
    assert title.startswith("model ")
    assert [line.split()[0] for line in lines] == ["stylefuse-portrait", "stylefuse-transfer"]
    main(["models", "--json"])
    versions = json.loads(capsys.readouterr().out)["versions"]
    assert [(version["number"], version["aliases"]) for version in versions] == [
        (1, ["challenger", "champion"])
    ] * 2


def test_listing_creates_no_registry(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    main(["models"])
    assert capsys.readouterr().out == (
        "nothing is registered yet; `make repro` trains models and registers them\n"
    )
    main(["models", "--json"])
    assert capsys.readouterr().out == '{\n "versions": []\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_register_without_names_registers_what_it_can(in_project, capsys):
    """Two models of params.yaml are registered already, and one has not been trained."""
    with pytest.raises(UserError, match="models/restore"):
        run_command("register")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" version ")[1] for line in lines] == ["1 (challenger, champion)"] * 2


def test_gate_without_names_goes_on_after_a_model_that_fails(in_project, capsys):
    """Two models have no newer version than the champion, and one has no version."""
    with pytest.raises(UserError, match="stylefuse-restore"):
        run_command("gate")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" is the champion")[0] for line in lines] == [
        "stylefuse-transfer version 1", "stylefuse-portrait version 1",
    ]  # fmt: skip


@pytest.fixture
def with_challenger(shared_folder, tmp_path, monkeypatch):
    """A project with a version 2 of the transfer model that is the challenger."""
    monkeypatch.chdir(copy_project_with_two_versions(shared_folder, tmp_path / "project"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.parametrize(
    ("options", "passed", "champion"),
    [(["--promote"], True, 2), (["--promote"], False, 1), ([], True, 1)],
)
@pytest.mark.usefixtures("with_challenger")
def test_gate_promotes_only_if_asked_and_only_what_passed(
    monkeypatch, capsys, options, passed, champion
):
    """The comparison itself takes minutes, and is tested with the flows; its decision is given."""

    def decide(params, model):
        from stylefuse.registry.store import open_store

        client, name = open_store(params.registry), f"stylefuse-{model}"
        check = Check("kernel distance", passed, "the distance is compared")
        versions = [
            client.get_model_version_by_alias(name, alias) for alias in ("champion", "challenger")
        ]
        return Decision((check,), {}, 0.95), *versions

    monkeypatch.setattr("stylefuse.gate.decide.decide", decide)
    main(["gate", "transfer", *options])
    assert "stylefuse-transfer version 2\n" in capsys.readouterr().out
    main(["models", "--json"])
    versions = json.loads(capsys.readouterr().out)["versions"]
    champions = [v["number"] for v in versions if "champion" in v["aliases"]]
    assert champions == [1, champion]  # the portrait model's, the transfer model's
