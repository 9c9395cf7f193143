"""A small project with held-out pictures of three domains, and a stand-in feature network."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from stylefuse.config import load_params
from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.evaluation.metrics.features import Features
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.saving import save_generator
from stylefuse.models.task import find_task
from stylefuse.paths import MANIFEST, PREPARED
from tests.unit.test_config import SHIPPED

SIDE = 64
EVALUATE = {
    "size": SIDE, "photographs": 4, "styles_per_photograph": 2, "reference_crops": 3,
    "portraits": 70, "kid_subset": 6, "kid_subsets": 5,
}  # fmt: skip
TINY_MODEL = {"crop": 32, "width": 4, "blocks": 1, "code": 8, "latent": 8}
PICTURES = {"train": 9, "validation": 3, "test": 7}  # per domain


def scenes(count: int, seed: int) -> np.ndarray:
    """Blurred noise, uint8 `[count, SIDE, SIDE, 3]`."""
    noise = np.random.default_rng(seed).normal(size=(count, SIDE, SIDE, 3))
    smooth = gaussian_filter(noise, (0, 3, 3, 0), mode="reflect")
    return np.clip(128 + 45 * smooth / smooth.std(), 0, 255).astype(np.uint8)


class SimpleNetwork:
    """Mean colours of 16 cells as pooled features, colour moments as style statistics, differences
    of neighbouring pixels as maps."""

    def __call__(self, pictures: np.ndarray) -> Features:
        x = pictures / 255
        n, height, width, _ = x.shape
        cells = x.reshape(n, 4, height // 4, 4, width // 4, 3).mean((2, 4)).reshape(n, 48)
        return Features(cells, np.concatenate([x.mean((1, 2)), x.std((1, 2))], axis=1))

    def maps(self, pictures: np.ndarray) -> list[np.ndarray]:
        grey = pictures[..., 0]
        shifts = (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 4), (4, 0)
        moved = [np.roll(grey, shift, axis=(1, 2)) for shift in shifts]
        return [np.abs(grey[..., None] - np.stack(moved, axis=-1))]


def check_result(result: dict, sample_grids: Path, *names: str) -> None:
    """What every evaluator must return: known metrics, finite values, and sample grids."""
    for row in result["methods"].values():
        assert row.keys() - {"kid_deviation"} <= METRIC_LABELS.keys()
        assert np.isfinite(list(row.values())).all()
    for name in names:
        with Image.open(sample_grids / name) as grid:
            assert min(grid.size) > 100


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory with pictures, manifest and prepared arrays."""
    monkeypatch.chdir(tmp_path)
    PREPARED.mkdir(parents=True)
    rows = []
    for number, domain in enumerate(("photograph", "painting", "portrait")):
        for shift, (split, count) in enumerate(PICTURES.items()):
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
    """A function: name of a model → the evaluation context of a tiny, untrained one."""

    def make(name: str) -> EvaluationContext:
        params = load_params(SHIPPED)
        settings = params.model_settings(name)
        tiny = {key: value for key, value in TINY_MODEL.items() if hasattr(settings, key)}
        tiny |= {"crop": SIDE} if name == "portrait" else {}
        settings = settings.model_copy(update=tiny)
        params = params.model_copy(
            update={
                "models": {name: {params.profile: settings}},
                "evaluate": params.evaluate.model_copy(update=EVALUATE),
            }
        )
        task = find_task(name)
        generator = task.build_generator(**task.architecture_of(settings))
        save_generator(task, settings, generator, project / "models" / name)
        predictor = load_predictor(project / "models" / name)
        return EvaluationContext(params, task, predictor, SimpleNetwork(), project / "sample_grids")

    return make
