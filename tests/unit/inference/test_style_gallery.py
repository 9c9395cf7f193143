"""The styles that are shipped."""

import pytest

from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.style_gallery import STYLES, shipped_styles, style_path
from tests.support.trainings import ROOT


def test_all_were_learned_for_the_shipped_model():
    predictor = load_predictor(ROOT / "models/base/transfer")
    styles = list(shipped_styles().values())
    assert {style.weights for style in styles} == {predictor.model.weights}
    assert {len(style.code) for style in styles} == {predictor.stylizer.code_size}


def test_each_names_its_painting_and_its_rights():
    licences = (STYLES / "LICENCES.md").read_text(encoding="utf-8")
    for name, style in shipped_styles().items():
        assert style.name
        assert f"| {name} | {style.name} |" in licences
        assert f"| {style.source} | {style.licence} |" in licences


@pytest.mark.parametrize("name", ["", "*", "../styles/great-wave", "/etc/passwd", "Great-wave "])
def test_only_their_names_are_known(name):
    assert style_path("great-wave").exists()
    assert style_path(name) is None
