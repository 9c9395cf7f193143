"""Following pictures while they are painted, and ending early."""

import threading

import pytest
from PIL import Image

from stylefuse.cancellation import Cancelled, check_cancelled
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.watcher import Watcher

STEPS = 4


class Bar:
    def __init__(self):
        self.done = 0.0

    def advance(self, share=1):
        self.done += share


def steps(before_step=lambda number: None):
    """Pictures whose level is the number of the step."""
    for number in range(STEPS + 1):
        before_step(number)
        check_cancelled()
        yield PaintingStep(number / STEPS, lambda number=number: Image.new("L", (1, 1), number))


def level(picture):
    return picture.getpixel((0, 0))


def test_the_last_picture_is_returned_and_all_progress_shown():
    bar = Bar()
    assert level(Watcher(bar, keep_unfinished=False).follow(steps())) == STEPS
    assert bar.done == pytest.approx(1)


def test_a_stopped_picture_is_kept_as_it_is():
    bar = Bar()
    watcher = Watcher(bar, keep_unfinished=True)
    picture = watcher.follow(steps(lambda number: number == 3 and watcher.stop()))
    assert level(picture) == 2
    assert watcher.kept
    assert bar.done == pytest.approx(1)


def test_or_not():
    watcher = Watcher(Bar(), keep_unfinished=False)
    with pytest.raises(Cancelled):
        watcher.follow(steps(lambda number: number == 3 and watcher.stop()))
    assert not watcher.kept


def test_one_picture_is_painted_in_steps_at_a_time():
    watcher, active, most = Watcher(Bar(), keep_unfinished=False), [], []

    def paint(name):
        def enter(number):
            if number == 1:
                active.append(name)
            most.append(len(active))

        watcher.follow(steps(enter))
        active.remove(name)

    def slow(name):
        paint(name)

    threads = [threading.Thread(target=slow, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2  # one ends while the next one begins
