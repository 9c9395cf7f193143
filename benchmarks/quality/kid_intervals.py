"""Bootstrap intervals (95 %) of the KID differences in `reports/metrics/transfer.json`.

    python -m benchmarks.quality.kid_intervals        after `make repro`, in the project's folder

Held-out photographs and paintings are resampled, each with all its pairs and crops. KID is computed
on all of them with its diagonal (the biased estimate). The bias cancels only partly in differences:
read the intervals, not their centres.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from stylefuse.config import Params, load_params
from stylefuse.evaluation.baselines.colour_matching import match_colours
from stylefuse.evaluation.baselines.published_network import ArbitraryStylisation
from stylefuse.evaluation.metrics.features import FeatureNetwork
from stylefuse.evaluation.metrics.kid import polynomial_kernel
from stylefuse.evaluation.pairs import Pairs, make_pairs
from stylefuse.inference.predictor import load_predictor
from stylefuse.paths import MANIFEST, MODELS

DRAWS, BATCH = 1000, 10


def main() -> None:
    params = load_params()
    pairs = make_pairs(pd.read_parquet(MANIFEST), "test", params.evaluate, params.seed)
    network = FeatureNetwork()
    references = network(pairs.references).pooled
    features = {name: network(p).pooled for name, p in _outputs(pairs, params).items()}
    within = {name: polynomial_kernel(x, x) for name, x in features.items()}
    between = {name: polynomial_kernel(x, references) for name, x in features.items()}

    rng = np.random.default_rng(params.seed)
    kids = []
    for _ in range(DRAWS):
        outputs = _resample(pairs.rows[:, 0], rng)
        crops = _resample(pairs.reference_paintings, rng)
        kids.append(  # without the term of the references alone, which cancels in differences
            {n: outputs @ within[n] @ outputs - 2 * outputs @ between[n] @ crops for n in features}
        )
    for a, b in combinations(features, 2):
        low, high = np.percentile([kid[a] - kid[b] for kid in kids], [2.5, 97.5])
        print(f"{a} − {b}: {low:+.4f} to {high:+.4f}")


def _outputs(pairs: Pairs, params: Params) -> dict[str, np.ndarray]:
    """The pictures of every method, uint8 `[pairs, size, size, 3]`."""
    contents, styles = pairs.contents, pairs.styles
    predictor = load_predictor(MODELS / "transfer")
    stylize = predictor.stylizer.stylize
    starts = range(0, len(contents), BATCH)
    batches = [stylize(contents[i : i + BATCH], styles[i : i + BATCH]) for i in starts]
    return {
        "stylefuse": np.concatenate(batches),
        "published network": ArbitraryStylisation().stylize(contents, styles),
        "colour matching": match_colours(contents, styles),
        "unstyled photograph": contents,
    }


def _resample(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights of rows `[n]` when their groups are drawn with replacement."""
    count = groups.max() + 1
    weights = np.bincount(rng.integers(count, size=count), minlength=count)[groups]
    return weights / weights.sum()


if __name__ == "__main__":
    main()
