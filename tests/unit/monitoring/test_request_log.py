"""The request log: concurrent writers, no picture twice, and never an error for a request."""

import os
import threading
import time
import warnings

import pytest

from stylefuse.images.statistics import STATISTICS
from stylefuse.monitoring.request_log import (
    ANSWERED,
    CANCELLED,
    DEPRECATED_VARIABLE,
    ENVIRONMENT_VARIABLE,
    FAILED,
    REFUSED,
    RequestLog,
)


def statistics(value):
    return dict.fromkeys(STATISTICS, float(value))


@pytest.fixture
def log(tmp_path):
    return RequestLog(tmp_path / "new folder/requests.db")


def test_statistics_are_returned_newest_first(log):
    for i in range(5):
        pictures = [("picture", statistics(i)), ("other", statistics(9))]
        log.record("restore", ANSWERED, 0.5, pictures)
    log.record("transfer", ANSWERED, 0.5, [("picture", statistics(7))])
    newest = log.statistics("restore", "picture", 3)
    assert newest == {name: [4.0, 3.0, 2.0] for name in STATISTICS}


def test_the_same_picture_counts_once(log):
    for value in (1, 2, 1, 1):
        log.record("restore", ANSWERED, 0.5, [("picture", statistics(value))])
    assert log.statistics("restore", "picture", 9)["detail"] == [1.0, 2.0]


def test_requests_are_counted_by_outcome_and_time(log):
    none = {ANSWERED: 0, REFUSED: 0, FAILED: 0, CANCELLED: 0}
    assert log.traffic("restore", 0).outcomes == none
    for outcome in (ANSWERED, ANSWERED, REFUSED, CANCELLED):
        log.record("restore", outcome, 0.25, [])
    traffic = log.traffic("restore", 0)
    assert traffic.outcomes == {ANSWERED: 2, REFUSED: 1, FAILED: 0, CANCELLED: 1}
    assert traffic.seconds == [0.25] * 4
    assert log.traffic("restore", time.time() + 1).seconds == []


def test_only_the_newest_rows_are_kept(log, monkeypatch):
    monkeypatch.setattr("stylefuse.monitoring.request_log.MAX_ROWS", 3)
    for i in range(6):
        log.record("restore", ANSWERED, 0.5, [("picture", statistics(i))])
    assert log.statistics("restore", "picture", 99)["detail"] == [5.0, 4.0, 3.0]
    assert len(log.traffic("restore", 0).seconds) == 3


def test_the_pictures_of_one_model_are_deleted(log):
    log.delete_pictures("restore")  # there is no file yet
    for model in ("restore", "transfer"):
        log.record(model, ANSWERED, 0.5, [("picture", statistics(1))])
    log.delete_pictures("restore")
    assert log.statistics("restore", "picture", 9)["detail"] == []
    assert log.statistics("transfer", "picture", 9)["detail"] == [1.0]


def test_servers_write_concurrently(log):
    def write(number):
        for i in range(20):
            pictures = [("picture", statistics(100 * number + i))]
            RequestLog(log.path).record("restore", ANSWERED, 0.1, pictures)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(log.statistics("restore", "picture", 999)["detail"]) == 80


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    (tmp_path / "requests.db").write_text("not a database, and longer than its header" * 9)
    RequestLog(tmp_path / "requests.db").record("restore", ANSWERED, 0.5, [])
    assert "a request was not recorded in" in caplog.text


def test_the_environment_names_the_file(tmp_path, monkeypatch):
    monkeypatch.delenv(DEPRECATED_VARIABLE, raising=False)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    assert RequestLog.from_environment() is None
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "here.db"))
    RequestLog.set_environment(tmp_path / "default.db")
    assert RequestLog.from_environment().path == tmp_path / "here.db"
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "")  # explicitly none
    RequestLog.set_environment(tmp_path / "default.db")
    assert RequestLog.from_environment() is None


def test_the_default_applies_without_an_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(DEPRECATED_VARIABLE, raising=False)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "is restored afterwards")
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    RequestLog.set_environment(tmp_path / "default.db")
    assert os.environ[ENVIRONMENT_VARIABLE] == str(tmp_path / "default.db")


def test_the_old_variable_is_read_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv(DEPRECATED_VARIABLE, str(tmp_path / "old.db"))
    with pytest.warns(FutureWarning, match=f"set {ENVIRONMENT_VARIABLE} instead"):
        assert RequestLog.from_environment().path == tmp_path / "old.db"
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "new.db"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert RequestLog.from_environment().path == tmp_path / "new.db"
