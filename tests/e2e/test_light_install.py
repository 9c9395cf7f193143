"""The wheel in an environment of its own, and a registered version where stylefuse is missing."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.images.base64 import decode
from stylefuse.inference.style_gallery import shipped_styles
from tests.support.linked_packages import link_dependencies
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
    if requirements:
        subprocess.run([*pip, "install", "--quiet", *requirements], check=True, env=ENVIRONMENT)
    return folder / "bin"


def site_packages(programs: Path) -> Path:
    (folder,) = programs.parent.glob("lib/python*/site-packages")
    return folder


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
    files = (path for path in site_packages(light).rglob("*") if path.is_file())
    size = sum(path.stat().st_blocks * 512 for path in files)
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
        (["transfer", "photograph.jpg", "--style", "painting.png"], "out.png"),
        (["fuse", "photograph.jpg", "painting.png"], "out.png"),
        (["restore", "photograph.jpg"], "out.png"),
        (["portrait"], "out/portrait-00000000.png"),
        (["character", ROOT / "src/stylefuse/inference/characters/gallery/king.webp",
          "--as", "elf-lady", "--quality", "fast"], "out.png"),
    ],
)  # fmt: skip
def test_it_paints_in_any_folder(paint, tmp_path, arguments, output):
    for name in ("photograph.jpg", "painting.png"):
        with Image.open(ROOT / "examples" / name) as picture:
            picture.resize((96, 64)).save(tmp_path / name)
    paint(*map(str, arguments), "-o", output.partition("/")[0])
    with Image.open(tmp_path / output) as picture:
        assert min(picture.size) >= 64


def test_the_wheel_has_all_that_the_page_shows(wheel):
    root = ROOT / "src"
    page = root / "stylefuse/web"
    files = [path for path in page.rglob("*") if path.suffix in (".css", ".js", ".jpg", ".md")]
    styles = list((root / "stylefuse/inference/styles").iterdir())
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert len(files) >= 6
    assert len(styles) == len(shipped_styles()) + 1  # their licences
    assert {str(path.relative_to(root)) for path in (*files, *styles)} <= names


@pytest.mark.parametrize(
    ("command", "extra"), [("serve", "serve"), ("app", "app"), ("register", "pipeline")]
)
def test_a_command_of_an_extra_names_it(paint, command, extra):
    assert f"WHEEL[{extra}]" in paint(command, code=2)


@pytest.fixture(scope="module")
def dockerfile(shared_folder, tmp_path_factory):
    """What `mlflow models generate-dockerfile` writes for a registered version."""
    folder = tmp_path_factory.mktemp("registered")
    project = copy_project_with_two_versions(shared_folder, folder / "project")
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow/mlflow.db"}
    arguments = ["-m", "models:/stylefuse-transfer@champion", "-d", str(folder / "image")]
    subprocess.run(
        [Path(sys.executable).with_name("mlflow"), "models", "generate-dockerfile", *arguments],
        cwd=folder, env=ENVIRONMENT | store, capture_output=True, check=True,
    )  # fmt: skip
    return folder / "image/Dockerfile"


class Container:
    """A virtual environment in which the steps of a Dockerfile that make no system were executed.

    What MLflow needs is linked before, so that pip finds it there.

    Attributes:
        programs: its folder of programs.
        model: what the image has in `/opt/ml/model`.
        home: a folder that was empty before anything was served.
        entry_point: the image's command, for a port.
        log: what the steps printed, so all packages that pip looked for.
    """

    def __init__(self, dockerfile: Path, folder: Path):
        self.programs, self.model = make_environment(folder / "environment"), folder / "model"
        self.home, self.log = folder / "home", ""
        self.home.mkdir()
        link_dependencies("mlflow", site_packages(self.programs))
        # for pip's cache; compiling all modules takes longer than the few that are used
        environment = self.environment() | {"HOME": os.environ["HOME"], "PIP_NO_COMPILE": "1"}
        for line in dockerfile.read_text().splitlines():
            instruction, _, arguments = line.partition(" ")
            if instruction == "COPY":
                shutil.copytree(dockerfile.parent / arguments.split()[0], self.model)
            elif instruction == "RUN" and arguments.startswith(("pip ", "python ")):
                command = shlex.split(arguments.replace("/opt/ml/model", str(self.model)))
                self.log += subprocess.run(
                    command, cwd=folder, env=environment, check=True, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                ).stdout  # fmt: skip
            elif instruction == "ENTRYPOINT":
                self._entry_point = json.loads(arguments)

    def environment(self, **variables: str) -> dict[str, str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        outside = {"XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY"}
        own = {name: value for name, value in ENVIRONMENT.items() if name not in outside}
        return own | {"PATH": path, "HOME": str(self.home)} | variables

    def usage_events(self) -> list[Path]:
        """The files in which ONNX Runtime would queue usage events."""
        return list(self.home.rglob("*onnxruntime*"))

    def entry_point(self, port: int) -> list[str]:
        *python, code = self._entry_point
        constants = f"C.MODEL_PATH = {str(self.model)!r}; C.DEFAULT_INFERENCE_SERVER_PORT = {port}"
        return [*python, code.replace("C._serve", f"{constants}; C._serve")]


@pytest.fixture(scope="module")
def container(dockerfile, tmp_path_factory):
    return Container(dockerfile, tmp_path_factory.mktemp("container"))


def test_a_version_needs_no_package_of_this_project(container, dockerfile):
    """pip would ask a public index, where the name belongs to nobody."""
    missing = [container.programs / "python", "-c", "import stylefuse"]
    assert subprocess.run(missing, capture_output=True, env=ENVIRONMENT).returncode
    assert "Collecting onnxruntime" in container.log
    names = ("requirements.txt", "python_env.yaml", "conda.yaml")
    texts = [(container.model / name).read_text() for name in names]
    for text in (container.log, dockerfile.read_text(), *texts):
        assert "stylefuse" not in text


@pytest.mark.parametrize("way", ["the image's entry point", "mlflow models serve"])
def test_a_version_is_served_where_stylefuse_is_missing(container, tmp_path, way):
    port = free_port()
    serve = ["mlflow", "models", "serve", "-m", str(container.model), "--env-manager", "local"]
    command = [*serve, "-p", str(port)]
    if way == "the image's entry point":
        command = container.entry_point(port)
    environment = container.environment(DISABLE_NGINX="true", MLFLOW_MODELS_WORKERS="1")
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), server)
        body = (container.model / "serving_input_example.json").read_bytes()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            (row,) = json.load(answer)["predictions"]
    finally:
        stop(server)
    assert decode(row["picture"]).size == (64, 64)
    assert not container.usage_events()


PREDICT = """
import sys, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
(picture,) = model.predict(model.input_example).picture
print(picture)
"""


def test_a_version_is_loaded_where_stylefuse_is_missing(container, tmp_path):
    command = [container.programs / "python", "-c", PREDICT, container.model]
    answer = subprocess.run(
        command, cwd=tmp_path, env=container.environment(), capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert decode(answer.stdout).size == (64, 64)
    assert not container.usage_events()
