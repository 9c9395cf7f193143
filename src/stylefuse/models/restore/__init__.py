"""Restoration: the shared backbone with skip connections, trained on synthetic degradations."""

from typing import ClassVar

import numpy as np

from stylefuse.config import Count, NotNegative, Train
from stylefuse.inference.options import RestoreOptions
from stylefuse.models.task import Task


class Settings(Train):
    """What the restoration model has beside the common settings."""

    domains: ClassVar = ("photograph",)

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # numbers that describe the damage of the whole picture
    adversarial: NotNegative  # weight beside the distance to the undamaged picture


class RestoreTask(Task):
    name = "restore"
    description = """\
**Restores damaged photographs**: blur, low resolution, noise, JPEG blocks, scratches, fading and
sepia, alone or together, without being told which.

Send `picture` as a base64 picture; `picture` comes back as a base64 PNG of the same size.
Parameter: `strength` 0…1. What was lost is invented: a restored picture is no evidence.
"""
    intended_use = """\
For a first look at damaged photographs, and as a start for a retoucher. Not for evidence, medical
or scientific pictures: what was lost is invented. Faces and writing are what it is least able to
bring back, since it was trained on few of either.
"""
    options = RestoreOptions
    architecture = ("width", "blocks", "code")
    metric_names = ("adversarial", "distance", "recognition", "colour", "variety")

    def degrade_for_monitoring(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from stylefuse.models.restore.degradation import degrade_randomly

        return degrade_randomly(picture, rng)[0]


TASK = RestoreTask()
