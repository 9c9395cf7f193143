"""What lies outside of quotes, found in two ways."""

import json

from hypothesis import given
from hypothesis import strategies as st

from stylefuse.serving.request_checks import TEXTS, _outside

PIECES = st.lists(st.sampled_from([b'"', b"[", b"{", b",", b"a", b"\\", b'\\"']), max_size=20)


@given(PIECES)
def test_without_escapes_both_ways_find_the_same(pieces):
    body = b"".join(pieces).replace(b"\\", b"")
    assert _outside("json", body) == TEXTS.sub(b"", body)


@given(PIECES)
def test_an_escaped_quote_ends_nothing(pieces):
    text = b"".join(pieces).decode()
    assert _outside("json", json.dumps([text]).encode()) == b"[]"


def test_in_csv_a_backslash_escapes_nothing():
    assert _outside("csv", b'a,"b,\\",c') == b"a,,c"
    assert _outside("csv", b'"a,""b",c') == b",c"
