"""The painting commands in a project with all three models: files in, files out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefuse.errors import UserError
from tests.support.painting import fuse, portraits, restore, transfer

pytestmark = pytest.mark.usefixtures("folder")


def file_names(folder="out"):
    return sorted(path.name for path in Path(folder).iterdir())


def fused(out, a="photos/a.jpg", b="style.png", **options):
    fuse(a, b, out, **options).raise_failures()
    return np.asarray(Image.open(out))


def portrait_files(out, *args, **options):
    portraits(out, *args, **options).raise_failures()
    return {path.name: path.read_bytes() for path in Path(out).iterdir()}


def test_one_bad_picture_does_not_stop_the_others(folder):
    Path("photos/b.png").write_text("not a picture")
    Path("photos/c.png").symlink_to(folder / "style.png")
    result = transfer(["style.png:1", "photos/a.jpg:2"], "out")
    with pytest.raises(UserError, match=r"^1 of 3 pictures.*:\n  photos/b\.png") as error:
        result.raise_failures()
    assert error.value.code == "pictures-failed"
    assert file_names() == ["a.png", "c.png"]


def test_the_error_of_a_single_picture_is_raised_as_it_is():
    truncated = Path("photos/a.jpg")
    truncated.write_bytes(truncated.read_bytes()[:600])
    result = transfer(["style.png"], "out.png", ["photos/a.jpg"])
    with pytest.raises(UserError, match=r"^photos/a\.jpg ") as error:
        result.raise_failures()
    assert error.value.code == "picture-damaged"
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("paint", "replaced"),
    [
        (lambda: transfer(["style.png"], "photos", ["photos/b.png"]), "photos/b.png"),
        (lambda: restore("photos", ["photos/b.png"]), "photos/b.png"),
        (lambda: fuse("photos/a.jpg", "style.png", "style.png"), "style.png"),
        (lambda: portraits("./", styles=["portrait-00000003.png"]), "portrait-00000003.png"),
    ],
)
def test_an_input_is_never_replaced(paint, replaced):
    Path("portrait-00000003.png").write_bytes(Path("style.png").read_bytes())
    with pytest.raises(UserError, match=f"^{replaced} would be replaced") as error:
        paint()
    assert error.value.code == "output-replaces-input"


@pytest.mark.parametrize("suffix", [".webp", ".jpg"])
@pytest.mark.parametrize("paint", ["transfer", "restore", "fuse"])
def test_a_picture_that_the_format_does_not_hold_is_refused_before_it_is_painted(paint, suffix):
    long, out = "photos/long.png", f"out{suffix}"
    Image.new("RGB", (65_501 if suffix == ".jpg" else 16_384, 2)).save(long)
    result = {
        "transfer": lambda: transfer(["style.png"], out, [long]),
        "restore": lambda: restore(out, [long]),
        "fuse": lambda: fuse(long, "style.png", out),
    }[paint]()
    (error,) = result.failed
    assert error.code == "output-too-large"
    assert not Path(out).exists()


def test_the_size_option_counts_too():
    (error,) = transfer(["style.png"], "out.webp", ["photos/a.jpg"], size=20_000).failed
    assert error.code == "output-too-large"


@pytest.mark.parametrize("size", [12_000, 100_000_000, 10**400])
def test_an_output_of_too_many_pixels_is_refused_before_it_is_painted(size):
    (error,) = transfer(
        ["style.png"], "out.png", ["photos/a.jpg"], size=size, quality="fast"
    ).failed
    assert error.code == "output-too-large"
    assert not Path("out.png").exists()


def test_a_model_of_another_task_is_refused():
    with pytest.raises(UserError, match="models/restore") as error:
        transfer(["style.png"], "out", model="models/restore")
    assert error.value.code == "model-of-another-task"


def test_a_folder_is_restored_by_the_strength():
    restore("full", strength=1)
    restore("none", strength=0)
    assert file_names("full") == ["a.png", "b.png"]
    original = np.asarray(Image.open("photos/b.png"))
    np.testing.assert_array_equal(np.asarray(Image.open("none/b.png")), original)
    assert (np.asarray(Image.open("full/b.png")) != original).any()


def test_a_mask_chooses_which_picture_shows():
    for name, level in (("white.png", 255), ("black.png", 0)):
        Image.new("L", (8, 8), level).save(name)
    only_a = fused("only-a.png", content_balance=1, style_balance=1)
    masked = {
        mask: fused(f"{mask}-masked.png", mask=f"{mask}.png", mode="mask", style_balance=1)
        for mask in ("white", "black")
    }
    np.testing.assert_array_equal(masked["white"], only_a)
    assert (masked["black"] != only_a).any()
    assert masked["black"].shape == only_a.shape


def test_given_styles_replace_those_of_both_pictures():
    own = fused("own.png")
    given = [
        fused(f"{balance}.png", styles=["photos/b.png"], style_balance=balance)
        for balance in (0, 1)
    ]
    np.testing.assert_array_equal(*given)
    assert (given[0] != own).any()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"mode": "scalar", "mask": "style.png"}, "mask-unexpected"),
        ({"mode": "mask"}, "mask-missing"),
    ],
)
def test_mode_and_mask_have_to_fit(options, code):
    with pytest.raises(UserError, match=options["mode"]) as error:
        fused("out.png", **options)
    assert error.value.code == code


def test_a_seed_always_gives_the_same_file():
    first, second = portrait_files("one"), portrait_files("two", range(4, 6))
    assert sorted(first) == ["portrait-00000003.png", "portrait-00000004.png"]
    assert first["portrait-00000004.png"] == second["portrait-00000004.png"]
    assert len({*first.values(), *second.values()}) == 3


def test_portraits_blend_from_one_seed_to_another():
    plain = portrait_files("plain", range(3, 5))
    start, middle, end = (
        portrait_files(f"{blend}", range(3, 4), towards=4, blend=blend)["portrait-00000003.png"]
        for blend in (0, 0.5, 1)
    )
    assert start == plain["portrait-00000003.png"]
    assert end == plain["portrait-00000004.png"]
    assert middle not in (start, end)


def test_styled_portraits_are_enlarged_and_marked_as_generated():
    portrait_files("out", range(2), styles=["style.png", "photos/b.png:2"])
    with Image.open("out/portrait-00000001.png") as picture:
        assert picture.size == (256, 256)
        assert b"/trainedAlgorithmicMedia" in str(picture.info["xmp"]).encode()


@pytest.mark.parametrize(
    ("seeds", "out", "code"),
    [(range(0), "out", "option-out-of-range"), (range(10**30), "out", "option-out-of-range"),
     (range(10_001), "out", "option-out-of-range"), (range(2), "style.png", "output-not-a-folder"),
     (range(-1, 0), "out", "option-out-of-range"), (range(-1, 1), "out", "pictures-failed")],
)  # fmt: skip
def test_impossible_portraits_are_refused(seeds, out, code):
    with pytest.raises(UserError) as error:
        portrait_files(out, seeds)
    assert error.value.code == code


def test_names_that_cannot_be_written_are_refused_before_they_are_painted(folder):
    Path("photos/b.png").rename("photos/" + "x" * 245 + ".png")
    Path("out/a--style.png").mkdir(parents=True)
    Path("photos/c.png").write_bytes(Path("style.png").read_bytes())
    result = transfer(["style.png"], "out", each_style=True)
    assert [error.code for error in result.failed] == ["file-not-writable"] * 2
    assert [Path(entry["output"]["file"]).name for entry in result.painted] == ["c--style.png"]
