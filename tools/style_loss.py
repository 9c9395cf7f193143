"""Make the graphs in `src/stylefuse/inference/networks`, after `dvc repro prepare`.

    python -m tools.style_loss

VGG19's convolutions are approximated on tiles of the training split, which halves the time of a
step (docs/background/painted-quality.md).
"""

import json

import numpy as np
from keras import ops

from stylefuse.data.batches import load_tiles
from stylefuse.fileio import sha256
from stylefuse.inference.style_optimizer import MANIFEST, NETWORKS
from stylefuse.models.style_loss.graph import style_loss_graph
from stylefuse.models.style_loss.low_rank import Convolution, approximate
from stylefuse.models.vgg19 import IMAGENET_MEAN, vgg19_weights
from stylefuse.paths import PREPARED

RANKS = (0, 24), (40, 48), (64, 72, 72, 72), (96,)
CROP, PICTURES = 128, 32


def main() -> None:
    """Approximate VGG19, and write both graphs."""
    blocks = [[Convolution(*layer) for layer in block] for block in vgg19_weights()]
    crops = [
        load_tiles(PREPARED, "train", domain, CROP)[:, :CROP, :CROP]
        for domain in ("painting", "photograph")
    ]
    spread = [x[np.linspace(0, len(x) - 1, PICTURES // 2).astype(int)] for x in crops]
    levels = np.concatenate(spread)[..., ::-1].astype(np.float32) - np.float32(IMAGENET_MEAN)
    approximated = approximate(blocks, RANKS, ops.convert_to_tensor(levels))
    NETWORKS.mkdir(exist_ok=True)
    checksums = json.loads(MANIFEST.read_text())
    for name, depth in (("style_loss", 4), ("style_loss_shallow", 3)):
        path = NETWORKS / f"{name}.onnx"
        path.write_bytes(style_loss_graph(approximated[:depth]))
        checksums[path.name] = sha256(path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    MANIFEST.write_text(json.dumps(checksums, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
