"""Style transfer and fusion: the settings and the task of the transfer model."""

from typing import ClassVar

from stylefuse.config import Count, NotNegative, Share, Train
from stylefuse.models.task import Task


class Settings(Train):
    """The settings of a transfer model that other models do not have."""

    domains: ClassVar = ("photograph", "painting")

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # learned numbers in a style code; six colour moments are added to them
    fusion_share: Share  # of the steps, which fuse two photographs and two styles
    # weights of losses, relative to the adversarial loss
    reconstruction: NotNegative
    content: NotNegative
    perceptual_content: NotNegative  # VGG19's; with 0 and 0 the network is not loaded
    perceptual_style: NotNegative


class TransferTask(Task):
    name = "transfer"
    description = """\
**Paints a photograph in the style of any other picture**, whether it was trained on it or not, and
fuses two pictures; one option balances their contents, one their styles.

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
For illustrations, and for studying style and content. Not for imitating a living artist under
their name, nor for presenting a painting as a photograph. The rights in a picture that is used as a
style remain with its author. The model was trained on landscapes and on paintings, most of them old
or made for one game; it is less reliable for portraits and drawings.
"""
    architecture = ("width", "blocks", "code")
    metric_names = ("adversarial", "reconstruction", "content", "perceptual", "variety")

    def phase(self, step: int, settings: Settings) -> int:
        """1 for steps that fuse, 0 for others."""
        return int(is_fused(step, settings))


def is_fused(step: int, settings: Settings) -> bool:
    """Whether a step fuses two photographs and two styles; such steps are evenly spaced."""
    share = settings.fusion_share
    return int((step + 1) * share) > int(step * share)


TASK = TransferTask()
