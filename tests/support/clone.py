"""Clones of this project with small pictures from folders and a tiny profile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from PIL import Image

from tests.support.filters import FILTERS, crops, photograph, tone
from tests.support.registered_project import copy_template
from tests.support.trainings import SIZES

ROOT = Path(__file__).parents[2]
TREE = (
    "src", "flows", "models/base", "data/curated", "data/sources.lock", "dvc.yaml", "params.yaml",
    "prefect.yaml", "pyproject.toml", ".dvc/config", ".dvcignore", ".gitignore",
    ".dvc/.gitignore", "data/.gitignore",
)  # fmt: skip
MODELS = ("transfer", "restore", "portrait")
SIDES = {"photograph": 64, "painting": 64, "portrait": 64}
SHORT = {"kimg": 0.02, "tick_kimg": 0.008, "sample_kimg": 0.016, "r1": 0}  # soon compiled

# With this module in a folder on its path, Python logs each address that it connects to.
SITECUSTOMIZE = """
import os, socket
connect = socket.socket.connect
def logging_connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith("127."):
        with open(os.environ["CONNECTIONS_LOG"], "a") as file:
            file.write(f"{address}\\n")
    return connect(self, address)
socket.socket.connect = logging_connect
"""


def write_pictures(folder):
    """Write photographs, the same photographs filtered, and faces cut from one of them."""
    photographs = [photograph(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    face = photographs[0][:280, 100:340]
    pictures = {
        "photos": [crop for p in photographs for crop in crops(p, 200, count=4, seed=1)],
        "art": [
            c for p in photographs for f in FILTERS.values() for c in crops(f(tone(p)), 200, 2, 2)
        ],
        "faces": crops(face, 160, count=48, seed=3),
    }
    for name, cuts in pictures.items():
        (folder / name).mkdir(parents=True)
        for i, picture in enumerate(cuts):
            Image.fromarray(picture).save(folder / name / f"{i:02d}.png")


def shrink_params(path):
    """Leave one tiny profile for every model, and three folders as sources."""
    params = yaml.safe_load(path.read_text())
    models = {name: params["models"][name]["cpu"] | SIZES[name] | SHORT for name in MODELS}
    models["transfer"]["fusion_share"] = 0  # one phase
    params |= {
        "profile": "tiny",
        "prepare": {"tiny": {"sides": SIDES, "tiles_per_picture": 1}},
        "models": {name: {"tiny": settings} for name, settings in models.items()},
    }
    folders = {"photos": "photograph", "art": "painting", "faces": "portrait"}
    params["data"]["sources"] = [
        {"name": name, "domain": domain, "kind": "folder", "path": f"own/{name}"}
        for name, domain in folders.items()
    ]
    params["data"]["near_duplicate_bits"] = 0
    params["evaluate"] |= {
        "size": 64, "photographs": 2, "styles_per_photograph": 2, "reference_crops": 2,
        "portraits": 16, "kid_subset": 8, "kid_subsets": 4,
    }  # fmt: skip
    params["validation"] |= {"min_pictures": 8, "min_test_pictures": 2}
    path.write_text(yaml.safe_dump(params))


def make_clone(root: Path) -> Path:
    """Fill a folder with a Git repository of this project and small pictures as its sources.

    Restoration comes without weights in it, so that its first trained version becomes champion.
    """
    for name in TREE:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.rmtree(root / "models/base/restore")
    write_pictures(root / "own")
    shrink_params(root / "params.yaml")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    commit_all(root)
    return root


def copy_finished_project(shared: Path, folder: Path) -> Path:
    """A copy of a clone whose pipeline has run, without network access after the ingest stage.

    The pipeline runs once in a test run. `connections_log` has the addresses that it connected to.

    Args:
        shared: a folder that all workers of the test run share.
        folder: of the copy.
    """

    def make(template: Path) -> None:
        make_clone(template)
        run(template, "dvc", "repro", "ingest")
        spy = template.with_name("spy")
        spy.mkdir(exist_ok=True)
        (spy / "sitecustomize.py").write_text(SITECUSTOMIZE)
        log = connections_log(shared)
        log.unlink(missing_ok=True)
        logging = environment(template, spy) | {"CONNECTIONS_LOG": str(log)}
        run(template, "dvc", "repro", variables=logging)

    return copy_template(shared, "finished-project", make, folder)


def connections_log(shared: Path) -> Path:
    """The log of `copy_finished_project`; there is none if nothing was connected to."""
    return shared / "connections.log"


def run(
    root: Path,
    *command: str,
    variables: dict[str, str] | None = None,
    succeeds: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a clone.

    Args:
        root: of the clone.
        command: a program and its arguments.
        variables: the environment; default: `environment(root)`.
        succeeds: False if the command may fail.
    """
    process = subprocess.run(
        command, cwd=root, env=variables or environment(root), capture_output=True, text=True
    )
    assert not (succeeds and process.returncode), process.stdout + process.stderr
    return process


def keep_one_model(root: Path, model: str) -> None:
    """Remove the other models from the parameters of a clone."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["models"] = {model: params["models"][model]}
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def commit_all(root: Path) -> None:
    """Commit everything in the clone."""
    who = "-c user.name=tester -c user.email=tester@example.org"
    for command in ("add -A", f"{who} commit -q --allow-empty -m all"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


def environment(root: Path, *paths: Path) -> dict[str, str]:
    """The environment of programs that run in the clone: its own code, no servers of others.

    Args:
        root: of the clone.
        paths: folders that Python searches for modules first.
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "PREFECT_"))
    }
    return variables | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(map(str, (*paths, root / "src", root))),
        "STYLEFUSE_CACHE": os.environ.get("STYLEFUSE_CACHE", str(ROOT / ".cache/downloads")),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONDONTWRITEBYTECODE": "",  # compiled files must not change a stage's dependencies
    }
