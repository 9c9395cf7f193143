"""Tables and pages of the benchmarks."""

from benchmarks import report


def test_a_table_has_a_column_for_every_title_and_a_dash_for_a_missing_text():
    rows = {"transfer": {"ms": "38"}, "restore, 256²": {"ms": "72", "peak MiB": "814"}}
    assert report.table(rows, "picture") == (
        "| picture | ms | peak MiB |\n"
        "| --- | ---: | ---: |\n"
        "| transfer | 38 | – |\n"
        "| restore, 256² | 72 | 814 |"
    )


def test_a_section_replaces_its_predecessor_and_leaves_the_other_sections(tmp_path):
    for title, text in (("Painting", "old"), ("Training", "other"), ("Painting", "new")):
        report.write_section(tmp_path, title, text)
    page = (tmp_path / "speed.md").read_text()
    assert page.startswith("# Speed and memory\n\n## Painting\n\n")
    assert page.index("\nnew\n") < page.index("## Training") < page.index("\nother\n")
    assert "old" not in page


def test_a_page_begins_with_its_command(tmp_path):
    report.write(tmp_path / "new", "fuzz", "Malformed input", "A paragraph.")
    title, provenance, text = (tmp_path / "new/fuzz.md").read_text().strip().split("\n\n")
    assert (title, text) == ("# Malformed input", "A paragraph.")
    assert provenance.startswith("Measured by `python -m ") and report.machine() in provenance
