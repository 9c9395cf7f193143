"""The transfer model with two experimental settings of the ablation.

`Settings` and `TASK` have the roles that they have in a model's package. The generator is the
product's, so that the models trained here are saved, loaded and evaluated as the product's are.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

from stylefuse.config import NotNegative
from stylefuse.models import transfer
from stylefuse.models.task import Loss


class Settings(transfer.Settings):
    """The transfer model's settings, and two more; their defaults change nothing."""

    conditional: bool = True  # whether the discriminator sees the reference
    contrastive: NotNegative = 0.0  # weight of the patch-contrastive term


class AblationTask(transfer.TransferTask):
    metric_names = (*transfer.TransferTask.metric_names, "contrastive")

    def build_discriminator(self, settings: Settings) -> Any:
        if settings.conditional:
            return super().build_discriminator(settings)
        from benchmarks.quality.unconditional_discriminator import build_discriminator

        return build_discriminator(settings)

    def discriminator_loss(
        self, generator: Any, discriminator: Any, settings: Settings, penalise: bool, phase: int
    ) -> Loss:
        if settings.conditional:
            return super().discriminator_loss(generator, discriminator, settings, penalise, phase)
        from benchmarks.quality.unconditional_discriminator import discriminator_loss

        return discriminator_loss(generator, discriminator, settings, penalise, phase)

    def generator_loss(
        self, generator: Any, discriminator: Any, settings: Settings, phase: int
    ) -> Loss:
        """The transfer model's loss plus the weighted patch-contrastive term."""
        from benchmarks.quality.patch_contrastive import patch_contrastive_loss
        from stylefuse.models.transfer.batches import TransferBatch

        recorder = DecodeRecorder(generator)
        transfer_loss = super().generator_loss(recorder, discriminator, settings, phase)

        def loss_function(*batch):
            loss, metrics = transfer_loss(*batch)
            contrastive = 0.0
            if settings.contrastive:
                noise = TransferBatch(*batch[: len(TransferBatch._fields)]).noise
                painted_maps = generator.encode_content(recorder.painted)
                contrastive = patch_contrastive_loss(painted_maps, recorder.content, noise)
            return loss + settings.contrastive * contrastive, (*metrics, contrastive)

        return loss_function

    def _module(self, name: str) -> ModuleType:
        return import_module(f"{transfer.__name__}.{name}")


class DecodeRecorder:
    """A generator that records its last decoding, so that another term of the loss can use the
    painted picture without painting it twice.

    Attributes:
        content: the content maps that were decoded last.
        painted: the pictures that they were decoded to.
    """

    def __init__(self, generator: Any):
        self.generator = generator

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def __call__(self, *pictures: Any) -> Any:
        return self.generator(*pictures)

    def decode(self, content: Any, code: Any) -> Any:
        self.content, self.painted = content, self.generator.decode(content, code)
        return self.painted


TASK = AblationTask()
