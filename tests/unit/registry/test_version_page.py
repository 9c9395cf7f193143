"""A version's page stays within the store's limit and keeps people's words."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefuse.errors import UserError
from stylefuse.evaluation.comparison import Difference
from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.gate.rules import Check, Decision
from stylefuse.registry.pages.licences import licence_tag, training_licences
from stylefuse.registry.pages.markdown import MAX_CHARACTERS, compose, table, write_section
from stylefuse.registry.pages.version_page import (
    CHAMPION_HISTORY,
    GATE,
    champion_history,
    gate_lines,
    version_page,
)

TITLES = ("Samples", "Metrics", GATE, CHAMPION_HISTORY, "Training pictures", "Origin")
TEXT = st.text(st.sampled_from("ab #|\n…"), max_size=40)


def titles(page):
    return [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]


def test_a_page_with_too_much_of_everything_keeps_all_its_sections(make_facts):
    values = dict.fromkeys(METRIC_LABELS, 1.0)
    facts = make_facts(
        "transfer",
        tags={"git.commit": "0" * 40, "git.dirty": "true"},
        metrics={f"method {i}": values for i in range(99)},
        licences=pd.DataFrame(
            {"licence": [f"licence {i}" for i in range(99)], "pictures": 1, "sources": "a, b, c"}
        ),
        reports=[f"reports/{i}.html" for i in range(99)],
    )
    image = f"[![grid]({'p' * 90})]({'s' * 100})"
    page = version_page(facts, ["x" * 80, "", image] * 2)
    assert titles(page) == [*TITLES]
    checks = tuple(Check("any", False, "it was lost " * 400) for _ in range(9))
    differences = dict.fromkeys(METRIC_LABELS, Difference(0.1, 0.2, 0.3, 0.4))
    decision = Decision(checks, differences, 0.95)
    page = write_section(page, GATE, gate_lines(decision, "1", facts.run, "gate/2/decision.md"))
    events = [f"2030-01-01T00:00:00.000Z: {'why not ' * 500}"] * 2
    page = write_section(page, CHAMPION_HISTORY, champion_history(*events))
    assert len(page) <= MAX_CHARACTERS
    assert titles(page) == [*TITLES]
    assert "**Refused** against version 1: it was lost it" in page
    assert "artifacts/gate/2/decision.md)" in page
    assert "| KID | -0.100 | -0.200 | +0.1 | +0.3 to +0.4 |" in page
    assert "- Rolled back 2030-01-01 00:00 UTC: why not" in page


def test_a_shipped_version_says_so(make_facts):
    assert "come with the project" in version_page(make_facts("transfer", shipped=True), [])
    first = version_page(make_facts("transfer", becomes_champion=True, metrics={}), [])
    assert "no champion to compare with" in first and "Not evaluated yet" in first


@given(TEXT, st.lists(st.tuples(st.sampled_from("xyz"), st.lists(TEXT, max_size=60)), max_size=9))
def test_writing_sections_in_any_order_never_exceeds_the_limit(opening, sections):
    page = compose(opening * 50, {})
    for title, lines in sections:
        page = write_section(page, title, [line * 9 for line in lines])
        assert len(page) <= MAX_CHARACTERS


def test_a_section_is_replaced_and_the_rest_is_kept():
    page = compose("Opening.", {"First": ["one"], "Second": ["two"], "None": []})
    assert page == "Opening.\n\n### First\n\none\n\n### Second\n\ntwo\n"
    edited = page.replace("two", "two\n\nand a person's words")
    assert write_section(edited, "First", ["1", "2"]) == edited.replace("one", "1\n2")


def test_a_section_does_not_push_out_people_s_words():
    words = "w" * (MAX_CHARACTERS - 300)
    page = write_section(words, "Gate", ["line " * 10] * 50)
    assert page.startswith(words)
    assert page.endswith("line\n…\n")
    assert len(page) <= MAX_CHARACTERS
    full = write_section("w" * (MAX_CHARACTERS - 3), "Gate", ["line"])
    assert "Gate" not in full


def test_a_table_aligns_text_left_and_numbers_right():
    lines = table(["method", "KID"], [["stylefuse", "0.1"], ["a longer name", "12.25"]])
    assert lines == [
        "| method | KID |", "|:---|---:|", "| stylefuse | 0.1 |", "| a longer name | 12.25 |"
    ]  # fmt: skip


def test_licences_are_counted_for_the_training_pictures_of_a_domain(tmp_path):
    path = tmp_path / "manifest.parquet"
    rows = [("train", "a", "GPL-3", "one"), ("train", "a", "CC0", "two"),
            ("train", "a", "CC0", "one"), ("train", "b", "MIT", "one"),
            ("test", "a", "CC0", "one")]  # fmt: skip
    pd.DataFrame(rows, columns=["split", "domain", "licence", "source"]).to_parquet(path)
    counts = training_licences(path, ("a",))
    assert counts.to_numpy().tolist() == [["CC0", 2, "one, two"], ["GPL-3", 1, "one"]]
    assert licence_tag(counts) == {"data.licences": "CC0: 2, GPL-3: 1"}


def test_no_manifest_means_no_licences_and_a_damaged_one_is_an_error(tmp_path):
    counts = training_licences(tmp_path / "none.parquet", ("a",))
    assert counts.empty
    assert licence_tag(counts) == {}
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError) as error:
        training_licences(tmp_path / "torn.parquet", ("a",))
    assert error.value.code == "manifest-damaged"
