"""Validation finds ingested pictures that would harm a training, and names them."""

import io
import json
import shutil
from contextlib import chdir

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stylefuse import paths
from stylefuse.data import ingest
from stylefuse.data.describe import describe
from stylefuse.data.validation.files_on_disk import file_errors
from stylefuse.data.validation.validate import validate
from stylefuse.errors import UserError
from tests.integration.data.test_ingest import folder, params_with, png

DOMAINS = ["painting", "photograph"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two folders of forty pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    for domain, first in (("photos", 0), ("art", 100)):
        (root / domain).mkdir()
        for seed in range(first, first + 40):
            (root / domain / f"{seed}.png").write_bytes(png(seed, (160, 140)))
    return root


@pytest.fixture(scope="module")
def good_set(pictures):
    """Those pictures, ingested."""
    with chdir(pictures):
        ingest_folders(pictures)
    return pictures


@pytest.fixture
def sources(pictures, tmp_path, monkeypatch):
    """A copy of the two folders in the working directory; nothing is ingested."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "art"):
        shutil.copytree(pictures / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def project(good_set, tmp_path, monkeypatch):
    """A copy of what was ingested, as the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(good_set / "data", tmp_path / "data")
    return tmp_path


def ingest_folders(root):
    photos, art = folder(root / "photos", "photograph"), folder(root / "art", "painting")
    return ingest.ingest(params_with(photos, art))


def failures(project):
    """The file names that fail each failed expectation, and the error's message."""
    params = params_with()
    manifest = pd.read_parquet("data/manifest.parquet")
    errors = file_errors(manifest, paths.PICTURES)
    settings = params.validation
    try:
        validate(manifest, DOMAINS, settings, params.data.near_duplicate_bits, project, errors)
    except UserError as error:
        assert error.code == "validation-failed"
        message = str(error)
    else:
        return {}, ""
    results = json.loads((project / "validation.json").read_text())["expectations"]
    return {e["name"]: names(e["failing"]) for e in results if not e["success"]}, message


def names(paths):
    return sorted(path.rsplit("/", 1)[1] for path in paths)


def as_jpeg(data, quality):
    file = io.BytesIO()
    Image.open(io.BytesIO(data)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_a_good_set_passes(project):
    assert failures(project) == ({}, "")


# --- files that differ from the manifest ---


def files(project):
    return sorted(project.joinpath("data/pictures/photograph/photograph").iterdir())


def test_a_file_that_is_missing(project):
    gone = files(project)[3]
    gone.unlink()
    failed, message = failures(project)
    assert failed == {"files": [gone.name]}
    assert f"{gone.name} (is missing)" in message


def test_a_file_that_was_changed(project):
    changed = files(project)[3]
    changed.write_bytes(png(999, (160, 140)))
    failed, message = failures(project)
    assert failed == {"files": [changed.name]}
    assert f"{changed.name} (differs from the manifest)" in message


def test_two_files_that_were_swapped(project):
    first, second, *_ = files(project)
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    failed, message = failures(project)
    assert failed == {"files": [first.name, second.name]}
    assert f"{first.name} (is the file of {paths.PICTURES}/" in message
    assert f"/{second.name})" in message


def test_a_file_that_was_added(project):
    added = files(project)[0].with_name("stray.png")
    added.write_bytes(png(998))
    failed, message = failures(project)
    assert failed == {"files": ["stray.png"]}
    assert "stray.png (is not in the manifest)" in message
    page = (project / "validation.html").read_text()
    assert "stray.png" in page


# --- pictures that should not be in the set ---


def of_split(manifest, split):
    rows = manifest[(manifest.split == split) & (manifest.domain == "photograph")]
    return rows.path.tolist()


@pytest.mark.parametrize("exact", [True, False])
def test_copies_of_test_pictures_in_the_train_split(project, exact):
    """The copies are added after ingest, which would put them into the same split."""
    manifest = pd.read_parquet("data/manifest.parquet")
    rows = []
    for path in of_split(manifest, "test")[:3]:
        data = (project / path).read_bytes()
        copy = path.replace(".png", "-copy.png")
        content = data if exact else as_jpeg(data, 70)
        (project / copy).write_bytes(content)
        row = manifest[manifest.path == path].iloc[0].to_dict()
        rows.append(row | describe(content) | {"path": copy, "split": "train"})
    pd.concat([manifest, pd.DataFrame(rows)]).to_parquet("data/manifest.parquet", index=False)
    failed, message = failures(project)
    both = sorted(names(row["path"] for row in rows) + names(of_split(manifest, "test")[:3]))
    assert failed.pop("no_twin_across_splits") == both
    assert failed == ({"sha256_unique": both} if exact else {})
    assert rows[0]["path"] in message


def test_one_picture_five_hundred_times(sources):
    for i in range(500):
        shutil.copy(sources / "art/100.png", sources / f"art/copy-{i:03}.png")
    ingest_folders(sources)
    failed, message = failures(sources)
    assert len(failed.pop("sha256_unique")) == 501
    assert len(failed["repeated"]) == 501
    assert "100.png" in failed["repeated"]
    assert "copy-000.png" in message
    assert "and 491 more" in message


def test_one_picture_again_and_again_with_small_changes(sources):
    data = (sources / "art/100.png").read_bytes()
    for i in range(30):
        (sources / f"art/like-{i:02}.jpg").write_bytes(as_jpeg(data, 60 + i))
    ingest_folders(sources)
    failed, message = failures(sources)
    assert "sha256_unique" not in failed
    assert failed["repeated"] == ["100.png", *(f"like-{i:02}.jpg" for i in range(30))]
    assert "one of 31 like data/pictures/painting/painting/100.png" in message


@pytest.mark.parametrize("level", [0, 255, 120])
def test_half_of_a_folder_in_one_colour(sources, level):
    """Each differs a little, so that no two files have the same content."""
    flat = [f"{seed}.png" for seed in range(0, 40, 2)]
    for i, name in enumerate(flat):
        levels = np.full((140, 160, 3), level, np.uint8)
        levels[i, : i + 1] ^= 3
        Image.fromarray(levels).save(sources / "photos" / name)
    ingest_folders(sources)
    failed, _ = failures(sources)
    assert failed["luminance_deviation"] == sorted(flat)
    assert ("luminance" in failed) == (level != 120)


def test_pictures_that_are_in_two_domains(sources):
    for seed in range(3):
        shutil.copy(sources / f"photos/{seed}.png", sources / "art")
    ingest_folders(sources)
    failed, _ = failures(sources)
    assert failed["sha256_unique"] == ["0.png", "0.png", "1.png", "1.png", "2.png", "2.png"]


# --- bad pictures are left out ---


def small(_):
    return png(501, (60, 40))


def flat(_):
    return file_of(Image.new("RGB", (160, 140), "teal"))


def dark(_):
    return file_of(Image.fromarray(np.random.default_rng(1).integers(0, 3, (140, 160), np.uint8)))


def other_mode(_):
    return file_of(Image.effect_noise((160, 140), 80).convert("LA"))


def damaged(good):
    return good[: len(good) // 2]


def copied(good):
    return good


def file_of(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


BAD = {
    small: "too small", flat: "of one colour", dark: "mean luminance", other_mode: "the mode LA",
    damaged: "damaged or cut short", copied: "same content as photograph: 0.png",
}  # fmt: skip


def ingest_without_bad(root, **data):
    photos, art = folder(root / "photos", "photograph"), folder(root / "art", "painting")
    return ingest.ingest(params_with(photos, art, on_bad="leave_out", **data))


@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.__name__)
def test_a_bad_picture_is_left_out_and_named(sources, kind, capsys):
    (sources / "photos/trip").mkdir()
    bad = sources / "photos/trip/bad.png"
    bad.write_bytes(kind((sources / "photos/0.png").read_bytes()))
    manifest = ingest_without_bad(sources)
    assert len(manifest) == 80
    assert failures(sources) == ({}, "")
    left_out = pd.read_csv(paths.LEFT_OUT)
    ((source, picture, reason),) = left_out.itertuples(index=False)
    assert (source, picture) == ("photograph", "trip/bad.png")
    assert BAD[kind] in reason
    assert "left out 1 pictures" in capsys.readouterr().err
    assert not list((sources / paths.PICTURES).rglob("bad.png"))


def test_of_very_many_alike_most_are_left_out(sources):
    data = (sources / "art/100.png").read_bytes()
    for i in range(12):
        (sources / f"art/like-{i:02}.jpg").write_bytes(as_jpeg(data, 60 + i))
    ingest_without_bad(sources, max_left_out=0.2)
    assert failures(sources) == ({}, "")
    left_out = pd.read_csv(paths.LEFT_OUT)
    assert list(left_out.picture) == [f"like-{i:02}.jpg" for i in range(7, 12)]
    assert set(left_out.reason) == {"is one of many like painting: 100.png"}


def test_a_licence_that_is_not_listed(sources):
    art = folder(sources / "art", "painting").model_copy(update={"licence": "CC BY-NC"})
    photos = folder(sources / "photos", "photograph")
    with pytest.raises(UserError) as error:
        ingest.ingest(params_with(photos, art, on_bad="leave_out", max_left_out=0.5))
    assert error.value.code == "too-many-left-out"
    assert "'painting': 40 of 40 pictures" in str(error.value)
    assert "painting: 100.png: has the licence CC BY-NC" in str(error.value)
    assert not paths.MANIFEST.exists()


def test_too_many_bad_pictures_stop_the_run(sources):
    for seed in range(5):
        (sources / f"photos/{seed}.png").write_bytes(flat(seed))
    with pytest.raises(UserError) as error:
        ingest_without_bad(sources)
    assert error.value.code == "too-many-left-out"


def test_a_bad_picture_is_named_by_its_own_path(sources):
    (sources / "photos/trip").mkdir()
    (sources / "photos/trip/bad.png").write_bytes(damaged((sources / "photos/0.png").read_bytes()))
    ingest_folders(sources)
    failed, message = failures(sources)
    assert failed == {"decodes": ["bad.png"]}
    assert "from photograph: trip/bad.png" in message


def test_hidden_files_are_skipped(sources):
    for name in ("._0.png", ".thumbnails/0.png"):
        (sources / "photos" / name).parent.mkdir(exist_ok=True)
        (sources / "photos" / name).write_bytes(b"no picture")
    ingest_folders(sources)
    assert failures(sources) == ({}, "")


def test_the_page_names_what_was_left_out(good_set, tmp_path):
    manifest = pd.read_parquet(good_set / paths.MANIFEST)
    settings = params_with().validation
    table = pd.DataFrame({"source": ["mine"], "picture": ["<b>.png"], "reason": ["is empty"]})
    validate(manifest, DOMAINS, settings, 0, tmp_path, left_out=table)
    assert "&lt;b&gt;.png" in (tmp_path / "validation.html").read_text()
    assert json.loads((tmp_path / "validation.json").read_text())["left_out"] == 1
