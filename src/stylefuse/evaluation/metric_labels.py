"""The figures that pages and cards show, in this order: title with the wanted direction, format."""

FIGURES: dict[str, tuple[str, str]] = {
    "kid": ("KID ↓", "{:.3f}"),
    "fid": ("FID ↓", "{:.0f}"),
    # transfer
    "style_ratio": ("style distance ↓", "{:.2f}"),
    "low_pass_ssim": ("low-pass SSIM ↑", "{:.2f}"),
    "patch_retrieval": ("patches in place ↑", "{:.0%}"),
    # nearness to one right answer
    "psnr": ("PSNR, dB ↑", "{:.2f}"),
    "ssim": ("SSIM ↑", "{:.3f}"),
    "difference": ("difference, levels ↓", "{:.2f}"),
    # portraits
    "variety": ("variety → 1", "{:.2f}"),
    "nearest": ("novelty, features → 1", "{:.2f}"),
    "nearest_pixels": ("novelty, pixels → 1", "{:.2f}"),
    # fusion
    "monotonicity": ("follows the dial ↑", "{:.3f}"),
    "reach": ("way from B to A → 1", "{:.2f}"),
    "smoothness": ("largest step by the mean → 1", "{:.2f}"),
    "double_exposure": ("double exposure ↓", "{:.2f}"),
    "edge_transfer": ("edges kept ↑", "{:.2f}"),
    "seam_energy": ("seam energy → 1", "{:.2f}"),
}
