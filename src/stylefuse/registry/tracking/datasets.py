"""The pictures of a training, as MLflow's pages show them: a data set for each domain and split."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Params
from stylefuse.registry.integrity.provenance import TRACKED, made_from

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PREPARED = Path(TRACKED[0])
CONTEXTS = {"train": "training", "validation": "validation", "test": "testing"}
DIGEST = 32  # digits of DVC's hash; MLflow keeps 36


def dataset_inputs(params: Params, model: str) -> list["DatasetInput"]:
    """What a model is trained on and judged with; nothing where no arrays are prepared.

    Args:
        params: tell the model's domains.
        model: its name in `params.yaml`.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    listed = PREPARED / "tiles.json"
    if not listed.exists():
        return []
    tiles = json.loads(listed.read_text())
    digest = made_from(Path(), model).get(f"dvc.{PREPARED}", "not by DVC")[:DIGEST]
    found = []
    for domain in params.model_settings(model).domains:
        for split, context in CONTEXTS.items():
            if not (names := tiles.get(f"{split}_{domain}")):
                continue
            profile = {"pictures": len(set(names)), "tiles": len(names)}
            source = {"path": str(PREPARED / f"{split}_{domain}.npy"), "dvc": digest}
            found.append(
                DatasetInput(
                    Dataset(
                        f"{domain}s for {context}", digest, "dvc", json.dumps(source),
                        profile=json.dumps(profile),
                    ),
                    [InputTag("mlflow.data.context", context)],
                )
            )  # fmt: skip
    return found
