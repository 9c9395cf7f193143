"""The MLflow run of a batch: many pictures that one version painted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylefuse.config import Registry
from stylefuse.registry.store import open_store, report_outages
from stylefuse.registry.tracking.flatten import flatten

KIND_TAG, BATCH = "stylefuse.kind", "batch"
VERSION_TAG = "stylefuse.version"
MANIFEST_ARTIFACT = "manifest"  # folder among the run's artifacts


@report_outages()
def log_batch(
    registry: Registry,
    version: str,
    options: Mapping[str, Any],
    counts: Mapping[str, int],
    manifest: Path,
) -> str:
    """Log a batch with its manifest, so that the registry says what a version was used for.

    Args:
        registry: the section of `params.yaml`.
        version: `NAME/VERSION` of the registered version that painted.
        options: of the model.
        counts: of pictures, by what became of them.
        manifest: the folder of its parts.

    Returns:
        The run's ID.

    Raises:
        UserError: the store is unreachable.
    """
    open_store(registry)
    import mlflow

    with mlflow.start_run(run_name=f"batch of {version}") as run:
        mlflow.set_tags({KIND_TAG: BATCH, VERSION_TAG: version})
        mlflow.log_params(flatten(dict(options)))
        mlflow.log_metrics(dict(counts))
        for part in sorted(manifest.glob("*.jsonl")):
            mlflow.log_artifact(str(part), MANIFEST_ARTIFACT)
    return run.info.run_id
