"""The commands' work, on a project with all three models: files in, files out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.inference.options import (
    FusionOptions,
    PortraitOptions,
    RestoreOptions,
    TransferOptions,
)
from stylefuse.painting.fuse import fuse
from stylefuse.painting.portrait import portrait
from stylefuse.painting.restore import restore
from stylefuse.painting.transfer import transfer
from tests.support.models import noise
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


@pytest.fixture
def here(folder):
    """A folder with the models, two photographs and a style, as the working directory."""
    for i, name in enumerate(("style.png",), 2):
        noise(20, 16, seed=i).save(name)
    return folder


def run_transfer(contents, styles, out, model=None, **more):
    done = transfer(contents, styles, Path(out), TransferOptions(), model, PARAMS, **more)
    done.check()
    return done


def run_fuse(out, mask=None, styles=(), a="photos/a.jpg", b="style.png", **dials):
    paths = (Path(a), Path(b), mask and Path(mask))
    fuse(*paths, styles, Path(out), FusionOptions(**dials), None, PARAMS).check()
    return np.asarray(Image.open(out))


def run_portrait(out, seeds=range(3, 5), styles=(), options=None):
    portrait(seeds, styles, Path(out), options or PortraitOptions(), None, PARAMS).check()
    return {path.name: path.read_bytes() for path in Path(out).iterdir()}


def test_one_bad_picture_does_not_stop_the_others(here):
    Path("photos/b.png").write_text("words")
    Path("photos/c.png").symlink_to(here / "style.png")
    with pytest.raises(UserError, match=r"1 of 3 pictures could not be painted:\n  photos/b\.png"):
        run_transfer(["photos"], ["style.png:1", "photos/a.jpg:2"], "out")
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]


def test_a_single_picture_that_is_cut_short_is_named(here):
    torn = Path("photos/a.jpg")
    torn.write_bytes(torn.read_bytes()[:600])
    with pytest.raises(UserError, match=r"^photos/a\.jpg is damaged or cut short"):
        run_transfer(["photos/a.jpg"], ["style.png"], "out.png")
    assert not Path("out.png").exists()


def test_an_input_is_never_replaced(here):
    with pytest.raises(UserError, match=r"b\.png would be replaced"):
        run_transfer(["photos/b.png"], ["style.png"], "photos")
    with pytest.raises(UserError, match=r"b\.png would be replaced"):
        restore(["photos/b.png"], Path("photos"), RestoreOptions(), None, PARAMS)
    with pytest.raises(UserError, match=r"style\.png would be replaced"):
        run_fuse("style.png")
    Path("photos/b.png").rename("photos/portrait-00000003.png")
    with pytest.raises(UserError, match=r"portrait-00000003\.png would be replaced"):
        run_portrait("photos", styles=["photos/portrait-00000003.png"])


def test_a_model_of_another_kind_is_refused(here):
    with pytest.raises(UserError, match="models/restore is a restore model; name a transfer model"):
        run_transfer(["photos"], ["style.png"], "out", model="models/restore")


def test_a_folder_is_restored_as_far_as_asked(here):
    restore(["photos"], Path("whole"), RestoreOptions(1), None, PARAMS)
    restore(["photos"], Path("not"), RestoreOptions(0), None, PARAMS)
    assert sorted(path.name for path in Path("whole").iterdir()) == ["a.png", "b.png"]
    same = np.asarray(Image.open("photos/b.png"))
    np.testing.assert_array_equal(np.asarray(Image.open("not/b.png")), same)
    assert (np.asarray(Image.open("whole/b.png")) != same).any()


def test_a_mask_says_what_shows_where(here):
    white, black = (Image.new("L", (8, 8), level) for level in (255, 0))
    white.save("white.png")
    black.save("black.png")
    a = run_fuse("all-a.png", content_balance=1, style_balance=1)
    np.testing.assert_array_equal(run_fuse("a.png", "white.png", mode="mask", style_balance=1), a)
    b = run_fuse("b.png", "black.png", mode="mask", style_balance=1)
    assert (b != a).any()
    assert b.shape == a.shape


def test_a_style_is_painted_in_instead_of_both_own(here):
    own = run_fuse("own.png")
    given = [run_fuse(f"{i}.png", styles=["photos/b.png"], style_balance=i) for i in (0, 1)]
    np.testing.assert_array_equal(*given)
    assert (given[0] != own).any()


def test_a_mask_and_another_mode_do_not_go_together(here):
    with pytest.raises(UserError, match="'scalar' takes no mask"):
        run_fuse("out.png", "style.png", mode="scalar")
    with pytest.raises(UserError, match="'mask' needs a mask"):
        run_fuse("out.png", mode="mask")


def test_a_seed_is_always_the_same_file(here):
    first, again = run_portrait("one"), run_portrait("two", range(4, 6))
    assert sorted(first) == ["portrait-00000003.png", "portrait-00000004.png"]
    assert first["portrait-00000004.png"] == again["portrait-00000004.png"]
    assert len({*first.values(), *again.values()}) == 3


def test_portraits_blend_from_one_seed_to_another(here):
    plain = run_portrait("plain", range(3, 5))
    ends = [
        run_portrait(f"{blend}", range(3, 4), options=PortraitOptions(4, blend))
        for blend in (0, 0.5, 1)
    ]
    start, middle, end = (files["portrait-00000003.png"] for files in ends)
    assert start == plain["portrait-00000003.png"]
    assert end == plain["portrait-00000004.png"]
    assert middle not in (start, end)


def test_portraits_are_enlarged_to_be_painted_and_stay_inventions(here):
    run_portrait("out", range(2), styles=["style.png", "photos/b.png:2"])
    with Image.open("out/portrait-00000001.png") as picture:
        assert picture.size == (256, 256)
        assert b"/trainedAlgorithmicMedia" in str(picture.info["xmp"]).encode()


@pytest.mark.parametrize(
    ("seeds", "out", "complaint"),
    [(range(0), "out", "count must be at least 1"), (range(2), "style.png", "need a folder"),
     (range(-1, 1), "out", "1 of 2 pictures.*\n  a seed must be a whole number from 0")],
)  # fmt: skip
def test_portraits_that_cannot_be(here, seeds, out, complaint):
    with pytest.raises(UserError, match=complaint):
        run_portrait(out, seeds)
