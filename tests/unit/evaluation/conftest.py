"""A small project with held-out pictures of three domains, and a network that judges by colours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from stylefuse.config import load_params
from stylefuse.evaluation.context import MANIFEST, PREPARED, EvaluationContext
from stylefuse.evaluation.metrics.features import Features
from stylefuse.models.task import find_task
from tests.unit.test_config import SHIPPED

SIDE = 64
SETTINGS = {
    "size": SIDE, "photographs": 4, "styles_per_photograph": 2, "reference_crops": 3,
    "portraits": 70, "kid_subset": 6, "kid_subsets": 5,
}  # fmt: skip
TINY = {"crop": 32, "width": 4, "blocks": 1, "code": 8, "latent": 8}


def scenes(count: int, seed: int) -> np.ndarray:
    """Blurred noise, uint8 `[count, SIDE, SIDE, 3]`."""
    noise = np.random.default_rng(seed).normal(size=(count, SIDE, SIDE, 3))
    smooth = gaussian_filter(noise, (0, 3, 3, 0), mode="reflect")
    return np.clip(128 + 45 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def see(pictures: np.ndarray) -> Features:
    """Mean colours of 16 cells, and moments of the whole."""
    x = pictures / 255
    n, height, width, _ = x.shape
    cells = x.reshape(n, 4, height // 4, 4, width // 4, 3).mean((2, 4)).reshape(n, 48)
    return Features(cells, np.concatenate([x.mean((1, 2)), x.std((1, 2))], axis=1))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory with pictures, manifest and prepared arrays."""
    monkeypatch.chdir(tmp_path)
    PREPARED.mkdir(parents=True)
    rows = []
    for number, domain in enumerate(("photograph", "painting", "portrait")):
        for shift, (split, count) in enumerate((("train", 9), ("validation", 3), ("test", 7))):
            pictures = scenes(count, 10 * number + shift)
            np.save(PREPARED / f"{split}_{domain}.npy", pictures)
            for i, picture in enumerate(pictures):
                path = Path(f"{domain}-{split}-{i}.png")
                Image.fromarray(picture).save(path)
                rows.append((str(path), domain, split))
    pd.DataFrame(rows, columns=["path", "domain", "split"]).to_parquet(MANIFEST)
    return tmp_path


@pytest.fixture
def make_context(project):
    """A function of a model's name → the bench with that model, tiny and untrained."""

    def make(name: str) -> EvaluationContext:
        params = load_params(SHIPPED)
        train = params.model_settings(name)
        tiny = {key: value for key, value in TINY.items() if hasattr(train, key)}
        train = train.model_copy(update=tiny | ({"crop": SIDE} if name == "portrait" else {}))
        params = params.model_copy(
            update={
                "models": {name: {params.profile: train}},
                "evaluate": params.evaluate.model_copy(update=SETTINGS),
            }
        )
        task = find_task(name)
        generator = task.build_generator(**task.architecture_of(train))
        return EvaluationContext(params, task, generator, see, project / "sheets")

    return make
