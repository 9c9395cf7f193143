"""The wheel in an environment of its own, and a registered version where stylefuse is missing."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.images.base64 import decode
from stylefuse.registry.fetch import download
from tests.support.registered_project import copy_project_with_two_versions
from tests.support.servers import answers, free_port, stop, wait_for
from tests.support.trainings import ROOT

MAX_MEGABYTES, MAX_PACKAGES = 230, 25
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW"))
}


def make_environment(folder: Path, *requirements: str) -> Path:
    """Install requirements into a new virtual environment; returns its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *requirements], check=True, env=ENVIRONMENT)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that the checkout gets no build folder."""
    source = tmp_path_factory.mktemp("wheel") / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    source.mkdir()
    for name in ("src", "models/base"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", "."]
    subprocess.run([sys.executable, "-m", "pip", *build], cwd=source, check=True)
    (path,) = (source / "dist").iterdir()
    return path


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory):
    """The programs of an environment that has the wheel and what it needs."""
    return make_environment(tmp_path_factory.mktemp("light") / "environment", str(wheel))


@pytest.fixture
def paint(light, tmp_path):
    """A function that runs `stylefuse` in an empty folder."""

    def run(*arguments, code=0):
        process = subprocess.run(
            [light / "stylefuse", *arguments], cwd=tmp_path, capture_output=True, text=True,
            env=ENVIRONMENT,
        )  # fmt: skip
        assert process.returncode == code, process.stderr
        return process.stderr

    return run


def test_the_installation_is_small(light):
    packages = light.parent / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    size = sum(path.stat().st_blocks * 512 for path in packages.rglob("*") if path.is_file())
    assert size <= MAX_MEGABYTES * 2**20
    listed = subprocess.run(
        [light / "python", "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert {"stylefuse", "onnxruntime", "numpy", "pillow"} <= names
    assert len(names) <= MAX_PACKAGES


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["transfer", ROOT / "examples/photograph.jpg", "--style", ROOT / "examples/painting.png"],
         "out.png"),
        (["fuse", ROOT / "examples/photograph.jpg", ROOT / "examples/painting.png"], "out.png"),
        (["restore", ROOT / "examples/photograph.jpg"], "out.png"),
        (["portrait"], "out/portrait-00000000.png"),
    ],
)  # fmt: skip
def test_it_paints_in_any_folder(paint, tmp_path, arguments, output):
    paint(*map(str, arguments), "-o", output.partition("/")[0])
    with Image.open(tmp_path / output) as picture:
        assert min(picture.size) >= 64


def test_the_wheel_has_all_that_the_page_shows(wheel):
    folder = ROOT / "src/stylefuse/web"
    files = [path for path in folder.rglob("*") if path.suffix in (".css", ".js", ".jpg", ".md")]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert len(files) >= 8
    assert {f"stylefuse/web/{path.relative_to(folder)}" for path in files} <= names


@pytest.mark.parametrize(
    ("command", "extra"), [("serve", "serve"), ("app", "app"), ("register", "pipeline")]
)
def test_a_command_of_an_extra_names_it(paint, command, extra):
    assert f"WHEEL[{extra}]" in paint(command, code=2)


@pytest.fixture(scope="module")
def version(shared_folder, tmp_path_factory):
    """The folder of a registered version, away from the project that it was registered in."""
    from stylefuse.config import load_params

    folder = tmp_path_factory.mktemp("registered")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(copy_project_with_two_versions(shared_folder, folder / "project"))
        path = download("models:/stylefuse-transfer@champion", load_params().registry)
        shutil.copytree(path, folder / "version")
    return folder / "version"


def test_mlflow_serves_a_version_where_stylefuse_is_missing(version, tmp_path):
    """With its requirements alone, as in the image of `mlflow models build-docker`."""
    programs = make_environment(tmp_path / "environment", "-r", str(version / "requirements.txt"))
    missing = [programs / "python", "-c", "import stylefuse"]
    assert subprocess.run(missing, capture_output=True, env=ENVIRONMENT).returncode
    port, environment = free_port(), ENVIRONMENT | {"PATH": f"{programs}:{os.environ['PATH']}"}
    command = ["models", "serve", "-m", str(version), "--env-manager", "local", "-p", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "mlflow", *command], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), server)
        body = (version / "serving_input_example.json").read_bytes()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            (row,) = json.load(answer)["predictions"]
    finally:
        stop(server)
    assert decode(row["picture"]).size == (64, 64)
