"""Transfer and fusion: one generator paints any photograph in the style of any other picture."""

from typing import ClassVar

from PIL import Image

from stylefuse.config import Count, NotNegative, Share, Train
from stylefuse.inference.options import TransferRequestOptions
from stylefuse.models.task import Task


class Settings(Train):
    """What the transfer model has beside the common settings."""

    domains: ClassVar = ("photograph", "painting")

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # learned numbers in a style code, beside its six colour moments
    reconstruction: NotNegative  # weights beside the adversarial loss
    content: NotNegative
    fusion_share: Share  # of the steps, which paint from two photographs and two styles
    # weights of a published network's losses; 0 and 0 train without it
    guide_content: NotNegative
    guide_style: NotNegative


class TransferTask(Task):
    name = "transfer"
    description = """\
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
    intended_use = """\
For illustrations, and for studying style and content. Not for imitating a living artist's hand
under their name, nor for passing a painting off as what a camera saw. Whose picture is given as a
style has rights in it; the model takes none away. It was trained on landscapes and on paintings,
most of them old or made for one game: portraits and drawings are farther from what it knows.
"""
    inputs: ClassVar = {"content": Image.Image, "style": Image.Image}
    optional_inputs: ClassVar = {"other": Image.Image, "mask": Image.Image}
    repeatable_inputs = ("style",)
    options = TransferRequestOptions
    architecture = ("width", "blocks", "code")
    metric_names = ("adversarial", "reconstruction", "content", "guide", "variety")

    def phase(self, step: int, settings: Settings) -> int:
        """1 for the steps that fuse, which take longer."""
        return int(is_fused(step, settings))


def is_fused(step: int, settings: Settings) -> bool:
    """Whether a step paints from two photographs and two styles: an even share of all do."""
    share = settings.fusion_share
    return int((step + 1) * share) > int(step * share)


TASK = TransferTask()
