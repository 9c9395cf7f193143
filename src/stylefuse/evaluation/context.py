"""What a judge is given: a trained model, held-out pictures, and the network that judges."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stylefuse.config import Evaluate, Params, Split
from stylefuse.data.batches import load_tiles
from stylefuse.evaluation.metrics import features
from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.metrics.frechet_distance import frechet_distance
from stylefuse.evaluation.metrics.kernel_distance import kernel_distance
from stylefuse.models.task import Task

MANIFEST, PREPARED = Path("data/manifest.parquet"), Path("data/prepared")
NETWORKS = Path("data/networks")
DISTANCES = (
    f"KID and FID are in the features of {features.NAME}, which training never sees; with so few "
    "pictures KID is the one to read."
)


@dataclass(frozen=True)
class EvaluationContext:
    """A model on the bench.

    Args:
        params: `evaluate` says how many pictures of which size, `seed` draws them.
        recipe: the model's.
        generator: its trained Keras model.
        network: uint8 pictures `[n, side, side, 3]` → their features.
        sheets: a folder for pictures.
        split: "test" for what is reported, "validation" for whatever is tuned.
    """

    params: Params
    task: Task
    generator: Any
    network: Callable[[np.ndarray], Features]
    sample_grids: Path
    split: Split = "test"

    @property
    def settings(self) -> Evaluate:
        """How to judge."""
        return self.params.evaluate

    @property
    def train(self) -> Any:
        """How the model was trained: its own `Settings`."""
        return self.params.model_settings(self.task.name)

    @cached_property
    def predictor(self) -> Any:
        """The generator, ready to paint."""
        return self.task.make_predictor(self.generator, self.params.serve.max_side)

    def tiles(self, domain: str, split: Split | None = None) -> np.ndarray:
        """A prepared array of the judged split, or of another: uint8 `[n, side, side, 3]`.

        Raises:
            UserError: it is missing.
        """
        return load_tiles(PREPARED, split or self.split, domain, self.train.crop)

    def distances(self, a: Features, b: Features) -> dict[str, float]:
        """KID, its deviation over the subsets, and FID of one set of pictures to another."""
        size, subsets = self.settings.kid_subset, self.settings.kid_subsets
        kid, deviation = kernel_distance(a.pooled, b.pooled, size, subsets, self.params.seed)
        fid = frechet_distance(a.pooled, b.pooled)
        return {"kid": kid, "kid_deviation": deviation, "fid": fid}
