"""Labels of the metrics for tables on pages and cards."""

from typing import NamedTuple


class MetricLabel(NamedTuple):
    """How a table shows a metric.

    Attributes:
        title: with unit, and ↑, ↓ or → 1 for the better direction.
        format: of `str.format` for a value.
    """

    title: str
    format: str

    @property
    def name(self) -> str:
        """The title without unit and direction."""
        return self.title.split(",")[0].rstrip(" ↑↓→1")


METRIC_LABELS = {  # in the order of the tables
    "kid": MetricLabel("KID ↓", "{:.3f}"),
    "fid": MetricLabel("FID ↓", "{:.0f}"),
    # transfer
    "stroke_score": MetricLabel("stroke score ↑", "{:.2f}"),
    "nearest_painting": MetricLabel("nearest to its painting ↑", "{:.0%}"),
    "style_ratio": MetricLabel("style distance ↓", "{:.2f}"),
    "low_pass_ssim": MetricLabel("low-pass SSIM ↑", "{:.2f}"),
    "patch_retrieval": MetricLabel("patches in place ↑", "{:.0%}"),
    # similarity to a reference picture
    "psnr": MetricLabel("PSNR, dB ↑", "{:.2f}"),
    "ssim": MetricLabel("SSIM ↑", "{:.3f}"),
    "gain": MetricLabel("gain, dB ↑", "{:+.2f}"),
    "gain_low": MetricLabel("gain, lower end", "{:+.2f}"),
    "gain_high": MetricLabel("gain, upper end", "{:+.2f}"),
    "unchanged": MetricLabel("returned unchanged ↑", "{:.0%}"),
    "chroma": MetricLabel("chroma, levels ↓", "{:.1f}"),
    "blocks": MetricLabel("block borders → 1", "{:.2f}"),
    "difference": MetricLabel("difference, levels ↓", "{:.2f}"),
    # portraits
    "variety": MetricLabel("variety → 1", "{:.2f}"),
    "nearest": MetricLabel("novelty, features → 1", "{:.2f}"),
    "nearest_pixels": MetricLabel("novelty, pixels → 1", "{:.2f}"),
    # fusion
    "monotonicity": MetricLabel("monotonicity ↑", "{:.3f}"),
    "reach": MetricLabel("reach → 1", "{:.2f}"),
    "smoothness": MetricLabel("largest over mean step → 1", "{:.2f}"),
    "double_exposure": MetricLabel("double exposure ↓", "{:.2f}"),
    "edge_transfer": MetricLabel("edge transfer ↑", "{:.2f}"),
    "seam_energy": MetricLabel("seam energy → 1", "{:.2f}"),
}
