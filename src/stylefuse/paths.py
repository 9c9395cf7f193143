"""Paths of the project's files, relative to the project folder, in which all commands run.

A scheduled run works in a worktree of the project. It has files of its own there, but what is in no
commit and not in DVC's cache stays in the project: the registry, downloads, checkpoints, logs.
"""

import os
from pathlib import Path

PROJECT_VARIABLE = "STYLEFUSE_PROJECT"
PROJECT = Path(os.environ.get(PROJECT_VARIABLE, ""))  # absolute in a worktree, else this folder

DATA = Path("data")
PICTURES = DATA / "pictures"  # as ingested
NETWORKS = DATA / "networks"  # published networks, for evaluation and the perceptual loss
MANIFEST = DATA / "manifest.parquet"  # one row per picture
ATTRIBUTION = DATA / "ATTRIBUTION.md"
LEFT_OUT = DATA / "left_out.csv"  # pictures of the sources that are not used, and why
PREPARED = DATA / "prepared"  # arrays of square tiles, per split and domain
SOURCES_LOCK = DATA / "sources.lock"  # checksums of the sources' files at the first ingestion

PARAMS = Path("params.yaml")
CHAMPIONS = PROJECT / ".cache/champions.json"  # where the registry's champions were last found

MODELS = Path("models")  # models/NAME: weights of the last training
BASE_MODELS = MODELS / "base"  # models/base/NAME: weights that are shipped with the project
SHIPPED_MODELS = Path(__file__).parent / "weights"  # the same for painting, in a wheel
CHECKPOINTS = PROJECT / ".ckpt"

REPORTS = Path("reports")
METRICS = REPORTS / "metrics"  # NAME.json
TRAINING_REPORTS = REPORTS / "train"  # NAME/curves.csv, NAME/samples
TRAINING_ENVIRONMENTS = REPORTS / "environments"  # NAME.json: where NAME was trained
SAMPLE_GRIDS = REPORTS / "sample_grids"  # NAME/*.png
VALIDATION_REPORT = REPORTS / "validation.json"

DVC_LOCK = Path("dvc.lock")
REQUIREMENTS_LOCK = Path("requirements.lock")
REGISTRY_HOME = PROJECT / "mlflow"  # the embedded store, its locks, the signing key
PIPELINE_LOCK = PROJECT / ".prefect/pipeline.lock"
