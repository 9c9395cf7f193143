"""Pictures painted by commands, with models of a real registry."""

import hashlib
import json
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.models import make_model, noise
from tests.support.program import ENVIRONMENT, PROGRAM, stylefuse


def test_the_champion_paints_a_folder(project):
    """The local model is away: what paints is the registry's."""
    photos = project / "photos"
    photos.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(40, 24).save(photos / "upright.jpg", exif=exif)
    noise(40, 24, "RGBA").save(photos / "clear.webp", lossless=True)
    (project / "models").rename(project / "away")
    try:
        done = stylefuse(
            project, "transfer", "photos", "photo.jpg", "--style", "style.png:2", "--style",
            "photo.jpg", "--strength", 0.8, "--preserve-color", "--size", 32, "-o", "out",
        )  # fmt: skip
    finally:
        (project / "away").rename(project / "models")
    assert done.returncode == 0, done.stderr
    found = {path.name: Image.open(path) for path in (project / "out").iterdir()}
    assert {name: (picture.size, picture.mode) for name, picture in found.items()} == {
        "upright.png": ((19, 32), "RGB"),
        "clear.png": ((32, 19), "RGBA"),
        "photo.png": ((32, 24), "RGB"),
    }
    assert not found["upright.png"].getexif()


def test_a_local_model_paints_one_picture(project):
    done = stylefuse(
        project, "transfer", "photo.jpg", "--style", "style.png", "-o", "one.jpg",
        "--model", "models/transfer",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("one.jpg\n", "")
    assert Image.open(project / "one.jpg").size == (48, 36)


def test_two_pictures_are_fused(project):
    done = stylefuse(
        project, "fuse", "photo.jpg", "style.png", "--mask", "style.png", "--style-balance", 0.2,
        "--style-by-region", "--seamless", "-o", "fused.webp",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Image.open(project / "fused.webp").size == (48, 36)


def test_portraits_are_painted_in_a_style(project):
    done = stylefuse(
        project, "portrait", "--count", 2, "--seed", 7, "--blend-with", 3, "--blend", 0.3,
        "--style", "style.png", "-o", "people",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    people = sorted((project / "people").iterdir())
    assert [path.name for path in people] == ["portrait-00000007.png", "portrait-00000008.png"]
    assert people[0].read_bytes() != people[1].read_bytes()


def test_a_program_is_told_in_one_document_what_the_champion_painted(project):
    (project / "words.png").write_text("words")
    arguments = (
        "transfer", "photo.jpg", "style.png", "words.png", "--style", "style.png", "--style",
        "photo.jpg", "--each-style", "--json", "--sidecar", "-o", "each",
    )  # fmt: skip
    done = stylefuse(project, *arguments)
    assert done.returncode == 2
    assert "error: 2 of 6 pictures could not be painted:" in done.stderr
    told = json.loads(done.stdout)
    paths = [Path(one["output"]["file"]) for one in told["painted"]]
    assert [path.name for path in paths] == [
        "photo--style.png", "photo--photo.png", "style--style.png", "style--photo.png",
    ]  # fmt: skip
    assert [json.loads((project / p).with_suffix(".json").read_text()) for p in paths] == (
        told["painted"]
    )
    weights = hashlib.sha256((project / "models/transfer/generator.weights.h5").read_bytes())
    assert told["painted"][0]["model"] == {
        "name": "transfer", "version": "stylefuse-transfer/1", "sha256": weights.hexdigest(),
    }  # fmt: skip
    assert len(told["failed"]) == 2 and told["skipped"] == []

    again = stylefuse(project, *arguments, "--skip-existing")
    assert again.returncode == 2
    assert "4 of 6 pictures were there already and left alone" in again.stderr
    told = json.loads(again.stdout)
    assert (told["painted"], told["skipped"]) == ([], [str(path) for path in paths])


@pytest.mark.parametrize(
    "arguments",
    [["fuse", "photo.jpg", "style.png", "-o", "f.png"], ["portrait", "--count", "2", "-o", "p"],
     ["restore", "photo.jpg", "-o", "r", "--model", "mender"]],
)  # fmt: skip
def test_nothing_but_the_document_is_printed(project, arguments):
    make_model(project / "mender", "restore")
    done = stylefuse(project, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert all(one["output"]["sha256"] for one in json.loads(done.stdout)["painted"])


def test_a_night_that_was_killed_goes_on_where_it_was(project):
    (project / "night").mkdir()
    for i in range(30):
        noise(400, 300, seed=i).save(project / f"night/{i}.png")
    command = ["transfer", "night", "--style", "style.png", "--sidecar", "--skip-existing", "-o"]
    whole = stylefuse(project, *command, "whole")
    assert whole.returncode == 0, whole.stderr
    with subprocess.Popen(
        [PROGRAM, *command, "out-night"], cwd=project, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        while not list((project / "out-night").glob("*.json")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    before = {p: p.stat().st_mtime_ns for p in (project / "out-night").glob("[0-9]*.png")}
    assert 0 < len(before) < 30
    done = stylefuse(project, *command, "out-night")
    assert done.returncode == 0, done.stderr
    assert "were there already and left alone" in done.stderr
    pictures = {p.name: p.read_bytes() for p in (project / "out-night").glob("[0-9]*.png")}
    assert pictures == {p.name: p.read_bytes() for p in (project / "whole").glob("*.png")}
    for path in (project / "out-night").glob("[0-9]*.json"):
        named = json.loads(path.read_text())["output"]["sha256"]
        assert named == hashlib.sha256(path.with_suffix(".png").read_bytes()).hexdigest()
    assert len(list((project / "out-night").glob("[0-9]*.json"))) == 30
    whole_ones = [p for p in before if p.stat().st_mtime_ns == before[p]]
    assert len(whole_ones) >= len(before) - 1  # of the last one the record may have been missing
