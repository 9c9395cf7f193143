"""What a picture was made with, in a file beside it; and pictures that are there already."""

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

import stylefuse
from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.inference.options import (
    FusionOptions,
    PortraitOptions,
    RestoreOptions,
    TransferOptions,
)
from stylefuse.painting.batch import Delivery
from stylefuse.painting.fuse import fuse
from stylefuse.painting.portrait import portrait
from stylefuse.painting.restore import restore
from stylefuse.painting.transfer import transfer
from tests.support.models import noise
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)
BOTH = Delivery(skip_existing=True, sidecar=True)


@pytest.fixture
def here(folder):
    """A folder with the models, two photographs and two styles, as the working directory."""
    for i, name in enumerate(("wave.png", "corn.jpg"), 2):
        noise(20, 16, seed=i).save(name)
    return folder


def run_transfer(*styles, out="out", model=None, each_style=False, delivery=BOTH, **dials):
    options = TransferOptions(**dials)
    return transfer(
        ["photos"], styles, Path(out), options, model, PARAMS, each_style, delivery
    )  # fmt: skip


def run_restore(out="out", delivery=BOTH):
    return restore(["photos"], Path(out), RestoreOptions(0.5), None, PARAMS, delivery)


def run_portrait(out="out", styles=(), delivery=BOTH):
    options = PortraitOptions(9, 0.25)
    return portrait(range(3, 5), styles, Path(out), options, None, PARAMS, delivery)


def names(folder="out"):
    return sorted(path.name for path in Path(folder).iterdir())


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


def test_every_content_is_painted_in_every_style_as_if_that_were_the_only_one(here):
    done = run_transfer("wave.png", "corn.jpg", each_style=True, delivery=Delivery())
    assert names() == ["a--corn.png", "a--wave.png", "b--corn.png", "b--wave.png"]
    assert len(done.records) == 4
    run_transfer("corn.jpg", out="alone", delivery=Delivery())
    painted, alone = contents(), contents("alone")
    for content in "ab":
        assert painted[f"{content}--corn.png"] == alone[f"{content}.png"]
        assert painted[f"{content}--wave.png"] != alone[f"{content}.png"]


@pytest.mark.parametrize(
    ("styles", "out", "complaint"),
    [
        (["wave.png:2", "corn.jpg"], "out", "a weight mixes styles; give none"),
        (["wave.png"], "out.png", "need a folder to go to, and out.png is the name of a file"),
        (["wave.png", "photos/../wave.png"], "out", "two pictures would become out/a--wave.png"),
    ],
)
def test_each_style_is_refused_where_it_means_nothing(here, styles, out, complaint):
    with pytest.raises(UserError, match=complaint):
        run_transfer(*styles, out=out, each_style=True)
    assert not Path(out).exists()


def test_a_painted_picture_in_place_of_an_input_is_refused(here):
    Path("photos/a.jpg").rename("a.jpg")
    Path("photos/b.png").rename("photos/a--wave.png")
    with pytest.raises(UserError, match=r"a--wave\.png would be replaced"):
        transfer(
            ["a.jpg", "photos/a--wave.png"], ["wave.png"], Path("photos"), TransferOptions(), None,
            PARAMS, True,
        )  # fmt: skip


def test_the_record_of_a_transfer_names_all_that_made_it(here):
    done = run_transfer("wave.png:3", "corn.jpg", strength=0.5, preserve_color="match")
    assert names() == ["a.json", "a.png", "b.json", "b.png"]
    assert read("out/b.json") == done.records[1] == {
        "model": {"name": "transfer", "folder": "models/transfer", "sha256": weights("transfer")},
        "dials": {
            "strength": 0.5, "preserve_color": "match", "size": 0, "style_weights": [3.0, 1.0],
        },
        "inputs": {
            "content": [file("photos/b.png")], "style": [file("wave.png"), file("corn.jpg")],
        },
        "output": file("out/b.png"),
        "stylefuse": stylefuse.__version__,
    }  # fmt: skip


def test_the_record_of_a_portrait_has_its_seed_and_both_models(here):
    run_portrait(styles=["wave.png"])
    found = read("out/portrait-00000004.json")
    assert found["seed"] == 4
    assert found["dials"] == {"towards": 9, "blend": 0.25, "style_weights": [1.0]}
    assert found["model"]["sha256"] == weights("portrait")
    assert found["painter"]["sha256"] == weights("transfer")
    run_portrait("plain")
    assert {"painter", "inputs"} & read("plain/portrait-00000003.json").keys() == {"inputs"}


def test_the_record_of_a_fusion_has_both_pictures_and_the_mask(here):
    noise(20, 16, "L").save("mask.png")
    paths = [Path(name) for name in ("photos/a.jpg", "photos/b.png", "mask.png")]
    fuse(
        *paths, ["wave.png"], Path("fused.jpg"), FusionOptions(), None, PARAMS,
        Delivery(sidecar=True),
    )  # fmt: skip
    found = read("fused.json")
    assert {name: [one["file"] for one in files] for name, files in found["inputs"].items()} == {
        "a": ["photos/a.jpg"], "b": ["photos/b.png"], "mask": ["mask.png"], "style": ["wave.png"],
    }  # fmt: skip
    assert found["dials"]["mode"] == "auto"
    assert found["output"]["sha256"] == sha256("fused.jpg")


def test_the_same_work_writes_the_same_bytes(here):
    run_restore()
    first = contents()
    assert run_restore(delivery=Delivery(sidecar=True)).skipped == []
    assert contents() == first
    text = Path("out/a.json").read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize("run", [run_restore, run_portrait, lambda: run_transfer("wave.png")])
def test_what_is_there_already_is_left_alone(here, run):
    run()
    whole = contents()
    gone = min(name for name in whole if name.endswith(".png"))
    others = [path for path in Path("out").iterdir() if path.name != gone]
    for path in others:
        path.write_text("of another day")
    Path("out", gone).unlink()
    done = run()
    assert [one["output"]["file"] for one in done.records] == [f"out/{gone}"]
    assert len(done.skipped) == 1
    assert Path("out", gone).read_bytes() == whole[gone]
    assert Path("out", gone).with_suffix(".json").read_bytes() == whole[f"{gone[:-4]}.json"]
    assert [p.name for p in others if p.read_text(errors="ignore") != "of another day"] == [
        f"{gone[:-4]}.json"
    ]


def test_a_picture_whose_record_is_missing_is_not_all_there(here):
    run_restore(delivery=Delivery())
    done = run_restore()
    assert (len(done.records), done.skipped) == (2, [])
    assert run_restore(delivery=Delivery(skip_existing=True)).skipped == [
        Path("out/a.png"), Path("out/b.png"),
    ]  # fmt: skip


def test_no_model_is_loaded_where_nothing_is_left_to_paint(here):
    run_transfer("wave.png")
    done = run_transfer("wave.png", model="models/gone")
    assert (done.records, len(done.skipped)) == ([], 2)
    Path("out/a.png").unlink()
    with pytest.raises(UserError, match="there is no folder models/gone"):
        run_transfer("wave.png", model="models/gone")


def test_a_picture_that_cannot_be_painted_keeps_what_is_there_and_its_record(here):
    run_restore()
    before = contents()
    Path("photos/a.jpg").write_text("words")
    done = run_restore(delivery=Delivery(sidecar=True))
    assert contents() == before
    assert [one["output"]["file"] for one in done.records] == ["out/b.png"]
    with pytest.raises(UserError, match=r"1 of 2 pictures could not be painted:\n  photos/a\.jpg"):
        done.check()


def test_a_record_that_cannot_be_written_is_told_and_leaves_no_draft(here):
    Path("out/a.json").mkdir(parents=True)
    done = run_restore(delivery=Delivery(sidecar=True))
    assert len(done.failed) == 1
    assert "out/a.json cannot be replaced" in done.failed[0]
    assert names() == ["a.json", "b.json", "b.png"]
    with Image.open("out/b.png") as picture:
        picture.load()


def test_names_that_are_no_text_are_recorded_nevertheless(here):
    odd = Path("photos/odd-\udcff.png")
    Path("photos/b.png").rename(odd)
    run_restore()
    record = Path("out/odd-\udcff.json").read_text(encoding="ascii")
    assert json.loads(record)["inputs"]["picture"][0]["file"] == str(odd)
