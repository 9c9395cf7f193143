"""A project of folders with small pictures and a tiny profile, as a clone of this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from PIL import Image

from tests.support.filters import FILTERS, crops, photograph, tone
from tests.support.trainings import SIZES

ROOT = Path(__file__).parents[2]
TREE = (
    "src", "flows", "models/base", "data/curated", "data/sources.lock", "dvc.yaml", "params.yaml",
    "prefect.yaml", "pyproject.toml", ".dvc/config", ".dvcignore", ".gitignore",
    ".dvc/.gitignore", "data/.gitignore",
)  # fmt: skip
MODELS = ("transfer", "restore", "portrait")
SIDES = {"photograph": 64, "painting": 64, "portrait": 64}
CLOCK = {"kimg": 0.02, "tick_kimg": 0.008, "sample_kimg": 0.016}


def write_pictures(folder):
    """Photographs, the same ones filtered, and faces cut from one of them."""
    taken = [photograph(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    face = taken[0][:280, 100:340]
    pictures = {
        "photos": [crop for p in taken for crop in crops(p, 200, count=4, seed=1)],
        "art": [c for p in taken for f in FILTERS.values() for c in crops(f(tone(p)), 200, 2, 2)],
        "faces": crops(face, 160, count=48, seed=3),
    }
    for name, cut in pictures.items():
        (folder / name).mkdir(parents=True)
        for i, picture in enumerate(cut):
            Image.fromarray(picture).save(folder / name / f"{i:02d}.png")


def shrink_params(path):
    """One tiny profile for every model, and three folders as sources."""
    params = yaml.safe_load(path.read_text())
    models = {name: params["models"][name]["cpu"] | SIZES[name] | CLOCK for name in MODELS}
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
    """Fill a folder with a git repository like a clone's, with small pictures as its sources."""
    for name in TREE:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    write_pictures(root / "own")
    shrink_params(root / "params.yaml")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    commit_all(root)
    return root


def commit_all(root: Path) -> None:
    """Make a commit of everything in the clone."""
    who = "-c user.name=tester -c user.email=tester@example.org"
    for command in ("add -A", f"{who} commit -qm all"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


def environment(root: Path, *paths: Path) -> dict[str, str]:
    """For programs that run in the clone: its own code, and nothing that points elsewhere.

    Args:
        root: of the clone.
        paths: where Python looks before it looks there.
    """
    foreign = ("MLFLOW_", "PREFECT_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return mine | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(map(str, (*paths, root / "src", root))),
        "STYLEFUSE_CACHE": os.environ.get("STYLEFUSE_CACHE", str(ROOT / ".cache/downloads")),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONDONTWRITEBYTECODE": "",  # compiled files must not make a stage look changed
    }
