"""What others have put into the folder of a manifest is refused in a sentence, or is none of it."""

import os

import pytest

from stylefuse.errors import UserError
from stylefuse.painting.manifest import FOLDER, next_part, read_manifest, write_part

RECORD = {"output": {"file": "a.png"}}


@pytest.fixture
def out(tmp_path):
    write_part(tmp_path, 1, [RECORD])
    return tmp_path


@pytest.mark.parametrize(
    "text", ["[1]", '{"output": 3}', '{"output": {"file": []}}', "[" * 100_000]
)
def test_lines_that_are_no_records_are_refused(out, text):
    (out / FOLDER / "000002-x.jsonl").write_text(text)
    with pytest.raises(UserError) as error:
        read_manifest(out)
    assert error.value.code == "manifest-unreadable"


def test_a_pipe_is_refused_unread(out):
    os.mkfifo(out / FOLDER / "000002-x.jsonl")
    with pytest.raises(UserError) as error:
        read_manifest(out)
    assert error.value.code == "manifest-unreadable"


@pytest.mark.parametrize("name", ["2a-x.jsonl", "note.jsonl", "2-.jsonl"])
def test_other_files_are_no_parts(out, name):
    (out / FOLDER / name).write_text("note")
    assert read_manifest(out) == {"a.png": RECORD}
    assert next_part(out) == 2
