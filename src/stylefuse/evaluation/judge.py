"""All figures of one method on one set of pairs."""

from typing import NamedTuple

import numpy as np

from stylefuse.config import Evaluate
from stylefuse.evaluation import metrics
from stylefuse.evaluation.features import FeatureNetwork, Features
from stylefuse.evaluation.pairs import Pairs


class Figures(NamedTuple):
    """What the tables show. KID and FID are in the features of `features.NAME`."""

    kid: float  # to held-out paintings, lower is better
    kid_deviation: float  # over the subsets
    fid: float
    low_pass_ssim: float  # to the content
    ssim: float
    patch_retrieval: float
    style_ratio: float  # distance to the style beside the content's own distance to it


class Judge:
    """Holds the features of pairs, so that every method is judged against the same ones.

    Args:
        network: the network that judges.
        pairs: the held-out pictures.
        settings: sizes of the subsets.
        seed: draws the subsets.
    """

    def __init__(self, network: FeatureNetwork, pairs: Pairs, settings: Evaluate, seed: int):
        self.network, self.pairs, self.settings, self.seed = network, pairs, settings, seed
        self.contents = network(pairs.contents)
        self.styles = network(pairs.styles)
        self.references = network(pairs.references)

    def figures(self, painted: np.ndarray) -> Figures:
        """Judge what a method painted for the pairs, uint8 `[n, size, size, 3]`."""
        features = self.network(painted)
        kid, deviation = self._kid(features, self.references)
        both = list(zip(painted, self.pairs.contents, strict=True))
        return Figures(
            kid=kid,
            kid_deviation=deviation,
            fid=metrics.frechet_distance(features.pooled, self.references.pooled),
            low_pass_ssim=float(np.mean([metrics.low_pass_ssim(*pair) for pair in both])),
            ssim=float(np.mean([metrics.ssim(*pair) for pair in both])),
            patch_retrieval=float(np.mean([metrics.patch_retrieval(*pair) for pair in both])),
            style_ratio=float(self.style_distances(features).mean() / self._untouched.mean()),
        )

    def paintings_beside_paintings(self) -> tuple[float, float]:
        """KID and FID of one half of the held-out paintings to the other."""
        even = self.pairs.works % 2 == 0
        halves = [Features(*(part[half] for part in self.references)) for half in (even, ~even)]
        return self._kid(*halves)[0], metrics.frechet_distance(halves[0].pooled, halves[1].pooled)

    def style_distances(self, features: Features) -> np.ndarray:
        """Distance of each picture's style statistics to those of its style, `[n]`."""
        return metrics.style_distance(features.style, self.styles.style)

    @property
    def _untouched(self) -> np.ndarray:
        return self.style_distances(self.contents)

    def _kid(self, a: Features, b: Features) -> tuple[float, float]:
        size, subsets = self.settings.kid_subset, self.settings.kid_subsets
        return metrics.kernel_distance(a.pooled, b.pooled, size, subsets, self.seed)
