"""A cancelled computation stops at its next check, in whatever thread it runs."""

import asyncio
import threading

import pytest

from stylefuse.cancellation import Cancellation, Cancelled, active_cancellation, check_cancelled
from stylefuse.images.open import open_picture
from stylefuse.inference.predictor import load_predictor
from tests.support.hostile_pictures import scan_bomb
from tests.support.models import make_model, noise


def test_without_an_active_cancellation_nothing_is_cancelled():
    assert active_cancellation() is None
    check_cancelled()


def test_a_cancellation_is_active_in_its_block_and_in_threads_started_there():
    cancellation = Cancellation()

    async def work():
        with cancellation.active():
            await asyncio.to_thread(check_cancelled)
            cancellation.cancel()
            await asyncio.to_thread(check_cancelled)

    with pytest.raises(Cancelled):
        asyncio.run(work())
    check_cancelled()


def test_a_cancellation_expires():
    cancellation = Cancellation(timeout_s=0)
    assert cancellation.cancelled
    with cancellation.active(), pytest.raises(Cancelled):
        check_cancelled()


def test_cancelled_is_not_taken_for_a_broken_file():
    """Much code treats every `Exception` of a decoder as a damaged picture."""
    assert not issubclass(Cancelled, Exception)


def test_decoding_stops(monkeypatch):
    """The whole file would take minutes: it has thousands of scans of 40 megapixels."""
    for limit in ("MAX_SCANS", "MAX_SEGMENTS"):
        monkeypatch.setattr(f"stylefuse.images.file_checks.{limit}", 6000)
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    with cancellation.active(), pytest.raises(Cancelled):
        open_picture(scan_bomb(5000))


@pytest.mark.parametrize("name", ["transfer", "restore"])
def test_painting_stops_between_tiles(name, tmp_path):
    predictor = load_predictor(make_model(tmp_path, name))
    inputs = {input_name: noise(1200, 32) for input_name in predictor.inputs}
    cancellation = Cancellation()
    cancellation.cancel()
    predictor.paint(inputs, predictor.options())
    with cancellation.active(), pytest.raises(Cancelled):
        predictor.paint(inputs, predictor.options())
