"""The units for systemd and the containers of the compose file start commands that exist."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stylefuse import __version__
from tests.support.clone import ROOT, environment

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
FOLDER = "/srv/stylefuse"


def runs(command: str) -> bool:
    """Whether a command is known; its help is printed instead of running it."""
    program, *arguments = shlex.split(command)
    if Path(program).name == "stylefuse":
        arguments = ["-c", "from stylefuse.cli import main; main()", *arguments]
    done = subprocess.run(
        [sys.executable, *arguments, "--help"], cwd=ROOT, env=environment(ROOT), capture_output=True
    )
    return done.returncode == 0 and b"usage: " in done.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_command_of_the_project(unit):
    (command,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert command.startswith(f"{FOLDER}/.venv/bin/")
    assert runs(command.replace("%i", "transfer"))


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_container_starts_a_command_of_the_project(service):
    settings = COMPOSE["services"][service]
    assert runs(settings["command"])
    assert settings["image"] == f"stylefuse:{__version__}"
    assert (DEPLOY / settings["build"]["context"] / "Dockerfile").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_knows_the_settings_of_the_units(tmp_path):
    for unit in UNITS:  # it also asks for the programs that they start
        text = unit.read_text().replace(f"{FOLDER}/.venv/bin/stylefuse", "/bin/true")
        text = text.replace(f"{FOLDER}/.venv/bin/python", "/bin/true")
        (tmp_path / unit.name.replace("@", "@transfer")).write_text(text)
    files = sorted(map(str, tmp_path.iterdir()))
    checked = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True)
    assert not [line for line in checked.stderr.splitlines() if str(tmp_path) in line]
