"""Painting commands, with models of a real registry."""

import hashlib
import json
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefuse.cli import main
from stylefuse.errors import UserError
from tests.support.models import make_model, noise
from tests.support.program import ENVIRONMENT, PROGRAM, run_command, stylefuse


def test_the_champion_paints_a_folder(in_project, capsys):
    """The local models are moved away, so that the registry's champion has to paint."""
    Path("photos").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(40, 24).save("photos/upright.jpg", exif=exif)
    noise(40, 24, "RGBA").save("photos/clear.webp", lossless=True)
    Path("models").rename("away")
    try:
        main([
            "transfer", "photos", "photo.jpg", "--style", "style.png:2", "--style", "photo.jpg",
            "--strength", "0.8", "--preserve-color", "--size", "32", "-o", "out",
        ])  # fmt: skip
    finally:
        Path("away").rename("models")
    assert capsys.readouterr().out == "out\n"
    pictures = {path.name: Image.open(path) for path in Path("out").iterdir()}
    assert {name: (picture.size, picture.mode) for name, picture in pictures.items()} == {
        "upright.png": ((19, 32), "RGB"),
        "clear.png": ((32, 19), "RGBA"),
        "photo.png": ((32, 24), "RGB"),
    }
    assert not pictures["upright.png"].getexif()


def test_a_local_model_paints_one_picture(project):
    process = stylefuse(
        project, "transfer", "photo.jpg", "--style", "style.png", "-o", "one.jpg",
        "--model", "models/transfer", "--quality", "fast",  # no progress is shown before 2 seconds
    )  # fmt: skip
    assert (process.returncode, process.stdout, process.stderr) == (0, "one.jpg\n", "")
    assert Image.open(project / "one.jpg").size == (48, 36)


def test_an_interrupted_picture_is_saved_as_it_is(project):
    noise(600, 500).save(project / "large.png")
    command = [PROGRAM, "transfer", "large.png", "--style", "style.png", "-o"]
    with subprocess.Popen(
        [*command, "stopped.png"], cwd=project, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
        # a process that was started in the background may inherit that interrupts are ignored
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        for line in process.stderr:  # universal newlines: the bar's updates are lines
            if "%" in line:
                process.send_signal(signal.SIGINT)
                break
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "stopped: stopped.png is not finished"
    fast = stylefuse(project, *command[1:], "fast.png", "--quality", "fast")
    assert fast.returncode == 0
    stopped, generated = (Image.open(project / name) for name in ("stopped.png", "fast.png"))
    assert stopped.size == generated.size == (600, 500)
    assert stopped.tobytes() != generated.tobytes()


# tests/e2e/test_reproduce.py runs the next three commands as processes.


def test_two_pictures_are_fused(in_project, capsys):
    main([
        "fuse", "photo.jpg", "style.png", "--mask", "style.png", "--style-balance", "0.2",
        "--style-by-region", "--seamless", "-o", "fused.webp", "--json",
    ])  # fmt: skip
    (painted,) = json.loads(capsys.readouterr().out)["painted"]
    assert painted["options"]["style_by_region"] and painted["options"]["style_balance"] == 0.2
    assert Image.open("fused.webp").size == (48, 36)


def test_portraits_are_painted_in_a_style(in_project, capsys):
    main([
        "portrait", "--count", "2", "--seed", "7", "--blend-with", "3", "--blend", "0.3",
        "--style", "style.png", "-o", "people", "--json",
    ])  # fmt: skip
    sidecars = json.loads(capsys.readouterr().out)["painted"]
    assert [sidecar["seed"] for sidecar in sidecars] == [7, 8]
    people = sorted(Path("people").iterdir())
    assert [path.name for path in people] == ["portrait-00000007.png", "portrait-00000008.png"]
    assert people[0].read_bytes() != people[1].read_bytes()


def test_a_picture_is_restored(in_project, capsys):
    make_model(Path("restorer"), "restore")
    main(["restore", "photo.jpg", "-o", "restored", "--model", "restorer", "--json"])
    (painted,) = json.loads(capsys.readouterr().out)["painted"]
    picture = Path("restored/photo.png").read_bytes()
    assert painted["output"]["sha256"] == hashlib.sha256(picture).hexdigest()


def test_a_picture_is_restored_only_where_a_mask_is_white(in_project):
    make_model(Path("restorer"), "restore")
    Image.new("L", (8, 8)).save("mask.png")
    main(["restore", "photo.jpg", "-o", "same.png", "--mask", "mask.png", "--model", "restorer"])
    with Image.open("photo.jpg") as photo, Image.open("same.png") as same:
        np.testing.assert_array_equal(np.asarray(same), np.asarray(photo.convert("RGB")))


def test_json_reports_painted_failed_and_skipped_pictures(in_project, capsys):
    Path("text.png").write_text("not a picture")
    arguments = (
        "transfer", "photo.jpg", "style.png", "text.png", "--style", "style.png", "--style",
        "photo.jpg", "--each-style", "--json", "--sidecar", "-o", "each",
    )  # fmt: skip
    with pytest.raises(UserError) as error:
        run_command(*arguments)
    assert error.value.code == "pictures-failed"
    result = json.loads(capsys.readouterr().out)
    paths = [Path(sidecar["output"]["file"]) for sidecar in result["painted"]]
    assert [path.name for path in paths] == [
        "photo--style.png", "photo--photo.png", "style--style.png", "style--photo.png",
    ]  # fmt: skip
    sidecars = [json.loads(path.with_suffix(".json").read_text()) for path in paths]
    assert sidecars == result["painted"]
    weights = hashlib.sha256(Path("models/transfer/generator.weights.h5").read_bytes())
    assert result["painted"][0]["model"] == {
        "name": "transfer", "version": "stylefuse-transfer/1", "sha256": weights.hexdigest(),
    }  # fmt: skip
    assert len(result["failed"]) == 2 and result["skipped"] == []

    with pytest.raises(UserError, match="2 of 2 pictures could not be painted"):
        run_command(*arguments, "--skip-existing")
    output = capsys.readouterr()
    assert "skipped 4 of 6 pictures whose output exists" in output.err
    result = json.loads(output.out)
    assert (result["painted"], result["skipped"]) == ([], [str(path) for path in paths])


def test_the_old_name_of_video_works_with_a_warning(in_project, capsys):
    with pytest.raises(SystemExit) as end:
        main(["film", "gone.mp4", "--style", "style.png", "-o", "out.mp4"])
    assert end.value.code == 2
    warning, error = capsys.readouterr().err.splitlines()
    assert warning == "warning: `stylefuse film` is deprecated; use `stylefuse video`"
    assert error.startswith("error: ")


def test_a_killed_batch_is_resumed_where_it_stopped(in_project, capsys):
    count = 12
    Path("night").mkdir()
    for i in range(count):
        noise(400, 300, seed=i).save(f"night/{i}.png")
    command = ["transfer", "night", "--style", "style.png", "--quality", "fast", "--sidecar",
               "--skip-existing", "-o"]  # fmt: skip
    main([*command, "uninterrupted"])
    with subprocess.Popen(
        [PROGRAM, *command, "resumed"], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        while not list(Path("resumed").glob("*.json")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    before = {path: path.stat().st_mtime_ns for path in Path("resumed").glob("[0-9]*.png")}
    assert 0 < len(before) < count

    main([*command, "resumed"])
    assert "pictures whose output exists" in capsys.readouterr().err
    pictures = {path.name: path.read_bytes() for path in Path("resumed").glob("[0-9]*.png")}
    assert pictures == {
        path.name: path.read_bytes() for path in Path("uninterrupted").glob("*.png")
    }
    sidecars = list(Path("resumed").glob("[0-9]*.json"))
    assert len(sidecars) == count
    for path in sidecars:
        picture = path.with_suffix(".png").read_bytes()
        recorded = json.loads(path.read_text())["output"]["sha256"]
        assert recorded == hashlib.sha256(picture).hexdigest()
    untouched = [path for path in before if path.stat().st_mtime_ns == before[path]]
    assert len(untouched) >= len(before) - 1  # the last one may have lacked its sidecar
