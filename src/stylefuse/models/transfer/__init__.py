"""Transfer and fusion: one generator paints any photograph in the style of any other picture."""

from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from stylefuse.config import Count, NotNegative, Share, Split, Train
from stylefuse.models.recipe import Batches, Objective, Recipe
from stylefuse.models.transfer.dials import Dials


class Settings(Train):
    """What the transfer model has beside the common settings."""

    domains: ClassVar = ("photograph", "painting")

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # learned numbers in a style code, beside its six colour moments
    reconstruction: NotNegative  # weights beside the adversarial loss
    content: NotNegative
    fused: Share  # of the steps, which paint from two photographs and two styles
    # weights of a published network's losses; 0 and 0 train without it
    guide_content: NotNegative
    guide_style: NotNegative


class TransferRecipe(Recipe):
    name = "transfer"
    card = """\
**Paints a photograph in the style of any other picture**, seen in training or not, and fuses two
pictures with a dial for whose content and a dial for whose style.

- `champion` is what `stylefuse serve`, `stylefuse transfer` and `stylefuse fuse` use.
- `challenger` is the newest version.

Send `content` and `style` as base64 pictures; `picture` comes back in base64, as large as the
content. `style` may be a list of pictures, mixed by `style_weights`. Parameters: `strength` 0…1,
`preserve_color` (none, luminance or match), `size` (longer side, pixels), `format` (png, jpeg or
webp). With a picture `other`, and with or without a `style`, the two are fused: `content_balance`,
`style_balance` and `detail_balance` 0…1 (0 is all `other`), `mode` (auto, saliency, mask or
scalar), a picture `mask` that is white where the content shows, `style_by_region`, `seamless`.
"""
    caution = """\
For illustrations, and for studying style and content. Not for imitating a living artist's hand
under their name, nor for passing a painting off as what a camera saw. Whose picture is given as a
style has rights in it; the model takes none away. It was trained on landscapes and on paintings,
most of them old or made for one game: portraits and drawings are farther from what it knows.
"""
    inputs: ClassVar = {"content": Image.Image, "style": Image.Image}
    extras: ClassVar = {"other": Image.Image, "mask": Image.Image}
    any_number = ("style",)
    options = Dials
    shape = ("width", "blocks", "code")
    reports = ("adversarial", "reconstruction", "content", "guide", "variety")

    def build_generator(self, **shape: Any) -> Any:
        from keras import KerasTensor

        from stylefuse.models.transfer.networks import TransferGenerator

        generator = TransferGenerator(**shape, name="generator")
        picture = KerasTensor((1, 64, 64, 3))
        generator(picture, picture)
        return generator

    def build_discriminator(self, settings: Settings) -> Any:
        from keras import KerasTensor

        from stylefuse.models.transfer.networks import PairDiscriminator

        discriminator = PairDiscriminator(settings.discriminator_width, name="discriminator")
        picture = KerasTensor((1, 64, 64, 3))
        discriminator(picture, discriminator.features(picture))
        return discriminator

    def batches(self, folder: Path, split: Split, settings: Settings, seed: int) -> Batches:
        from stylefuse.models.transfer.pairs import PairBatches

        return PairBatches(folder, split, settings, seed)

    def stage(self, step: int, settings: Settings) -> int:
        """1 for the steps that fuse, which take longer."""
        from stylefuse.models.transfer.pairs import is_fused

        return int(is_fused(step, settings))

    def discriminator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, penalise: bool, stage: int
    ) -> Objective:
        from stylefuse.models.transfer.objectives import discriminator_objective

        return discriminator_objective(generator, discriminator, settings, penalise, stage)

    def generator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, stage: int
    ) -> Objective:
        from stylefuse.models.transfer.objectives import generator_objective

        return generator_objective(generator, discriminator, settings, stage)

    def show(self, generator: Any, held_out: Any) -> Any:
        from stylefuse.models.transfer.pairs import sheet

        return sheet(generator, held_out)

    def artist(self, generator: Any, max_side: int) -> Any:
        from stylefuse.models.transfer.artist import TransferArtist

        return TransferArtist(generator, max_side)


RECIPE = TransferRecipe()
