"""The file of notes: many writers, no picture twice, never in the way of an answer."""

import threading
import time

from stylefuse.images.statistics import STATISTICS
from stylefuse.monitoring.request_log import ANSWERED, CANCELLED, FAILED, REFUSED, RequestLog


def figures(value):
    return dict.fromkeys(STATISTICS, float(value))


def test_what_was_noted_is_there_newest_first(tmp_path):
    seen = RequestLog(tmp_path / "deep/seen.db")
    for i in range(5):
        seen.note("restore", ANSWERED, 0.5, [("picture", figures(i)), ("other", figures(9))])
    seen.note("transfer", ANSWERED, 0.5, [("picture", figures(7))])
    found = seen.pictures("restore", "picture", 3)
    assert found == {name: [4.0, 3.0, 2.0] for name in STATISTICS}


def test_the_same_picture_counts_once(tmp_path):
    seen = RequestLog(tmp_path / "seen.db")
    for value in (1, 2, 1, 1):
        seen.note("restore", ANSWERED, 0.5, [("picture", figures(value))])
    assert seen.pictures("restore", "picture", 9)["detail"] == [1.0, 2.0]


def test_requests_are_counted_by_outcome_and_time(tmp_path):
    seen = RequestLog(tmp_path / "seen.db")
    assert seen.traffic("restore", 0).outcomes == {ANSWERED: 0, REFUSED: 0, FAILED: 0, CANCELLED: 0}
    for outcome in (ANSWERED, ANSWERED, REFUSED):
        seen.note("restore", outcome, 0.25, [])
    found = seen.traffic("restore", 0)
    assert found.outcomes == {ANSWERED: 2, REFUSED: 1, FAILED: 0, CANCELLED: 0}
    assert found.seconds == [0.25] * 3
    assert seen.traffic("restore", time.time() + 1).seconds == []


def test_only_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("stylefuse.monitoring.request_log.KEPT", 3)
    seen = RequestLog(tmp_path / "seen.db")
    for i in range(6):
        seen.note("restore", ANSWERED, 0.5, [("picture", figures(i))])
    assert seen.pictures("restore", "picture", 99)["detail"] == [5.0, 4.0, 3.0]
    assert len(seen.traffic("restore", 0).seconds) == 3


def test_a_model_is_forgotten_alone(tmp_path):
    seen = RequestLog(tmp_path / "seen.db")
    seen.forget("restore")  # nothing is there yet
    for model in ("restore", "transfer"):
        seen.note(model, ANSWERED, 0.5, [("picture", figures(1))])
    seen.forget("restore")
    assert seen.pictures("restore", "picture", 9)["detail"] == []
    assert seen.pictures("transfer", "picture", 9)["detail"] == [1.0]


def test_servers_write_at_once(tmp_path):
    def write(number):
        for i in range(20):
            note = [("picture", figures(100 * number + i))]
            RequestLog(tmp_path / "seen.db").note("restore", ANSWERED, 0.1, note)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(RequestLog(tmp_path / "seen.db").pictures("restore", "picture", 999)["detail"]) == 80


def test_a_file_that_cannot_be_written_is_told_and_no_more(tmp_path, caplog):
    (tmp_path / "seen.db").write_text("no database, and long enough to be seen as none" * 9)
    RequestLog(tmp_path / "seen.db").note("restore", ANSWERED, 0.5, [])
    assert "was not noted" in caplog.text
