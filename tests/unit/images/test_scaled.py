"""Large pictures are decoded and scaled by a process of their own."""

import threading

import numpy as np
import pytest

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.errors import UserError
from stylefuse.images import scaled
from stylefuse.images.open import open_picture
from stylefuse.images.scaled import open_scaled, scale
from tests.support.models import file_bytes, noise
from tests.unit.images.test_isolated_decoder import encoded as isolated

FILES = {
    "PNG": lambda: file_bytes(noise(60, 40, "RGBA")),
    "JPEG": lambda: file_bytes(noise(60, 40), "JPEG"),
    "AVIF": lambda: isolated("AVIF", (60, 40)),
}


@pytest.fixture
def large(monkeypatch):
    """Every picture is a large one."""
    monkeypatch.setattr(scaled, "SMALL_PIXELS", 1)
    monkeypatch.setattr(scaled, "IN_PROCESS_PIXELS", 1)


@pytest.mark.parametrize("format", FILES)
def test_a_process_gives_the_same_picture(large, monkeypatch, format):
    data = FILES[format]()
    expected = scale(data, "it", 10_000, 30)
    monkeypatch.setattr(scaled, "scale", None)  # the child imports its own
    picture, size = open_scaled(data, "it", 10_000, 30)
    assert (picture.mode, picture.size, size) == (expected.picture.mode, (30, 20), (60, 40))
    assert picture.info == expected.picture.info
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected.picture))


def test_small_and_medium_pictures_need_no_process(monkeypatch):
    monkeypatch.setattr(scaled, "CHILD", "no_such_module")
    data = FILES["PNG"]()
    assert open_scaled(data, "it", 10_000, 60).picture.size == (60, 40)
    monkeypatch.setattr(scaled, "SMALL_PIXELS", 1)
    assert open_scaled(data, "it", 10_000, 60).picture.size == (60, 40)


def test_a_process_tells_what_is_wrong(large):
    data = FILES["PNG"]()
    with pytest.raises(UserError) as here:
        open_picture(data[:-600], "it")
    with pytest.raises(UserError) as there:
        open_scaled(data[:-600], "it", 10_000, 30)
    assert (str(there.value), there.value.code) == (str(here.value), here.value.code)


def test_a_process_has_a_limit_of_memory(large, monkeypatch):
    monkeypatch.setattr(scaled, "BASE_BYTES", 1 << 20)
    monkeypatch.setattr(scaled, "BYTES_PER_PIXEL", 0)
    with pytest.raises(UserError) as error:
        open_scaled(FILES["PNG"](), "it", 10_000, 30)
    assert error.value.code == "picture-damaged"


def test_a_process_that_fails_tells_no_reason(large, monkeypatch):
    monkeypatch.setattr(scaled, "CHILD", "timeit")
    monkeypatch.setattr(scaled, "_arguments", lambda *_: ["-n", "1", "raise MemoryError"])
    with pytest.raises(UserError) as error:
        open_scaled(FILES["PNG"](), "it", 10_000, 30)
    assert error.value.code == "picture-damaged"


def test_a_cancelled_request_ends_the_process(large, monkeypatch):
    monkeypatch.setattr(scaled, "CHILD", "timeit")  # runs until it is stopped
    monkeypatch.setattr(scaled, "_arguments", lambda *_: ["-n", "1", "import time; time.sleep(60)"])
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    with cancellation.active(), pytest.raises(Cancelled):
        open_scaled(FILES["PNG"](), "it", 10_000, 30)


def test_who_waits_for_another_picture_may_be_cancelled(large):
    with scaled._decoding, Cancellation(timeout_s=0).active(), pytest.raises(Cancelled):
        open_scaled(FILES["PNG"](), "it", 10_000, 30)
