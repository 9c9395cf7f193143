"""Whether a large picture is painted like a small one: similarity of both at the small size.

    python -m benchmarks.quality.stroke_size

Each of ten held-out photographs is painted at 512 pixels, and at 4000 and then scaled down. The
structural similarity (SSIM) of the two should be at least 0.9.
"""

from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import report
from stylefuse.evaluation.metrics.ssim import ssim
from stylefuse.evaluation.pairs import held_out_paths
from stylefuse.evaluation.sample_grids import evenly_spaced
from stylefuse.images.open import open_picture
from stylefuse.images.resize import rescale
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.paths import MANIFEST

SMALL, LARGE = 512, 4000  # pixels, the longer side
PAIRS = 10


def main() -> None:
    args = report.parser(__doc__).parse_args()
    manifest = pd.read_parquet(MANIFEST)
    photographs, paintings = (
        [Path(path) for path in evenly_spaced(np.array(held_out_paths(manifest, "test", d)), PAIRS)]
        for d in ("photograph", "painting")
    )
    predictor = load_predictor("models/base/transfer")
    similarities = {}
    for photograph, painting in zip(photographs, paintings, strict=True):
        style = predictor.style([open_picture(painting)])
        picture = open_picture(photograph).convert("RGB")
        small, large = (
            predictor.transfer(rescale(picture, side / max(picture.size)), style, TransferOptions())
            for side in (SMALL, LARGE)
        )
        scaled = large.resize(small.size, Image.Resampling.LANCZOS)
        pair = f"{photograph.stem} as {painting.stem}"
        similarities[pair] = ssim(np.asarray(small), np.asarray(scaled))
    rows = {pair: {"SSIM": f"{value:.3f}"} for pair, value in similarities.items()}
    values = similarities.values()
    report.write(
        args.docs,
        "stroke-size",
        "Stroke size",
        report.paragraph(__doc__, -1),
        report.table(rows, "pair"),
        f"Mean {mean(values):.3f}, lowest {min(values):.3f}.",
    )


if __name__ == "__main__":
    main()
