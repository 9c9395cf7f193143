"""Where the project keeps its files, relative to its folder. Commands run in that folder."""

from pathlib import Path

DATA = Path("data")
PICTURES = DATA / "pictures"  # as ingested
NETWORKS = DATA / "networks"  # published networks: evaluation's, and the perceptual loss's
MANIFEST = DATA / "manifest.parquet"  # one row per picture
ATTRIBUTION = DATA / "ATTRIBUTION.md"
PREPARED = DATA / "prepared"  # square arrays, per split and domain
SOURCES_LOCK = DATA / "sources.lock"  # checksums of what the sources held when first ingested

MODELS = Path("models")  # models/NAME: the last training's
BASE_MODELS = MODELS / "base"  # models/base/NAME: weights that come with the project
CHECKPOINTS = Path(".ckpt")

REPORTS = Path("reports")
METRICS = REPORTS / "metrics"  # NAME.json
TRAINING_REPORTS = REPORTS / "train"  # NAME/curves.csv, NAME/samples
TRAINING_ENVIRONMENTS = REPORTS / "environments"  # NAME.json: where NAME was trained
SAMPLE_GRIDS = REPORTS / "sample_grids"  # NAME/*.png
VALIDATION_REPORT = REPORTS / "validation.json"

DVC_LOCK = Path("dvc.lock")
REQUIREMENTS_LOCK = Path("requirements.lock")
REGISTRY_HOME = Path("mlflow")  # the embedded store, its locks, the signing key
PIPELINE_LOCK = Path(".prefect/pipeline.lock")
