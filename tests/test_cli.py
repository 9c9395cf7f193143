"""The command line as people use it: real processes, a real registry, a real server."""

import hashlib
import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.serving.codec import decode
from tests.serving.fuzzing import GOOD_EVERY, send, send_all
from tests.serving.hostile import Request, good_request, requests
from tests.serving.tiny import encoded, make_model, make_project, noise

PROGRAM = str(Path(sys.executable).with_name("stylefuse"))
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")
} | {"TF_CPP_MIN_LOG_LEVEL": "2"}


def stylefuse(folder, *arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with two models that `stylefuse register` put into a registry."""
    folder = make_project(tmp_path_factory.mktemp("project"), "transfer", "portrait")
    for name in ("photo.jpg", "style.png"):
        noise(48, 36, seed=len(name)).save(folder / name)
    registered = stylefuse(folder, "register", "transfer", "portrait")
    assert registered.returncode == 0, registered.stderr
    assert [line.split(" version ")[1] for line in registered.stdout.splitlines()] == [
        "1 (challenger, champion)"
    ] * 2
    return folder


@pytest.mark.parametrize(
    "command",
    ["transfer", "fuse", "restore", "portrait", "register", "models", "doctor", "completion"],
)
def test_help_imports_nothing_heavy(command):
    program = """
import sys
from stylefuse.cli import main
try:
    main([sys.argv[1], "--help"])
except SystemExit:
    pass
heavy = {"keras", "tensorflow", "mlflow", "pandas", "numpy", "PIL", "pydantic", "shtab"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"usage: stylefuse {command}" in done.stdout


def test_all_that_can_be_registered_is(project):
    """Of the models in params.yaml one has not been trained."""
    done = stylefuse(project, "register")
    assert done.returncode == 2
    assert done.stdout.count("the same weights are already") == 2
    assert done.stderr == (
        "error: no model: models/restore/manifest.json is missing; run `make repro`\n"
    )


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
    assert done.stdout == "one.jpg\n"
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


def test_registered_versions_are_listed(project, tmp_path):
    done = stylefuse(project, "models")
    assert (done.returncode, done.stderr) == (0, "")
    title, *lines = done.stdout.splitlines()
    assert title.startswith("model ")
    assert [line.split()[0] for line in lines] == ["stylefuse-portrait", "stylefuse-transfer"]
    told = json.loads(stylefuse(project, "models", "--json").stdout)["versions"]
    assert [(one["number"], one["aliases"]) for one in told] == [
        (1, ["challenger", "champion"])
    ] * 2
    make_project(tmp_path)
    empty = stylefuse(tmp_path, "models")
    assert (empty.returncode, empty.stdout) == (
        0, "nothing is registered yet; `make repro` trains models and does that\n",
    )  # fmt: skip
    assert stylefuse(tmp_path, "models", "--json").stdout == '{\n "versions": []\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def transfer(content="photo.jpg", style="style.png", out="x.png", *more):
    return ["transfer", content, "--style", style, "-o", out, *more]


def fuse(*more, b="style.png"):
    return ["fuse", "photo.jpg", b, "-o", "x.png", *more]


MISTAKES = {
    "no such content": (transfer("gone.jpg"), "gone.jpg is not here"),
    "no such style": (transfer(style="gone.png"), "gone.png is not here"),
    "a text file": (transfer(style="text.png"), "text.png is no picture"),
    "an empty folder": (transfer("empty"), "no picture is in empty"),
    "an odd format": (transfer(out="x.exe"), "x.exe cannot be written"),
    "strength": (transfer("photo.jpg", "style.png", "x.png", "--strength", "nan"), "strength must"),
    "no such model": (
        transfer("photo.jpg", "style.png", "x.png", "--model", "models/other"),
        "models/other is no folder; run `make repro`",
    ),
    "nothing to fuse with": (fuse(b="gone.png"), "gone.png cannot be read"),
    "an odd mode": (fuse("--mode", "sum"), "mode must be one of auto, saliency, mask, scalar"),
    "a mask in vain": (fuse("--mode", "scalar", "--mask", "style.png"), "takes no mask"),
    "each style into a file": (
        transfer("photo.jpg", "style.png", "x.png", "--each-style"),
        "folder",
    ),
    "no such mask": (fuse("--mask", "gone.png"), "gone.png cannot be read"),
    "a balance": (fuse("--content-balance", "2"), "content_balance must be a number from 0 to 1"),
    "no model to restore": (
        ["restore", "photo.jpg", "-o", "x.png"],
        "models/restore is no folder; run `make repro`",
    ),
    "no portraits": (["portrait", "--count", "0", "-o", "x"], "count must be at least 1"),
    "training no model": (["train", "upscale"], "no model 'upscale', only transfer, restore"),
    "serving no model": (["serve", "upscale"], "models:/stylefuse-upscale@champion cannot be had"),
    "no such version": (["serve", "--model", "models:/stylefuse-transfer@rival"], "@rival"),
    "no port": (["ui", "--port", "70000"], "70000 is no port"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(project, name):
    arguments, complaint = MISTAKES[name]
    (project / "text.png").write_text("words")
    (project / "empty").mkdir(exist_ok=True)
    done = stylefuse(project, *arguments)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]  # TensorFlow says a word of its own where it is loaded
    assert line.startswith("error: ")
    assert complaint in line
    assert "Traceback" not in done.stderr
    assert not list(project.glob("x.*"))


@pytest.mark.parametrize(
    "arguments", [["register"], ["serve"], ["train", "transfer"], ["portrait", "-o", "x"]]
)
def test_outside_a_project(tmp_path, arguments):
    done = stylefuse(tmp_path, *arguments)
    assert done.returncode == 2
    assert "params.yaml is not here; run the command in the project's folder" in done.stderr
    assert not list(tmp_path.iterdir())


def test_serving_an_empty_registry(tmp_path):
    (tmp_path / "params.yaml").write_text((Path(__file__).parents[1] / "params.yaml").read_text())
    done = stylefuse(tmp_path, "serve", "--port", free_port())
    assert done.returncode == 2
    assert "make repro" in done.stderr
    assert not (tmp_path / "mlflow").exists()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(project):
    """The address of `stylefuse serve`, answering; stopped at the end."""
    port = free_port()
    log = (project / "serve.log").open("w")
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", str(port)], cwd=project, env=ENVIRONMENT, stdout=log,
        stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert process.poll() is None, (project / "serve.log").read_text()
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def ask(server, body):
    request = urllib.request.Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def rows(*texts, **params):
    return {
        "dataframe_split": {"columns": ["content", "style"], "data": [list(row) for row in texts]},
        "params": params,
    }


GOOD = (encoded(noise(40, 30)), encoded(noise(20, 20)))


def test_the_server_paints(server):
    status, text = ask(server, rows(GOOD, GOOD, strength=0.5, size=20))
    assert status == 200
    pictures = [decode(row["picture"]) for row in json.loads(text)["predictions"]]
    assert [picture.size for picture in pictures] == [(20, 15), (20, 15)]
    with urllib.request.urlopen(f"{server}/metrics") as answer:
        told = answer.read().decode()
    assert 'stylefuse_requests_total{status="200"}' in told
    assert 'stylefuse_model_version{version="1"} 1.0' in told


WRONG = {
    "base64": (rows(("%%%", GOOD[1])), "row 1 of 1: content is no valid base64"),
    "null": (rows(GOOD, (GOOD[0], None)), "row 2 of 2: style is missing"),
    "columns": ({"dataframe_records": [{"content": GOOD[0]}]}, "style"),
    "no rows": (rows(), "no rows"),
    "too many": (rows(*[("", "")] * 99), "99 rows, more than the"),
    "strength": (rows(GOOD, strength=math.nan), "strength must be a number from 0 to 1"),
    "a parameter's type": (rows(GOOD, strength="much"), "strength"),
    "size": (rows(GOOD, size=10**6), "more than the"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_server_answers_a_mistake_with_a_sentence_and_stays_up(server, name):
    body, complaint = WRONG[name]
    status, text = ask(server, body)
    assert status == 400
    assert complaint in text
    assert "Traceback" not in text
    assert ask(server, rows(GOOD, size=16))[0] == 200


JSON = {"Content-Type": "application/json"}
FOREIGN = {
    "no type": ({}, 415, "send application/json or text/csv"),
    "another name": ({"Host": "evil.example"}, 403, "this server has another name"),
    "another site": ({"Origin": "https://evil.example"}, 403, "pages of other sites"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_server_looks_at_who_asks_and_for_what(server, name):
    headers, refusal, complaint = FOREIGN[name]
    given = JSON | headers if headers else {}
    status, body, _ = send(port_of(server), Request(good_request().body, given))
    assert status == refusal
    assert complaint in json.loads(body)["error"]
    assert ask(server, rows(GOOD, size=16))[0] == 200


def test_a_request_that_never_ends_is_refused_as_it_comes(server):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server))
    pieces = (b"a" * 10**6 for _ in range(70))
    connection.request("POST", "/invocations", pieces, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"larger than the 64,000,000 bytes allowed" in answer.read()
    assert ask(server, rows(GOOD, size=16))[0] == 200


def test_hostile_requests_break_nothing(server):
    found = send_all(port_of(server), islice(requests(11), 300))
    assert found.faults == []
    assert found.answers[200] >= 300 // GOOD_EVERY
    assert found.answers[400] > 100


def port_of(server):
    return int(server.rpartition(":")[2])


def test_a_port_in_use_is_told_before_anything_starts(project, server):
    port = server.rpartition(":")[2]
    for command in ("serve", "ui"):
        done = stylefuse(project, command, "--port", port)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert f"127.0.0.1:{port} cannot be used" in line
        assert "--port" in line
