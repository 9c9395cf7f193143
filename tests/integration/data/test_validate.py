"""Validation: good pictures pass, each defect fails and is named, reports are reproducible."""

import json
import shutil
import socket

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from playwright.sync_api import sync_playwright
from pyarrow import ArrowInvalid, ArrowTypeError

from stylefuse.config import load_params
from stylefuse.data.validation import validate as module
from stylefuse.data.validation.validate import validate
from stylefuse.errors import UserError
from tests.unit.test_config import SHIPPED

SETTINGS = load_params(SHIPPED).validation.model_copy(
    update={"min_pictures": 10, "min_test_pictures": 2, "licences": ["CC0.*", "own"]}
)
BITS = 10
CHROMIUM = shutil.which("chromium")
DOMAINS = ["painting", "photograph"]


def make_manifest():
    """Twelve photographs and twelve paintings without a defect."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "path": f"data/pictures/{domain}/source/{i:02}.jpg", "domain": domain,
            "split": ["train", "train", "validation", "test"][i % 4],
            "width": 640, "height": 480, "mode": "RGB", "format": "JPEG", "bytes": 5000,
            "sha256": rng.bytes(32).hex(), "phash": rng.bytes(8).hex(),
            "luminance": 120.0, "luminance_deviation": 50.0, "decodes": True, "error": "",
            "source": f"{domain}-source", "author": "A. Painter", "licence": "CC0-1.0",
        }
        for domain in ("photograph", "painting")
        for i in range(12)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def manifest():
    return make_manifest()


def failures(manifest, out) -> tuple[dict[str, list[str]], str]:
    """The failing pictures of each failed expectation, and the error's message."""
    with pytest.raises(UserError) as error:
        validate(manifest, DOMAINS, SETTINGS, BITS, out)
    assert (error.value.exit_code, error.value.code) == (10, "validation-failed")
    summary = json.loads((out / "validation.json").read_text())
    failed = {e["name"]: e["failing"] for e in summary["expectations"] if not e["success"]}
    assert summary["evaluated"] - summary["passed"] == len(failed)
    page = (out / "validation.html").read_text()
    for name, paths in failed.items():
        assert f"  {name}: " in str(error.value)
        assert name in page
        for path in paths[:10]:
            assert path in str(error.value)
        for path in paths:
            assert path in page
    return failed, str(error.value)


def test_good_pictures_pass(manifest, tmp_path):
    docs = tmp_path / "data_docs"
    validate(manifest, DOMAINS, SETTINGS, BITS, tmp_path, data_docs=docs)
    summary = json.loads((tmp_path / "validation.json").read_text())
    assert summary["evaluated"] == summary["passed"] >= 10
    assert summary["pictures"]["painting"] == {"train": 6, "validation": 3, "test": 3}
    page = (tmp_path / "validation.html").read_text()
    assert "expectations hold" in page
    assert "://" not in page
    assert (docs / "index.html").exists()
    assert "No required cell of the manifest is empty" in page


MARKUP = "<img src=x onerror=\"document.title='run'\">"


def manifest_with(manifest, text):
    """The manifest with a text in every column that may contain any."""
    manifest = manifest.copy()
    for row, column in enumerate(("path", "domain", "split", "mode", "sha256", "phash", "licence")):
        manifest.loc[row, column] = f"{text}{column}"
    manifest.loc[8, ["decodes", "error"]] = False, text
    manifest.loc[9:10, "path"] = text
    return manifest


def docs_of(manifest, text, out):
    """The Data Docs of a manifest and of settings that contain a text."""
    settings = SETTINGS.model_copy(
        update={"modes": ["RGB", text], "licences": ["CC0.*", text],
                "min_side": SETTINGS.min_side | {text: 64}}
    )  # fmt: skip
    errors = {manifest.path[11]: text, f"unlisted {text}": text}
    with pytest.raises(UserError):
        validate(manifest_with(manifest, text), [*DOMAINS, text], settings, BITS, out, errors, out)
    return sorted(out.rglob("*.html"))


@pytest.fixture(scope="module")
def docs_with_markup(tmp_path_factory):
    """The folder of Data Docs of a manifest that contains markup, and its pages."""
    folder = tmp_path_factory.mktemp("docs")
    return folder, docs_of(make_manifest(), MARKUP, folder)


def test_markup_in_the_data_is_text_in_the_data_docs(manifest, docs_with_markup):
    folder, pages = docs_with_markup
    assert {"index.html", "ingest-manifest.html", "pictures.html"} <= {page.name for page in pages}
    for page in pages:
        assert "<img src=x" not in page.read_text()
    (page,) = folder.rglob("ingest-manifest.html")
    assert "&lt;img src=x onerror=" in page.read_text()
    summary = json.loads((folder / "validation.json").read_text())
    failing = {e["name"]: e["failing"] for e in summary["expectations"]}
    assert failing["licence"] == [manifest.path[6]]
    assert failing["path_unique"] == [MARKUP, MARKUP]


def test_other_texts_look_as_they_are_in_the_data_docs(manifest, tmp_path):
    """Nothing is escaped twice."""
    docs_of(manifest, "A & B's <C>", tmp_path)
    (page,) = tmp_path.rglob("ingest-manifest.html")
    assert "A &amp; B's &lt;C&gt;" in page.read_text()
    assert "&amp;amp;" not in page.read_text()
    assert "&amp;lt;" not in page.read_text()


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_a_browser_runs_no_script_of_the_data(docs_with_markup):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("http*://**", lambda route: route.abort())  # styles of other sites
        for path in docs_with_markup[1]:
            page.goto(path.as_uri())
            assert page.locator("img[src=x]").count() == 0
            assert page.title() != "run"
        browser.close()


BAD = (  # what is wrong with a picture, and the expectation that fails
    ({"decodes": False, "error": "cut short", "width": 0, "height": 0, "mode": "",
      "format": "", "luminance": np.nan, "luminance_deviation": np.nan}, "decodes"),
    ({"width": 100}, "photograph_width"),
    ({"height": 9000}, "photograph_height"),
    ({"mode": "1"}, "mode"),
    ({"luminance": 1.0}, "luminance"),
    ({"luminance_deviation": 0.5}, "luminance_deviation"),
    ({"licence": "CC-BY-NC-4.0"}, "licence"),
    ({"licence": "known: CC0"}, "licence"),
    ({"licence": "own or so"}, "licence"),
    ({"licence": "own\n"}, "licence"),
    ({"author": None}, "filled"),
    ({"author": "  "}, "filled"),
    ({"source": ""}, "filled"),
    ({"luminance": np.nan}, "filled"),
    ({"sha256": "abc"}, "sha256_form"),
    ({"phash": "abc"}, "phash_form"),
)  # fmt: skip


def test_a_bad_picture_fails_one_expectation(manifest, tmp_path):
    """Each of the pictures is bad in another way."""
    expected = {}
    for row, (change, expectation) in enumerate(BAD):
        for column, value in change.items():
            manifest.loc[row, column] = value
        expected.setdefault(expectation, []).append(manifest.path[row])
    failed, _ = failures(manifest, tmp_path)
    assert failed == {expectation: sorted(paths) for expectation, paths in expected.items()}


def test_the_same_file_twice(manifest, tmp_path):
    manifest.loc[5, ["sha256", "phash"]] = manifest.loc[4, ["sha256", "phash"]].tolist()
    failed, _ = failures(manifest, tmp_path)
    assert failed == {"sha256_unique": [manifest.path[4], manifest.path[5]]}


def test_near_duplicates_across_splits_are_found_through_a_third(manifest, tmp_path):
    """4 is like 5, and 5 is like 6, which is in another split; 4 and 6 are not alike."""
    manifest.loc[4:6, "phash"] = ["00000000000000ff", "000000000000ffff", "0000000000ffffff"]
    failed, message = failures(manifest, tmp_path)
    assert failed == {"no_twin_across_splits": manifest.path[4:7].tolist()}
    assert f"{manifest.path[4]} (like {manifest.path[6]})" in message


def test_near_duplicates_within_a_split_are_fine(manifest, tmp_path):
    manifest.loc[5, "phash"] = manifest.phash[4]
    validate(manifest, DOMAINS, SETTINGS, BITS, tmp_path)


def test_undecodable_pictures_are_not_near_duplicates(manifest, tmp_path):
    manifest.loc[[5, 6], "decodes"] = False
    manifest.loc[[5, 6], "phash"] = "0" * 16
    assert set(failures(manifest, tmp_path)[0]) == {"decodes"}


def test_a_missing_domain_is_named(manifest, tmp_path):
    failed, message = failures(manifest[manifest.domain == "photograph"], tmp_path)
    assert {"paintings", "paintings_in_test", "photographs_in_balance"} <= set(failed)
    assert "at least 10 paintings. found 0" in message


def test_too_few_pictures(manifest, tmp_path):
    failed, _ = failures(pd.concat([manifest[:9], manifest[12:]]), tmp_path)
    assert set(failed) == {"photographs"}


def test_too_few_test_pictures(manifest, tmp_path):
    manifest.loc[manifest[manifest.split == "test"].index[1:3], "split"] = "train"
    assert set(failures(manifest, tmp_path)[0]) == {"photographs_in_test"}


def test_one_domain_has_too_large_a_share(manifest, tmp_path):
    rng = np.random.default_rng(1)
    more = pd.concat([manifest[manifest.domain == "painting"]] * 12, ignore_index=True)
    more["path"] = [f"data/pictures/painting/more/{i}.jpg" for i in range(len(more))]
    more["sha256"] = [rng.bytes(32).hex() for _ in range(len(more))]
    more["split"] = "train"
    failed, _ = failures(pd.concat([manifest, more], ignore_index=True), tmp_path)
    assert "paintings_in_balance" in failed
    assert "photographs_in_balance" not in failed


def test_an_unknown_domain_and_split(manifest, tmp_path):
    manifest.loc[5, "domain"], manifest.loc[6, "split"] = "sculpture", "holdout"
    failed, _ = failures(manifest, tmp_path)
    assert failed["domain_known"] == [manifest.path[5]]
    assert failed["split_known"] == [manifest.path[6]]


def test_each_domain_has_its_own_minimum_side(manifest, tmp_path):
    """64 pixels are enough for a portrait, and too few for a painting."""
    portraits = manifest[manifest.domain == "painting"].assign(domain="portrait", width=64)
    portraits["path"] = portraits.path.str.replace("painting", "portrait")
    rng = np.random.default_rng(2)
    for column, size in (("sha256", 32), ("phash", 8)):
        portraits[column] = [rng.bytes(size).hex() for _ in range(len(portraits))]
    manifest.loc[20, "width"] = 64
    everything = pd.concat([manifest, portraits], ignore_index=True)
    with pytest.raises(UserError, match="failed 1 expectation") as error:
        validate(everything, [*DOMAINS, "portrait"], SETTINGS, BITS, tmp_path)
    complaint = "painting_width: The width of paintings is from 128 to 8000 pixels.\n    "
    assert complaint + manifest.path[20] in str(error.value)
    summary = json.loads((tmp_path / "validation.json").read_text())
    assert summary["pictures"]["portrait"] == {"train": 6, "validation": 3, "test": 3}


def test_a_domain_without_a_minimum_side_is_named(manifest, tmp_path):
    with pytest.raises(UserError, match="icon, sculpture") as error:
        validate(manifest, [*DOMAINS, "sculpture", "icon"], SETTINGS, BITS, tmp_path)
    assert error.value.code == "side-missing"


def test_an_empty_manifest_fails(manifest, tmp_path):
    failed, _ = failures(manifest[:0], tmp_path)
    assert {"pictures", "photographs", "paintings", "paintings_in_test"} <= set(failed)


@pytest.mark.parametrize("column", ["path", "sha256", "luminance", "licence", "decodes", "domain"])
def test_a_column_of_nulls_fails(manifest, tmp_path, column):
    manifest[column] = None
    assert "filled" in failures(manifest, tmp_path)[0]


def test_a_missing_column_is_named(manifest, tmp_path):
    with pytest.raises(UserError, match="author, licence") as error:
        validate(manifest.drop(columns=["author", "licence"]), DOMAINS, SETTINGS, BITS, tmp_path)
    assert error.value.code == "manifest-incomplete"


def test_a_long_list_is_cut_in_the_message(manifest, tmp_path):
    manifest["mode"] = "1"
    failed, message = failures(manifest, tmp_path)
    assert len(failed["mode"]) == 24
    assert "and 14 more" in message


def test_names_are_text_in_the_page(manifest, tmp_path):
    manifest.loc[5, "path"] = "data/<script>.jpg"
    manifest.loc[5, "mode"] = "<b>"
    with pytest.raises(UserError):
        validate(manifest, DOMAINS, SETTINGS, BITS, tmp_path)
    page = (tmp_path / "validation.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


@pytest.mark.parametrize("mode", ["RGB", "1"])
def test_reports_are_the_same_bytes_from_run_to_run(manifest, tmp_path, mode):
    manifest.loc[5:9, "mode"] = mode
    reports = []
    for name in ("one", "other"):
        try:
            validate(manifest, DOMAINS, SETTINGS, BITS, tmp_path / name)
        except UserError:
            assert mode == "1"
        reports.append(
            [(tmp_path / name / f"validation.{kind}").read_bytes() for kind in ("json", "html")]
        )
    assert reports[0] == reports[1]


def test_nothing_but_loopback_is_contacted(manifest, tmp_path, monkeypatch):
    def guard(name):
        def refuse(*args):
            raise AssertionError(f"socket.{name}{args}")

        return refuse

    connect = socket.socket.connect
    monkeypatch.setattr(socket, "getaddrinfo", guard("getaddrinfo"))
    monkeypatch.setattr(
        socket.socket,
        "connect",
        lambda self, address: (
            connect(self, address)
            if isinstance(address, str) or address[0] in ("127.0.0.1", "::1")
            else guard("connect")(address)
        ),
    )
    validate(manifest, DOMAINS, SETTINGS, BITS, tmp_path)


def test_main_reads_the_manifest_of_the_project(manifest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(SHIPPED.read_text())
    with pytest.raises(UserError) as error:
        module.main()
    assert error.value.code == "manifest-missing"
    (tmp_path / "data").mkdir()
    manifest.to_parquet("data/manifest.parquet")
    (tmp_path / "data/left_out.csv").write_text("source,picture,reason\n")
    with pytest.raises(UserError, match="at least 20 photographs"):
        module.main()
    assert (tmp_path / "reports/validation.json").exists()
    assert (tmp_path / "reports/data_docs/index.html").exists()


ODD = {  # by type of the column
    "text": (None, "", " ", "\n", "\0", "x" * 999, "<b>", "../a.jpg", "RGB", "train", "0" * 64),
    "number": (None, np.nan, np.inf, -np.inf, -1, 0, 1e300, 10**9, 0.5),
    "other": (True, False, None, pd.Timestamp(0), b"bytes", "text", 3),  # for a whole column
}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture],
          phases=[Phase.explicit, Phase.generate])  # fmt: skip
@given(st.data())
def test_an_odd_table_passes_or_fails_validation(manifest, tmp_path, data):
    """Odd, missing or duplicated cells, columns and rows that a Parquet file can hold."""
    table = manifest
    for _ in range(data.draw(st.integers(1, 4))):
        column = data.draw(st.sampled_from(list(table)))
        kind = "number" if pd.api.types.is_numeric_dtype(table[column]) else "text"
        if data.draw(st.booleans()):
            kind, rows = "other", list(range(len(table)))
        else:
            rows = data.draw(st.sampled_from([[3], [4, 20], [0, 1, 2, 12]]))
        value, cells = data.draw(st.sampled_from(ODD[kind])), table[column].tolist()
        table = table.assign(**{column: [value if i in rows else c for i, c in enumerate(cells)]})
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=60))
    try:
        table.iloc[rows or range(len(table))].to_parquet(tmp_path / "manifest.parquet")
    except (ArrowInvalid, ArrowTypeError):
        reject()
    try:
        odd = pd.read_parquet(tmp_path / "manifest.parquet")
        validate(odd, DOMAINS, SETTINGS, BITS, tmp_path)
    except UserError as error:
        assert error.exit_code == 10
        assert json.loads((tmp_path / "validation.json").read_text())["evaluated"]
