"""Following pictures while they are painted, and ending early."""

import threading

import pytest
from PIL import Image

from stylefuse.cancellation import Cancelled, check_cancelled
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.watcher import Watcher

STEPS = 4


class Item:
    def __init__(self):
        self.shares = []

    def reach(self, share):
        self.shares.append(share)


def steps(before_step=lambda number: None):
    """Pictures whose level is the number of the step."""
    for number in range(STEPS + 1):
        before_step(number)
        check_cancelled()
        yield PaintingStep(number / STEPS, lambda number=number: Image.new("L", (1, 1), number))


def level(picture):
    return picture.getpixel((0, 0))


def test_the_last_picture_is_returned_and_all_progress_shown():
    item = Item()
    assert level(Watcher(keep_unfinished=False).follow(steps(), item)) == STEPS
    assert item.shares == [0.25, 0.5, 0.75, 1]


def test_a_stopped_picture_is_kept_as_it_is():
    watcher = Watcher(keep_unfinished=True)
    picture = watcher.follow(steps(lambda number: number == 3 and watcher.stop()), Item())
    assert level(picture) == 2
    assert watcher.kept


def test_or_not():
    watcher = Watcher(keep_unfinished=False)
    with pytest.raises(Cancelled):
        watcher.follow(steps(lambda number: number == 3 and watcher.stop()), Item())
    assert not watcher.kept


def test_one_picture_is_painted_in_steps_at_a_time():
    watcher, active, most = Watcher(keep_unfinished=False), [], []

    def paint(name):
        def enter(number):
            if number == 1:
                active.append(name)
            most.append(len(active))

        watcher.follow(steps(enter), Item())
        active.remove(name)

    threads = [threading.Thread(target=paint, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2  # one ends while the next one begins
