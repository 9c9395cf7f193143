"""How sure the KID differences of `reports/metrics/transfer.json` are: 95 % bootstrap intervals.

Held-out photographs and paintings are drawn again, each whole with all its pairs and crops. KID is
taken over all of them with its diagonal (the biased form), in which the bias cancels in differences
only in part: read the intervals, not the means.

    python benchmarks/kid_intervals.py        after `make repro`, in the project's folder
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from stylefuse.config import load_params
from stylefuse.evaluation.baselines import ArbitraryStylisation, match_colours
from stylefuse.evaluation.features import FeatureNetwork
from stylefuse.evaluation.pairs import make_pairs
from stylefuse.models.stylizer import Stylizer

DRAWS, BATCH = 1000, 10


def kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


def redrawn(groups, stream):
    """Weights of rows `[n]` when their groups are drawn with replacement."""
    count = groups.max() + 1
    weights = np.bincount(stream.integers(count, size=count), minlength=count)[groups]
    return weights / weights.sum()


params = load_params()
manifest = pd.read_parquet("data/manifest.parquet")
pairs = make_pairs(manifest, "test", params.evaluate, params.seed)
contents, styles = pairs.contents, pairs.styles
stylize = Stylizer("models/transfer").stylize
starts = range(0, len(contents), BATCH)
painted = {
    "stylefuse": np.concatenate(
        [stylize(contents[i : i + BATCH], styles[i : i + BATCH]) for i in starts]
    ),
    "published network": ArbitraryStylisation(Path("data/networks/arbitrary-stylisation")).stylize(
        contents, styles
    ),
    "matching colours": match_colours(contents, styles),
    "doing nothing": contents,
}
network = FeatureNetwork(Path("data/networks/efficientnet-lite0"))
references = network(pairs.references).pooled
features = {name: network(pictures).pooled for name, pictures in painted.items()}
within = {name: kernel(x, x) for name, x in features.items()}
across = {name: kernel(x, references) for name, x in features.items()}

stream = np.random.default_rng(params.seed)
kids = []
for _ in range(DRAWS):
    rows, crops = redrawn(pairs.rows[:, 0], stream), redrawn(pairs.works, stream)
    kids.append({n: rows @ within[n] @ rows - 2 * rows @ across[n] @ crops for n in painted})
for a, b in combinations(painted, 2):
    low, high = np.percentile([kid[a] - kid[b] for kid in kids], [2.5, 97.5])
    print(f"{a} − {b}: {low:+.4f} to {high:+.4f}")
