"""The documentation builds without warnings, and every command in it is run by a test."""

import glob
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from stylefuse import cli
from stylefuse.inference import style_learning
from tests.support.models import SHAPES, make_model, make_project, noise
from tests.support.people import astronaut
from tests.support.servers import answers, free_port, wait_for
from tests.support.stores import copy_empty_store
from tests.support.trainings import ROOT

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/gallery.md",
    "docs/background/base-weights.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs/guides").glob("*.md")),
)
GALLERY = (ROOT / "docs/gallery.md").read_text()
PICTURES = ("photo.jpg", "painting.jpg", "drawing.jpg", "wave.jpg", "harvest.jpg", "a.jpg", "b.jpg",
            "mask.png", "old.jpg", "monet/1.jpg", "monet/2.jpg", "photos/1.jpg", "photos/2.jpg",
            "old/1.jpg", "docs/gallery/degraded.jpg", "examples/photograph.jpg",
            "examples/painting.png",
            *sorted({*re.findall(r"data/pictures/[\w/.-]+", GALLERY)}))  # fmt: skip
SIZES = (48, 36), (96, 72), (64, 64), (256, 256), (360, 270), (512, 512)
PEOPLE = "person.jpg", "painting-of-a-face.jpg", "examples/astronaut.jpg"
ELSEWHERE = {  # how a command begins → what runs it
    "make repro": "tools/fresh_clone.sh",
    "make test": ".ci/run",
    "make env": ".ci/run",
    "make wheel": "tests/e2e/test_light_install.py",
    "python3 -m venv": "tests/e2e/test_light_install.py",
    "pip install": "tests/e2e/test_light_install.py",
    ". .venv/bin/activate": "tools/fresh_clone.sh",
    "make serve": "tests/integration/serving/test_server.py",
    "make ui": "tests/integration/registry/test_mlflow_ui.py",
    "make flows": "tests/e2e/flows/test_deployments.py",
    "stylefuse app": "tests/e2e/web/test_page.py",
    "stylefuse video": "tests/integration/painting/test_video.py",
    "stylefuse gate": "tests/e2e/flows/test_deployments.py",
    "stylefuse reproduce": "tests/e2e/test_reproduce.py",
    ".venv/bin/python -m flows.train --plan": "tests/integration/flows/test_graph.py",
    ".venv/bin/python -m flows.sweep": "tests/e2e/flows/test_deployments.py",
    ".venv/bin/python -m flows.batch": "tests/e2e/flows/test_batch.py",
    "dask": "tests/e2e/flows/test_batch.py",
    "jq": "tests/integration/painting/test_chunk.py",
    "MLFLOW_TRACKING_URI=sqlite:///mlflow/mlflow.db PYSPARK_PYTHON": "tests/e2e/test_spark.py",
    "export PREFECT_API_URL": "tests/e2e/flows/test_deployments.py",
    "export MLFLOW_TRACKING_URI": "tests/e2e/test_light_install.py",
    "mlflow models build-docker": "tests/e2e/test_light_install.py",
    "curl --user admin": "tests/e2e/test_team_server.py",
    "docker run": "tests/e2e/test_light_install.py",
    "git commit": "tests/e2e/test_pipeline.py",
    "KERAS_BACKEND=jax make repro": "tools/gpu_train.sh",
    '.venv/bin/pip install "jax[cuda12]': "pyproject.toml",
    "dvc repro ingest && python -m tools.pack_data": "tools/gpu_train.sh",
    "dvc": "tests/e2e/test_storage.py",
    "AWS_ACCESS_KEY_ID": "tests/e2e/test_storage.py",
    "tools/gpu_train.sh": "models/base/transfer/run.json",
    "docker build": "tests/e2e/flows/test_pools.py",
    "docker compose": "tests/integration/flows/test_deploy_files.py",
    "sudo": "tests/integration/flows/test_deploy_files.py",
    "prefect": "tests/e2e/flows/test_pools.py",
    "PREFECT_DEFAULT_WORK_POOL_NAME": "tests/e2e/flows/test_pools.py",
}


def commands(page: str) -> list[str]:
    """All shell commands of a page, each with its continuation lines."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    lines = []
    for block in blocks:
        if "|\n" in block:
            lines.append(block)
            continue
        joined = re.sub(r"\s*\\\n\s*", " ", block)
        lines += [re.sub(r"\s+# .*", "", line).strip() for line in joined.splitlines()]
    return lines


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """All models in a registry, restore with two versions, and the pictures that the pages name."""
    folder = make_project(tmp_path_factory.mktemp("docs"), *SHAPES)
    copy_empty_store(shared_folder, folder)
    for seed, name in enumerate(PICTURES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise(48, 36, seed=seed).save(folder / name)
    for name in PEOPLE:
        astronaut().save(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        cli.main(["register"])
        make_model(folder / "models/restore", "restore", width=2, blocks=1, code=8)
        cli.main(["register", "restore"])
        yield folder


HERE = [
    (page, line)
    for page in PAGES
    for line in commands(page)
    if not line.startswith(tuple(ELSEWHERE))
]
PAINTING = [(page, line) for page, line in HERE if line.startswith("stylefuse")]
REQUEST, SERVER = (line for _, line in HERE if not line.startswith("stylefuse"))


@pytest.mark.parametrize(("page", "line"), PAINTING)
def test_a_command_of_the_documentation_works(project, monkeypatch, page, line):
    """Those of the README to the letter; the others by the fast network, where they do not say.

    Styles are learned in few steps.
    """
    monkeypatch.setattr(style_learning, "STEPS", 2)
    words = [name for word in shlex.split(line)[1:] for name in glob.glob(word) or [word]]  # noqa: PTH207
    fast = page != "README.md" and words[0] in ("transfer", "fuse", "character")
    cli.main([words[0], *(["--quality", "fast"] if fast else []), *words[1:]])
    if "-o" in words:
        out = Path(words[words.index("-o") + 1])
        made = [out] if out.suffix else list(out.glob("*.png"))
        assert made
        for path in made:
            assert path.stat().st_size
            assert path.suffix == ".style" or Image.open(path).size in SIZES


@pytest.mark.parametrize("server", ["stylefuse serve transfer --port 5001", SERVER])
def test_the_request_of_the_serving_guide_is_answered(project, server):
    port, shell = str(free_port()), ["bash", "-euo", "pipefail", "-c"]
    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    where = {"cwd": project, "env": os.environ | programs}
    command = [*shell, server.replace("5001", port)]
    serving = subprocess.Popen(command, **where, start_new_session=True)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), serving)
        (project / "painted.png").unlink(missing_ok=True)
        subprocess.run([*shell, REQUEST.replace("5001", port)], **where, check=True)
        assert Image.open(project / "painted.png").size == (48, 36)
    finally:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.wait()


def test_every_other_command_names_what_runs_it():
    lines = [line for page in PAGES for line in commands(page)]
    for start, where in ELSEWHERE.items():
        assert any(line.startswith(start) for line in lines), f"no page says {start}"
        assert (ROOT / where).exists()


def test_the_documentation_builds(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stylefuse transfer" in (tmp_path / "reference/commands.html").read_text()
    assert "FusionOptions" in (tmp_path / "reference/python.html").read_text()
    assert "EfficientNet" in (tmp_path / "measurements/metrics.html").read_text()
    broken = [
        (page.name, link)
        for page in tmp_path.rglob("*.html")
        for link in re.findall(r'href="([^":]+)"', page.read_text())
        if not resolves(page, link)
    ]
    assert not broken


def resolves(page: Path, link: str) -> bool:
    """Whether a link leads to an existing file, and to an existing anchor in its own page."""
    path, _, anchor = link.partition("#")
    if path:
        return (page.parent / path.partition("?")[0]).exists()
    return not anchor or f'id="{anchor}"' in page.read_text()
