"""Restoration of degraded photographs: the settings and the task of the restoration model."""

from typing import ClassVar

import numpy as np

from stylefuse.config import Count, NotNegative, Train
from stylefuse.models.task import Task


class Settings(Train):
    """The settings of a restoration model that other models do not have."""

    domains: ClassVar = ("photograph",)

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # numbers that describe the degradation of the whole picture
    adversarial: NotNegative  # weight of the adversarial loss, relative to the distance


class RestoreTask(Task):
    name = "restore"
    description = """\
**Restores degraded photographs**: blur, low resolution, noise, JPEG blocks, scratches, folds,
fading and sepia, alone or in combination. It recognises the kinds of degradation itself, and leaves
a picture in which it finds none as it is.

Send `picture` as a base64 picture; `picture` comes back as a base64 PNG of the same size. With
`mask`, only what is white there is filled and restored.
Parameter: `strength` 0…1. Lost detail is invented: a restored picture proves nothing.
"""
    intended_use = """\
For a first look at degraded photographs, and as a starting point for retouching. Not for legal
evidence, medical or scientific pictures, because lost detail is invented. It restores faces and
writing least well, since it was trained on few of either.
"""
    architecture = ("width", "blocks", "code")
    metric_names = ("adversarial", "distance", "recognition", "colour", "variety")

    def degrade_for_monitoring(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from stylefuse.models.restore.degradation import degrade_randomly

        return degrade_randomly(picture, rng).picture


TASK = RestoreTask()
