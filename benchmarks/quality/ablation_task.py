"""The transfer model with a term that the ablation tries: an experiment, no option of the product.

`Settings` and `TASK`, as a model's module has them. The generator is the product's own, so that
what is trained here is saved, loaded and judged as the product is.
"""

from typing import Any

from stylefuse.config import NotNegative
from stylefuse.models import transfer
from stylefuse.models.task import Loss


class Settings(transfer.Settings):
    """By default those of the product's recipe."""

    conditional: bool = True  # whether the discriminator sees the reference
    contrastive: NotNegative = 0.0  # weight beside the recipe's own terms


class TermsTask(transfer.TransferTask):
    reports = (*transfer.TransferTask.reports, "contrastive")

    def build_discriminator(self, settings: Settings) -> Any:
        if settings.conditional:
            return super().build_discriminator(settings)
        from benchmarks.quality.unconditional_discriminator import build_discriminator

        return build_discriminator(settings)

    def discriminator_loss(
        self, generator: Any, discriminator: Any, settings: Settings, penalise: bool, stage: int
    ) -> Loss:
        found = super().discriminator_loss
        if not settings.conditional:
            from benchmarks.quality.unconditional_discriminator import discriminator_loss as found
        return found(generator, discriminator, settings, penalise, stage)

    def generator_loss(
        self, generator: Any, discriminator: Any, settings: Settings, stage: int
    ) -> Loss:
        """The recipe's objective, and the term beside it where it has a weight."""
        from benchmarks.quality.patch_contrastive import patch_contrast
        from stylefuse.models.transfer.batches import TransferBatch

        painter = Painter(generator)
        task = super().generator_loss(painter, discriminator, settings, stage)

        def loss_function(*batch):
            loss, reported = task(*batch)
            seen = TransferBatch(*batch[: len(TransferBatch._fields)])
            contrastive = 0.0
            if settings.contrastive:
                found = generator.encode_content(painter.painted)
                contrastive = patch_contrast(found, painter.content, seen.noise)
            return loss + settings.contrastive * contrastive, (*reported, contrastive)

        return loss_function


class Painter:
    """A generator that remembers its last decoding, so that more can be asked of a picture that
    an objective has had painted without painting it twice."""

    def __init__(self, generator: Any):
        self.generator = generator

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def __call__(self, *pictures: Any) -> Any:
        return self.generator(*pictures)

    def decode(self, content: Any, code: Any) -> Any:
        self.content, self.painted = content, self.generator.decode(content, code)
        return self.painted


TASK = TermsTask()
