"""A chunk of a large batch: what is done is skipped, what changed is painted, the rest is told."""

import json
from dataclasses import asdict, replace

import pytest

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.images.open import open_picture
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.painting.chunk import Chunk, paint_chunk
from stylefuse.painting.job import Job
from stylefuse.painting.manifest import next_part, read_manifest, write_part
from tests.support.models import make_model, noise

ORIGIN = {"name": "restore", "version": "stylefuse-restore/1", "sha256": "of the weights"}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_model(tmp_path_factory.mktemp("model"), "restore"))


@pytest.fixture
def chunk(tmp_path):
    """Three pictures, the second of which cannot be opened."""
    options = RestoreOptions(0.5)
    recorded = json.loads(json.dumps(asdict(options)))
    jobs = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        noise(20, 16, seed=number).save(path)
        inputs = {"picture": [path]}
        jobs.append(Job(tmp_path / "out" / path.name, recorded, inputs, photograph=path))
    (tmp_path / "1.png").write_bytes(b"no picture")
    return Chunk(jobs, {}, ORIGIN, options)


@pytest.fixture
def run(predictor, tmp_path):
    """A function that paints a chunk as a later run does, and writes its part of the manifest."""

    def run(chunk):
        out = tmp_path / "out"
        records = paint_chunk(chunk._replace(known=read_manifest(out)), lambda: predictor)
        write_part(out, next_part(out), records)
        return [record["output"]["file"].rpartition("/")[2] for record in records]

    return run


def test_each_picture_is_recorded_and_a_bad_one_stops_no_other(chunk, run, tmp_path):
    assert run(chunk) == ["0.png", "1.png", "2.png"]
    manifest = read_manifest(tmp_path / "out")
    painted, failed = (manifest[str(tmp_path / "out" / name)] for name in ("2.png", "1.png"))
    assert painted["model"] == ORIGIN
    assert painted["options"] == {"strength": 0.5, "only": [], "keep": [], "scale": 1}
    assert painted["seconds"] > 0
    assert painted["inputs"]["picture"][0]["sha256"] == sha256(tmp_path / "2.png")
    assert painted["output"]["sha256"] == sha256(tmp_path / "out/2.png")
    assert open_picture(tmp_path / "out/2.png").size == (20, 16)
    assert "is not a picture file" in failed["error"]
    assert failed["inputs"]["picture"][0]["sha256"] == sha256(tmp_path / "1.png")
    assert not (tmp_path / "out/1.png").exists()


def test_what_is_done_is_skipped_and_needs_no_model(chunk, run, tmp_path):
    run(chunk)
    done = chunk._replace(jobs=chunk.jobs[::2], known=read_manifest(tmp_path / "out"))
    assert paint_chunk(done, lambda: pytest.fail("the model was loaded")) == []


def test_what_changed_is_painted_again(chunk, run, tmp_path):
    run(chunk)
    noise(20, 16, seed=9).save(tmp_path / "0.png")
    assert run(chunk) == ["0.png", "1.png"]  # one that failed is tried again
    (tmp_path / "out/2.png").unlink()
    assert run(chunk) == ["1.png", "2.png"]
    other = chunk._replace(jobs=[replace(job, options={"strength": 1.0}) for job in chunk.jobs])
    assert run(other) == ["0.png", "1.png", "2.png"]
    assert run(other._replace(origin=ORIGIN | {"sha256": "of others"})) == [
        "0.png", "1.png", "2.png"
    ]  # fmt: skip
    noise(20, 16).save(tmp_path / "1.png")
    run(other)
    (tmp_path / "0.png").unlink()
    assert run(other._replace(jobs=chunk.jobs)) == ["0.png", "1.png", "2.png"]


def test_an_output_that_cannot_be_written_stops_the_chunk(chunk, run, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        run(chunk)


def test_a_damaged_manifest_is_named(tmp_path):
    write_part(tmp_path, 1, [{"output": {"file": "a"}}])
    (part,) = (tmp_path / "manifest").iterdir()
    part.write_text("{")
    with pytest.raises(UserError, match=f"{part.name} cannot be read"):
        read_manifest(tmp_path)


def test_later_parts_count_more(tmp_path):
    for number in (9, 1_000_000):
        write_part(tmp_path, number, [{"output": {"file": "a"}, "seconds": number}])
    assert read_manifest(tmp_path)["a"]["seconds"] == 1_000_000
    assert next_part(tmp_path) == 1_000_001
    write_part(tmp_path, 9, [{"output": {"file": "b"}}])  # a late worker's replaces none
    assert read_manifest(tmp_path).keys() == {"a", "b"}
