"""The evaluation context: a trained model, held-out pictures and the feature network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from stylefuse.config import Evaluate, Params, Split
from stylefuse.data.batches import load_tiles
from stylefuse.evaluation.metrics import features
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.metrics.fid import frechet_distance
from stylefuse.evaluation.metrics.kid import kernel_distance
from stylefuse.models.task import Task
from stylefuse.paths import MANIFEST, PREPARED

DISTANCES_NOTE = (
    f"KID and FID use the features of {features.NETWORK}, which training never sees. KID is the "
    "more reliable one with so few pictures."
)


class Network(Protocol):
    """What evaluators need of a feature network, see `FeatureNetwork`."""

    def __call__(self, pictures: np.ndarray) -> Features:
        """Features of uint8 pictures `[n, side, side, 3]`."""

    def maps(self, pictures: np.ndarray) -> list[np.ndarray]:
        """Early feature maps of float32 levels `[n, height, width, 3]`."""


@dataclass(frozen=True)
class EvaluationContext:
    """A trained model and everything that an evaluator needs to evaluate it.

    Args:
        params: `evaluate` has the number and size of the pictures, `seed` selects them.
        task: the model's task.
        predictor: paints with the trained model.
        network: computes features of pictures.
        sample_grids: folder that sample grids are written to.
        split: "test" for reported results, "validation" for everything that is tuned.
    """

    params: Params
    task: Task
    predictor: Any
    network: Network
    sample_grids: Path
    split: Split = "test"

    @property
    def settings(self) -> Evaluate:
        """The evaluation settings."""
        return self.params.evaluate

    @property
    def model_settings(self) -> Any:
        """The training settings of the model, its own `Settings`."""
        return self.params.model_settings(self.task.name)

    def manifest(self) -> pd.DataFrame:
        """Read the manifest of the ingested pictures, one row per picture."""
        return pd.read_parquet(MANIFEST)

    def tiles(self, domain: str, split: Split | None = None) -> np.ndarray:
        """Load prepared pictures of the evaluated split, or of another: uint8 `[n, side, side, 3]`.

        Raises:
            UserError: the array is missing.
        """
        return load_tiles(PREPARED, split or self.split, domain, self.model_settings.crop)

    def distances(self, a: Features, b: Features) -> dict[str, float]:
        """Compute KID, its deviation over the subsets, and FID of two sets of pictures."""
        kid, deviation = kernel_distance(
            a.pooled,
            b.pooled,
            self.settings.kid_subset,
            self.settings.kid_subsets,
            self.params.seed,
        )
        fid = frechet_distance(a.pooled, b.pooled)
        return {"kid": kid, "kid_deviation": deviation, "fid": fid}
