"""Facts of a version that no store has."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from stylefuse.config import load_params
from stylefuse.registry.version_facts import Training, VersionFacts, base_training
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)
METRICS = {
    "unstyled photograph": {"kid": 0.2, "style_ratio": 1.0, "low_pass_ssim": 1.0, "unknown": 3},
    "published network": {"kid": 0.12, "style_ratio": 0.4, "low_pass_ssim": 0.8},
    "stylefuse": {"kid": 0.1, "style_ratio": 0.5, "low_pass_ssim": 0.9},
}
LICENCES = pd.DataFrame(
    {"licence": ["CC0-1.0", "GPL-2+"], "pictures": [30, 7], "sources": ["art, photos", "game"]}
)


@pytest.fixture
def make_facts(monkeypatch):
    """A function of a model's name and fields that differ → `VersionFacts`."""
    monkeypatch.chdir(SHIPPED.parent)  # the base weights are named relative to the project

    def make(model: str, **changes) -> VersionFacts:
        settings = PARAMS.model_settings(model)
        facts = VersionFacts(
            params=PARAMS,
            model=model,
            weights="0" * 64,
            shipped=False,
            training=Training(PARAMS.profile, PARAMS.seed, settings.model_dump()),
            initial_training=base_training(settings.init_from),
            run=SimpleNamespace(experiment_id="1" * 18, run_id="f" * 32),
            tags={"git.commit": "0" * 40, "hardware": "a processor, 2 cores"},
            metrics=METRICS,
            licences=LICENCES,
            sample_grids=[],
            reports=[],
            becomes_champion=False,
        )
        return replace(facts, **changes)

    return make
