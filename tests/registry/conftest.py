"""One tiny training, followed in a real store, for all tests of the registry."""

import json
from pathlib import Path

import numpy as np
import pytest

from stylefuse.config import load_params
from tests.test_config import SHIPPED


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """An empty project's folder, as the working directory, with no store configured elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


@pytest.fixture(scope="module")
def params():
    """The shipped parameters, with a training of two steps."""
    shipped = load_params(SHIPPED)
    train = shipped.active.train.model_copy(
        update={
            "crop": 32, "batch": 4, "kimg": 0.008, "width": 4, "blocks": 1, "code": 8,
            "discriminator_width": 4, "r1_interval": 1, "tick_kimg": 0.004, "sample_kimg": 0.004,
        }
    )  # fmt: skip
    profile = shipped.active.model_copy(update={"train": train})
    return shipped.model_copy(update={"profiles": {"tiny": profile}, "profile": "tiny"})


def write_tiles(folder: Path) -> None:
    """Random arrays where `data.prepare` writes its own."""
    folder.mkdir(parents=True)
    stream = np.random.default_rng(0)
    for split in ("train", "validation"):
        for domain in ("photograph", "painting"):
            tiles = stream.integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)
            np.save(folder / f"{split}_{domain}.npy", tiles)
    (folder / "tiles.json").write_text(json.dumps({}))
