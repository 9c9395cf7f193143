"""Sidecars, which say what a picture was made with; and outputs that exist already."""

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

import stylefuse
from stylefuse.errors import UserError
from stylefuse.painting.batch import OutputOptions
from tests.support.models import noise
from tests.support.painting import fuse, portraits, restore, transfer

pytestmark = pytest.mark.usefixtures("folder")
BOTH = OutputOptions(skip_existing=True, sidecar=True)


def transfer_both(*styles, out="out", output=BOTH, **options):
    return transfer(styles, out, output=output, **options)


def restore_both(output=BOTH):
    return restore("out", strength=0.5, output=output)


def portraits_both(out="out", **options):
    return portraits(out, towards=9, blend=0.25, output=BOTH, **options)


def contents(folder="out"):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def read(path):
    return json.loads(Path(path).read_text())


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def file(path):
    return {"file": path, "sha256": sha256(path)}


def weights(name):
    return sha256(f"models/{name}/generator.weights.h5")


def output_files(result):
    return [sidecar["output"]["file"] for sidecar in result.painted]


def test_each_style_paints_as_if_it_were_the_only_one():
    plain = OutputOptions()
    result = transfer_both("style.png", "style2.jpg", each_style=True, output=plain)
    painted = contents()
    assert sorted(painted) == ["a--style.png", "a--style2.png", "b--style.png", "b--style2.png"]
    assert len(result.painted) == 4
    transfer_both("style2.jpg", out="single", output=plain)
    single = contents("single")
    for content in "ab":
        assert painted[f"{content}--style2.png"] == single[f"{content}.png"]
        assert painted[f"{content}--style.png"] != single[f"{content}.png"]


@pytest.mark.parametrize(
    ("styles", "out", "code"),
    [
        (["style.png:2", "style2.jpg"], "out", "style-weight-invalid"),
        (["style.png"], "out.png", "output-not-a-folder"),
        (["style.png", "photos/../style.png"], "out", "output-ambiguous"),
    ],
)
def test_each_style_refuses_what_cannot_be(styles, out, code):
    with pytest.raises(UserError) as error:
        transfer_both(*styles, out=out, each_style=True)
    assert error.value.code == code
    assert not Path(out).exists()


def test_each_style_never_replaces_an_input():
    Path("photos/b.png").rename("photos/a--style.png")
    contents = ["photos/a.jpg", "photos/a--style.png"]
    with pytest.raises(UserError, match=r"photos/a--style\.png") as error:
        transfer(["style.png"], "photos", contents, each_style=True)
    assert error.value.code == "output-replaces-input"


def test_the_sidecar_of_a_transfer_names_everything_that_made_it():
    result = transfer_both("style.png:3", "style2.jpg", strength=0.5, preserve_color="match")
    assert sorted(contents()) == ["a.json", "a.png", "b.json", "b.png"]
    assert read("out/b.json") == result.painted[1] == {
        "model": {"name": "transfer", "folder": "models/transfer", "sha256": weights("transfer")},
        "options": {
            "strength": 0.5, "preserve_color": "match", "size": 0, "stroke_size": 1 / 64,
            "quality": "fast", "style_weights": [3.0, 1.0],
        },
        "inputs": {
            "content": [file("photos/b.png")], "style": [file("style.png"), file("style2.jpg")],
        },
        "output": file("out/b.png"),
        "stylefuse": stylefuse.__version__,
    }  # fmt: skip


def test_the_sidecar_of_a_portrait_has_its_seed_and_both_models():
    portraits_both(styles=["style.png"])
    sidecar = read("out/portrait-00000004.json")
    assert sidecar["seed"] == 4
    assert sidecar["options"] == {"towards": 9, "blend": 0.25, "style_weights": [1.0]}
    assert sidecar["model"]["sha256"] == weights("portrait")
    assert sidecar["painter"]["sha256"] == weights("transfer")
    portraits_both("plain")
    assert "painter" not in read("plain/portrait-00000003.json")


def test_the_sidecar_of_a_fusion_has_both_pictures_and_the_mask():
    noise(20, 16, "L").save("mask.png")
    fuse(
        "photos/a.jpg", "photos/b.png", "fused.jpg", "mask.png", ["style.png"],
        OutputOptions(sidecar=True),
    )  # fmt: skip
    sidecar = read("fused.json")
    inputs = {name: [file["file"] for file in files] for name, files in sidecar["inputs"].items()}
    assert inputs == {
        "a": ["photos/a.jpg"], "b": ["photos/b.png"], "mask": ["mask.png"], "style": ["style.png"],
    }  # fmt: skip
    assert sidecar["options"]["mode"] == "auto"
    assert sidecar["output"]["sha256"] == sha256("fused.jpg")


def test_the_same_command_writes_the_same_bytes():
    restore_both()
    first = contents()
    assert restore_both(OutputOptions(sidecar=True)).skipped == []
    assert contents() == first
    text = Path("out/a.json").read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize(
    "paint", [restore_both, portraits_both, lambda: transfer_both("style.png")]
)
def test_existing_outputs_are_skipped(paint):
    paint()
    first = contents()
    missing = min(name for name in first if name.endswith(".png"))
    others = [path for path in Path("out").iterdir() if path.name != missing]
    for path in others:
        path.write_text("from another day")
    Path("out", missing).unlink()
    result = paint()
    assert output_files(result) == [f"out/{missing}"]
    assert len(result.skipped) == 1
    assert Path("out", missing).read_bytes() == first[missing]
    sidecar = Path("out", missing).with_suffix(".json")
    assert sidecar.read_bytes() == first[sidecar.name]
    rewritten = [p for p in others if p.read_text(errors="ignore") != "from another day"]
    assert rewritten == [sidecar]


def test_a_picture_without_its_sidecar_is_not_complete():
    restore_both(OutputOptions())
    result = restore_both()
    assert (len(result.painted), result.skipped) == (2, [])
    assert restore_both(OutputOptions(skip_existing=True)).skipped == [
        Path("out/a.png"), Path("out/b.png"),
    ]  # fmt: skip


def test_no_model_is_loaded_if_there_is_nothing_to_paint():
    transfer_both("style.png")
    result = transfer_both("style.png", model="models/gone")
    assert (result.painted, len(result.skipped)) == ([], 2)
    Path("out/a.png").unlink()
    with pytest.raises(UserError, match="models/gone") as error:
        transfer_both("style.png", model="models/gone")
    assert error.value.code == "model-missing"


def test_a_failed_picture_leaves_the_old_output_and_its_sidecar():
    restore_both()
    before = contents()
    Path("photos/a.jpg").write_text("not a picture")
    result = restore_both(OutputOptions(sidecar=True))
    assert contents() == before
    assert output_files(result) == ["out/b.png"]
    assert [str(error).split()[0] for error in result.failed] == ["photos/a.jpg"]


def test_a_sidecar_that_cannot_be_written_is_reported_and_leaves_no_draft():
    Path("out/a.json").mkdir(parents=True)
    result = restore_both(OutputOptions(sidecar=True))
    (error,) = result.failed
    assert error.code == "file-not-writable"
    assert "out/a.json" in str(error)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.json", "b.json", "b.png"]
    with Image.open("out/b.png") as picture:
        picture.load()


def test_a_file_name_that_is_not_text_can_be_recorded():
    odd = Path("photos/odd-\udcff.png")
    Path("photos/b.png").rename(odd)
    restore_both()
    sidecar = json.loads(Path("out/odd-\udcff.json").read_text(encoding="ascii"))
    assert sidecar["inputs"]["picture"][0]["file"] == str(odd)
