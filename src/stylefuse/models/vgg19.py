"""The convolutions of VGG19 (Simonyan & Zisserman 2015), trained on ImageNet.

The style loss and the perceptual loss are computed with them; evaluation uses another network.
"""

from functools import cache

from stylefuse.data.torchfile import read_tensors
from stylefuse.errors import UserError
from stylefuse.paths import NETWORKS

FOLDER = NETWORKS / "vgg19"
CONVOLUTIONS = (2, 2, 4, 1)  # per block, up to the first of the fourth
IMAGENET_MEAN = (103.939, 116.779, 123.68)  # blue, green, red; subtracted from levels 0…255


@cache
def vgg19_weights():
    """Per block, the kernels `[3, 3, inputs, outputs]` and biases `[outputs]` of its convolutions.

    Raises:
        UserError: the file of weights is missing.
    """
    files = sorted(FOLDER.glob("vgg19*.bin"))
    if not files:
        raise UserError(
            f"VGG19's weights are missing from {FOLDER}; run `dvc repro ingest`, or set "
            "perceptual_content and perceptual_style to 0 in params.yaml",
            code="network-missing",
        )
    tensors = read_tensors(files[0].read_bytes())

    def layer(name):
        kernel = tensors[f"{name}_W_table"][tensors[f"{name}_W_q"]]  # quantised to 256 values
        return kernel.transpose(2, 3, 1, 0), tensors[f"{name}_b"]

    return [
        [layer(f"block{block}_conv{i + 1}") for i in range(count)]
        for block, count in enumerate(CONVOLUTIONS, start=1)
    ]
