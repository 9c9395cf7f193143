"""How sure the KID differences of `reports/metrics/transfer.json` are: 95 % bootstrap intervals.

Held-out photographs and paintings are drawn again, each whole with all its pairs and crops. KID is
taken over all of them with its diagonal (the biased form), in which the bias cancels in differences
only in part: read the intervals, not the means.

    python -m benchmarks.quality.kid_intervals        after `make repro`, in the project's folder
"""

from itertools import combinations

import numpy as np
import pandas as pd

from stylefuse.config import load_params
from stylefuse.evaluation.baselines.colour_matching import match_colours
from stylefuse.evaluation.baselines.published_network import ArbitraryStylisation
from stylefuse.evaluation.metrics.features import FeatureNetwork
from stylefuse.evaluation.metrics.kid import polynomial_kernel
from stylefuse.evaluation.pairs import make_pairs
from stylefuse.models.saving import load_predictor
from stylefuse.paths import MANIFEST

DRAWS, BATCH = 1000, 10


def redrawn(groups, stream):
    """Weights of rows `[n]` when their groups are drawn with replacement."""
    count = groups.max() + 1
    weights = np.bincount(stream.integers(count, size=count), minlength=count)[groups]
    return weights / weights.sum()


params = load_params()
pairs = make_pairs(pd.read_parquet(MANIFEST), "test", params.evaluate, params.seed)
contents, styles = pairs.contents, pairs.styles
_, predictor = load_predictor("models/transfer", params.serve.max_side)
starts = range(0, len(contents), BATCH)
painted = {
    "stylefuse": np.concatenate(
        [predictor.stylizer.stylize(contents[i : i + BATCH], styles[i : i + BATCH]) for i in starts]
    ),
    "published network": ArbitraryStylisation().stylize(contents, styles),
    "colour matching": match_colours(contents, styles),
    "unstyled photograph": contents,
}
network = FeatureNetwork()
references = network(pairs.references).pooled
found = {name: network(pictures).pooled for name, pictures in painted.items()}
within = {name: polynomial_kernel(x, x) for name, x in found.items()}
across = {name: polynomial_kernel(x, references) for name, x in found.items()}

stream = np.random.default_rng(params.seed)
kids = []
for _ in range(DRAWS):
    rows, crops = redrawn(pairs.rows[:, 0], stream), redrawn(pairs.reference_paintings, stream)
    kids.append({n: rows @ within[n] @ rows - 2 * rows @ across[n] @ crops for n in painted})
for a, b in combinations(painted, 2):
    low, high = np.percentile([kid[a] - kid[b] for kid in kids], [2.5, 97.5])
    print(f"{a} − {b}: {low:+.4f} to {high:+.4f}")
