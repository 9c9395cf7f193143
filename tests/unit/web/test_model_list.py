"""The page names the models that paint, in words."""

import pytest

from stylefuse.paths import BASE_MODELS, SHIPPED_MODELS
from stylefuse.web.page import model_list


class Models:
    """Models of which one has a version."""

    def __init__(self, version):
        self._version = version

    def refresh(self):
        return {"transfer": self._version} if self._version else {}


@pytest.mark.parametrize(
    ("version", "label"),
    [
        ("stylefuse-transfer/3", "Model version 3"),
        ("models/transfer", "Model in the folder models/transfer"),
        (str(BASE_MODELS / "transfer"), "the model that comes with stylefuse"),
        (str(SHIPPED_MODELS / "transfer"), "the model that comes with stylefuse"),
        (None, "no model yet; `make repro` trains one"),
    ],
)
def test_a_model_has_a_label(version, label):
    assert model_list(Models(version)).splitlines()[0] == f"- Transfer: {label}"
