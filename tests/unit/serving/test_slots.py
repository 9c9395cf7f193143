"""Slots are counted, waited for, and given back."""

import threading
import time

import pytest

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.serving.slots import Slots


def test_a_slot_is_given_back_after_an_error():
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.take():
        assert slots.free == 0
        raise ZeroDivisionError
    assert slots.free == 1


def test_the_next_one_waits_until_a_slot_is_free():
    slots, order = Slots(1), []

    def wait():
        with slots.take():
            order.append("second")

    thread = threading.Thread(target=wait)
    with slots.take():
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_cancelled_wait_ends_and_takes_no_slot():
    slots = Slots(1)
    with (
        slots.take(),
        Cancellation(timeout_s=0.05).active(),
        pytest.raises(Cancelled),
        slots.take(),
    ):
        raise AssertionError
    assert slots.free == 1


def test_the_time_without_a_free_slot_begins_anew_with_each_that_becomes_free():
    slots = Slots(2)
    with slots.take():
        assert slots.full_seconds == 0
        with slots.take():
            threading.Event().wait(0.1)
            assert slots.full_seconds >= 0.1
        assert slots.full_seconds == 0
        began = time.monotonic()
        with slots.take():
            assert slots.full_seconds <= time.monotonic() - began
