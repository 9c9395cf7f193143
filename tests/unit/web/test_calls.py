"""What runs for a visitor who has gone is stopped; the others' calls go on."""

import threading

import pytest

from stylefuse.cancellation import Cancelled, check_cancelled
from stylefuse.web.calls import Calls


def test_all_calls_of_a_session_are_cancelled():
    calls, outcomes = Calls(), {}
    begun, cancelled = threading.Barrier(4), threading.Event()

    def call(name, session):
        with calls.running(session):
            begun.wait()
            cancelled.wait()
            try:
                check_cancelled()
                outcomes[name] = "finished"
            except Cancelled:
                outcomes[name] = "cancelled"

    threads = [
        threading.Thread(target=call, args=arguments)
        for arguments in [("first", "gone"), ("second", "gone"), ("other", "here")]
    ]
    for thread in threads:
        thread.start()
    begun.wait()
    calls.cancel("gone")
    cancelled.set()
    for thread in threads:
        thread.join()
    assert outcomes == {"first": "cancelled", "second": "cancelled", "other": "finished"}


def test_a_later_call_of_the_same_session_runs():
    calls = Calls()
    with pytest.raises(Cancelled), calls.running("abc"):
        calls.cancel("abc")
        check_cancelled()
    with calls.running("abc"):
        check_cancelled()
    calls.cancel("nobody")
