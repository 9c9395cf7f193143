"""Follows pictures while they are painted, and ends early when asked to."""

import threading
from collections.abc import Iterator

from PIL import Image

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.progress import Item


class Watcher:
    """Follows the pictures of a batch; safe to use from several threads.

    Args:
        keep_unfinished: a picture that is stopped is kept as it is then.

    Attributes:
        kept: whether a stopped picture was kept.
    """

    def __init__(self, keep_unfinished: bool):
        self._keep_unfinished = keep_unfinished
        self._cancellation = Cancellation()
        self._one_at_a_time = threading.Lock()  # of those that take all cores for long
        self.kept = False

    def stop(self) -> None:
        """End the painting in all threads as soon as possible."""
        self._cancellation.cancel()

    def follow(self, steps: Iterator[PaintingStep], item: Item) -> Image.Image:
        """Paint until the last step, and make its picture.

        Args:
            steps: at least one.
            item: shows the progress.

        Raises:
            Cancelled: it was stopped, and the picture is not kept.
        """
        with self._cancellation.active():
            step = next(steps)
            if step.share < 1:
                with self._one_at_a_time:
                    step = self._last(step, steps, item)
        return step.picture()

    def _last(self, step: PaintingStep, steps: Iterator[PaintingStep], item: Item) -> PaintingStep:
        try:
            for following in steps:
                step = following
                item.reach(step.share)
        except Cancelled:
            if not self._keep_unfinished:
                raise
            self.kept = True
        return step
