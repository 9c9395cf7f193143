"""`stylefuse style`: what is learned paints wherever a picture of a style does."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefuse.cli import main
from stylefuse.errors import UserError
from stylefuse.inference import style_learning
from stylefuse.inference.style_file import MAX_PICTURES, open_style
from stylefuse.inference.style_gallery import shipped_styles, style_path
from stylefuse.painting import learn_style as module
from stylefuse.painting.learn_style import StyleFacts, learn_style
from tests.support.painting import loader, transfer

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(style_learning, "STEPS", 2)


def learn(*paintings, out="own.style", **facts):
    return learn_style(
        paintings or ["style.png"], Path(out), StyleFacts(**facts), loader("transfer")
    )


def painted(*styles):
    transfer(styles, "out.png", ["photos/a.jpg"], quality="fast").raise_failures()
    return np.asarray(Image.open("out.png"))


def test_a_learned_style_paints_and_mixes():
    learn()
    alone, picture, mixed = (
        painted(*styles)
        for styles in (["own.style"], ["style2.jpg"], ["own.style:3", "style2.jpg:1"])
    )
    distances = [np.abs(mixed.astype(int) - x).mean() for x in (alone, picture)]
    assert 0 < distances[0] < distances[1]


def test_the_file_records_what_was_said_of_it(capsys):
    learn("style.png", "style2.jpg", name="Two", licence="CC0", source="me")
    style = open_style(Path("own.style"))
    assert (style.name, style.licence, style.source) == ("Two", "CC0", "me")
    assert len(style.pictures) == 2
    main(["style", "show", "own.style"])
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("Two", "CC0", "me", style.weights))


def test_without_a_name_it_is_called_like_the_file():
    assert learn(out="sea.style").name == "sea"


def test_an_interrupt_keeps_what_was_learned_so_far(monkeypatch):
    def interrupted(stylizer, code, target):
        steps = style_learning.learn_code(stylizer, code, target)
        yield next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "learn_code", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn()
    predictor = loader("transfer")().predictor
    code = open_style(Path("own.style")).code
    assert np.abs(code - predictor.style([Image.open("style.png")]).code).max() > 0


@pytest.mark.parametrize(
    ("paintings", "options", "code"),
    [
        (["gone.png"], {}, "picture-missing"),
        (["blank.png"], {}, "style-blank"),
        (["style.png"], {"out": "own.png"}, "output-format-unsupported"),
        (["style.png"], {"out": "no/own.style/x.style"}, "file-not-writable"),
        (["style.png"], {"licence": "a\nb"}, "option-invalid"),
        ([f"copy-{n}.png" for n in range(MAX_PICTURES + 1)], {}, "too-many-pictures"),
    ],
)
def test_mistakes_are_found_before_anything_is_learned(paintings, options, code):
    Image.new("RGB", (20, 20), "red").save("blank.png")
    Path("no").write_text("")
    for path in paintings:
        if path.startswith("copy"):
            Path(path).write_bytes(Path("style.png").read_bytes())
    with pytest.raises(UserError) as error:
        learn(*paintings, **options)
    assert error.value.code == code
    assert not Path("own.style").exists()


def test_a_shipped_style_has_a_name_and_is_mixed_by_weight():
    by_name, mixed = painted("great-wave"), painted("great-wave:3", "style2.jpg:1")
    assert not np.array_equal(by_name, mixed)
    shutil.copy(style_path("great-wave"), "wave.style")
    assert np.array_equal(by_name, painted("wave.style"))


def test_a_file_goes_before_a_shipped_style():
    shutil.copy("style2.jpg", "great-wave")
    assert np.array_equal(painted("great-wave"), painted("style2.jpg"))


def test_a_style_of_another_model_is_read_from_its_paintings(capsys):
    """The models of the tests have other weights than the shipped one."""
    shipped_styles()["great-wave"].pictures[0].save("wave.png")
    assert np.array_equal(painted("great-wave"), painted("wave.png"))
    assert "great-wave.style was learned for another transfer model" in capsys.readouterr().err
    learn()
    painted("own.style")
    assert "another transfer model" not in capsys.readouterr().err


def test_a_missing_picture_is_no_shipped_style_either():
    with pytest.raises(UserError) as error:
        painted("great-waves")
    assert error.value.code == "picture-missing"


def test_the_shipped_styles_are_listed(capsys):
    main(["style", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(shipped_styles())
    assert any(line.startswith("great-wave ") and "Katsushika Hokusai" in line for line in lines)
    main(["style", "list", "--json"])
    assert json.loads(capsys.readouterr().out).keys() == shipped_styles().keys()
    main(["style", "show", "great-wave"])
    assert "Great Wave" in capsys.readouterr().out


def test_a_picture_is_no_learned_style():
    Path("style.png").rename("style.style")
    with pytest.raises(UserError) as error:
        painted("style.style")
    assert error.value.code == "style-file-foreign"
