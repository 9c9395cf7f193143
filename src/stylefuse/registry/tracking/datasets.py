"""The pictures of a training as MLflow datasets, one for each domain and split."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Params
from stylefuse.paths import PREPARED
from stylefuse.registry.integrity.provenance import dvc_tags

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

CONTEXTS = {"train": "training", "validation": "validation", "test": "testing"}
CONTEXT_TAG = "mlflow.data.context"
MAX_DIGEST_LENGTH = 32  # digits of DVC's hash; MLflow stores up to 36


def dataset_inputs(params: Params, model: str) -> list["DatasetInput"]:
    """The datasets that a model is trained and evaluated on.

    Args:
        params: the model's domains.
        model: its name in `params.yaml`.

    Returns:
        An empty list if no arrays are prepared.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    listing = PREPARED / "tiles.json"
    if not listing.exists():
        return []
    tiles = json.loads(listing.read_text())
    digest = dvc_tags(Path(), model).get(f"dvc.{PREPARED}", "not by DVC")[:MAX_DIGEST_LENGTH]
    inputs = []
    for domain in params.model_settings(model).domains:
        for split, context in CONTEXTS.items():
            if not (pictures := tiles.get(f"{split}_{domain}")):
                continue
            source = {"path": str(PREPARED / f"{split}_{domain}.npy"), "dvc": digest}
            profile = {"pictures": len(set(pictures)), "tiles": len(pictures)}
            dataset = Dataset(
                f"{domain}s for {context}", digest, "dvc", json.dumps(source),
                profile=json.dumps(profile),
            )  # fmt: skip
            inputs.append(DatasetInput(dataset, [InputTag(CONTEXT_TAG, context)]))
    return inputs
