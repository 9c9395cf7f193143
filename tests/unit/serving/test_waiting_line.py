"""Requests wait for a place in the order they came, and not for ever."""

import asyncio

import pytest

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.serving.request_checks import RequestRejected
from stylefuse.serving.waiting_line import WaitingLine


async def hold(line, name, entered, leave):
    async with line.take():
        entered.append(name)
        await leave.wait()


def test_requests_take_turns():
    async def three_requests():
        line, entered, leave = WaitingLine(1, wait_s=60), [], asyncio.Event()
        requests = [asyncio.create_task(hold(line, name, entered, leave)) for name in "abc"]
        await asyncio.sleep(0.3)
        assert entered == ["a"]
        leave.set()
        await asyncio.gather(*requests)
        return entered

    assert asyncio.run(three_requests()) == ["a", "b", "c"]


def test_who_waits_too_long_is_refused_and_takes_no_place():
    async def two_requests():
        line, entered, leave = WaitingLine(1, wait_s=0), [], asyncio.Event()
        first = asyncio.create_task(hold(line, "a", entered, leave))
        await asyncio.sleep(0)
        with pytest.raises(RequestRejected) as error:
            await hold(line, "b", entered, leave)
        leave.set()
        await first
        await hold(line, "c", entered, leave)
        return error.value.status, error.value.code, entered

    assert asyncio.run(two_requests()) == (503, "server-busy", ["a", "c"])


def test_a_cancelled_request_stops_waiting():
    async def two_requests():
        line, entered, leave = WaitingLine(1, wait_s=60), [], asyncio.Event()
        first = asyncio.create_task(hold(line, "a", entered, leave))
        await asyncio.sleep(0)
        with Cancellation(timeout_s=0).active(), pytest.raises(Cancelled):
            await hold(line, "b", entered, leave)
        leave.set()
        await first
        return entered

    assert asyncio.run(two_requests()) == ["a"]
