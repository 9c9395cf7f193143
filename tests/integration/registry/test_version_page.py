"""A page keeps within what the store takes, whatever there is to tell, and keeps people's words."""

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefuse.errors import UserError
from stylefuse.evaluation.comparison import Difference
from stylefuse.evaluation.metric_labels import FIGURES
from stylefuse.gate.rules import Check, Decision
from stylefuse.registry.pages.licences import licence_tag, training_licences
from stylefuse.registry.pages.markdown import MOST, compose, write_section
from stylefuse.registry.pages.version_page import (
    GATE,
    STANDING,
    gate_lines,
    standing_lines,
    version_card,
)

RUN = SimpleNamespace(experiment_id="1" * 18, run_id="f" * 32)
TITLES = ("Samples", "Figures", GATE, STANDING, "Training pictures", "Origin")
TEXT = st.text(st.sampled_from("ab #|\n…"), max_size=40)


def titles(page):
    return [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]


def test_a_page_with_too_much_of_everything_keeps_all_its_sections(params):
    figures = dict.fromkeys(FIGURES, 1.0)
    licences = pd.DataFrame({"licence": [f"licence {i}" for i in range(99)], "pictures": 1,
                             "sources": "a, b, c"})  # fmt: skip
    picture = f"[![sheet]({'p' * 90})]({'s' * 100})"
    page = version_card(
        params, "transfer", RUN, {"git.commit": "0" * 40, "git.dirty": "true"}, first=False,
        methods={f"method {i}": figures for i in range(99)}, pictures=["x" * 80, "", picture] * 2,
        licences=licences, reports=[f"reports/{i}.html" for i in range(99)],
    )  # fmt: skip
    assert titles(page) == [*TITLES]
    checks = tuple(Check("any", False, "it was lost " * 400) for _ in range(9))
    found = dict.fromkeys(FIGURES, Difference(0.1, 0.2, 0.3, 0.4))
    gate = gate_lines(Decision(checks, found, 0.95), "1", RUN, "gate/2/decision.md")
    page = write_section(page, GATE, gate)
    moves = [f"2030-01-01T00:00:00.000Z: {'why not ' * 500}"] * 2
    page = write_section(page, STANDING, standing_lines(*moves))
    assert len(page) <= MOST
    assert titles(page) == [*TITLES]
    assert "**Refused** beside version 1: it was lost it" in page
    assert "artifacts/gate/2/decision.md)" in page
    assert "| KID&emsp; | -0.100&emsp; | -0.200&emsp; | +0.1&emsp; | +0.3 to +0.4 |" in page
    assert "- Rolled back 2030-01-01 00:00 UTC: why not" in page


@given(TEXT, st.lists(st.tuples(st.sampled_from("xyz"), st.lists(TEXT, max_size=60)), max_size=9))
def test_writing_sections_in_any_order_never_exceeds_the_store(opening, sections):
    page = compose(opening * 50, {})
    for title, lines in sections:
        page = write_section(page, title, [line * 9 for line in lines])
        assert len(page) <= MOST


def test_a_section_is_written_in_its_place_and_the_rest_is_kept():
    page = compose("Opening.", {"First": ["one"], "Second": ["two"], "None": []})
    assert page == "Opening.\n\n### First\n\none\n\n### Second\n\ntwo\n"
    edited = page.replace("two", "two\n\nand a person's words")
    assert write_section(edited, "First", ["1", "2"]) == edited.replace("one", "1\n2")


def test_words_of_people_are_not_pushed_out_by_a_section():
    words = "w" * (MOST - 300)
    page = write_section(words, "Gate", ["line " * 10] * 50)
    assert page.startswith(words)
    assert page.endswith("line\n…\n")
    assert len(page) <= MOST
    full = write_section("w" * (MOST - 3), "Gate", ["line"])
    assert "Gate" not in full


def test_licences_of_a_small_manifest(tmp_path):
    path = tmp_path / "manifest.parquet"
    rows = [("train", "a", "GPL-3", "one"), ("train", "a", "CC0", "two"),
            ("train", "a", "CC0", "one"), ("train", "b", "MIT", "one"),
            ("test", "a", "CC0", "one")]  # fmt: skip
    pd.DataFrame(rows, columns=["split", "domain", "licence", "source"]).to_parquet(path)
    found = training_licences(path, ("a",))
    assert found.to_numpy().tolist() == [["CC0", 2, "one, two"], ["GPL-3", 1, "one"]]
    assert licence_tag(found) == {"data.licences": "CC0: 2, GPL-3: 1"}


def test_no_manifest_no_licences_and_a_damaged_one_is_told(tmp_path):
    found = training_licences(tmp_path / "none.parquet", ("a",))
    assert found.empty
    assert licence_tag(found) == {}
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"torn\.parquet cannot be read .*dvc repro ingest"):
        training_licences(tmp_path / "torn.parquet", ("a",))
