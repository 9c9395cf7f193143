"""Ablation of the transfer model's training: the effect of each loss term, and of two more.

    python -m benchmarks.quality.ablation
    python -m benchmarks.quality.ablation --docs .cache/trial --kimg 0.02 \\
        --evaluate '{"photographs": 2, "styles_per_photograph": 1, "size": 96}'       a trial

Needs the data that `make repro` leaves.
"""

from itertools import pairwise
from typing import Any

from benchmarks import report
from benchmarks.quality.variants import run_variants
from stylefuse.evaluation.report import OURS

PURE_GAN = "adversarial loss only"
CONDITIONAL = "+ the reference in the discriminator"
RECONSTRUCTION = "+ reconstruction"
ALL_TERMS = "+ content, all terms"
OTHER_SEED = "all terms with another seed"
CONTRASTIVE = "all terms + patch-contrastive"
PERCEPTUAL = "all terms + perceptual loss"
FROM_RANDOM_WEIGHTS: dict[str, Any] = {
    "init_from": "", "learning_rate": 2e-3, "discriminator_learning_rate": 4e-3,
}  # fmt: skip
ADVERSARIAL_ONLY = {"reconstruction": 0.0, "content": 0.0}
VARIANTS: dict[str, dict[str, Any]] = {
    PURE_GAN: {"conditional": False, **ADVERSARIAL_ONLY},
    CONDITIONAL: ADVERSARIAL_ONLY,
    RECONSTRUCTION: {"content": 0.0},
    ALL_TERMS: {},
    OTHER_SEED: {"seed": 1},
    CONTRASTIVE: {"contrastive": 1.0},
    PERCEPTUAL: {"perceptual_content": 1.0, "perceptual_style": 1.0},
}
CUMULATIVE = (PURE_GAN, CONDITIONAL, RECONSTRUCTION, ALL_TERMS)
BASELINES = {row: before for before, row in pairwise(CUMULATIVE)}  # of other rows: ALL_TERMS


def main() -> None:
    args = report.training_parser(__doc__, kimg=6).parse_args()
    variants = {
        name: {"kimg": args.kimg, **FROM_RANDOM_WEIGHTS, **changes}
        for name, changes in VARIANTS.items()
    }
    task_module = "benchmarks.quality.ablation_task"
    results = run_variants("ablation", "transfer", variants, task_module, **args.evaluate)
    rows = {name: _row(result) for name, result in results.items()}
    for name in list(rows)[1:]:
        rows[name]["change"] = _change(results[name], results[BASELINES.get(name, ALL_TERMS)])
    report.write(
        args.docs,
        "ablation",
        "Ablation of the transfer model's loss terms",
        report.table(rows, f"{args.kimg:g} thousand pictures"),
        "From random weights, with learning rates of "
        f"{FROM_RANDOM_WEIGHTS['learning_rate']:g} and "
        f"{FROM_RANDOM_WEIGHTS['discriminator_learning_rate']:g}. "
        f"Evaluated on {_pairs(results)} pairs of the validation split. KID and style distance are "
        "relative to the unstyled photograph: 1 is no change, lower is closer to the paintings. "
        "The column “change” compares a row with the row before it, and the rows from "
        f"“{OTHER_SEED}” on with the row “{ALL_TERMS}”. Another seed gives other initial weights "
        "and other batches; changes smaller than the change of that row are not significant.",
        f"- *{PURE_GAN}*: the discriminator classifies paintings and painted photographs without "
        "seeing the reference. Only the architecture of the generator ties a painted picture to "
        "its photograph and to its reference.\n"
        f"- *{CONDITIONAL}*: the discriminator compares patches with another crop of the reference "
        "painting; other paintings count as fake.\n"
        f"- *{CONTRASTIVE}*: PatchNCE (Park et al. 2020) with weight 1. At 64 random positions the "
        "generator's content maps of the painted picture should be nearer to those of the "
        "photograph at the same position than at the others (temperature 0.07).\n"
        f"- *{PERCEPTUAL}*: content and style losses (Huang & Belongie 2017) with weight 1 in the "
        "features of VGG19. The evaluation uses another network, EfficientNet-Lite0, since a "
        "network that took part in training would favour its row. Style distance still compares "
        "the same statistics, means and deviations of early maps, that only this row is trained "
        "for; KID does not.",
        "The patch-contrastive term is an experiment and not an option of the product. "
        "Reconstruction and content are computed in every row, with weight 0 or not, so that all "
        "rows compute the same.",
    )


def _pairs(results: dict[str, dict]) -> int:
    return next(r["metrics"]["pairs"] for r in results.values() if "metrics" in r)


def _row(result: dict) -> dict[str, str]:
    if "metrics" not in result:
        return {"KID ÷ unstyled photograph's ↓": "diverged"}
    metrics = result["metrics"]
    ours = metrics["methods"][OURS]
    return {
        "KID ÷ unstyled photograph's ↓": f"{metrics['kid_ratio']:.2f}",
        "style distance ↓": f"{ours['style_ratio']:.2f}",
        "low-pass SSIM ↑": f"{ours['low_pass_ssim']:.2f}",
        "patches in place ↑": f"{ours['patch_retrieval']:.0%}",
        "images/s": f"{result['images_per_second']:.0f}",
    }


def _change(result: dict, baseline: dict) -> str:
    if "metrics" not in result or "metrics" not in baseline:
        return "–"

    def change(metric: str) -> float:
        new, old = (r["metrics"]["methods"][OURS][metric] for r in (result, baseline))
        return new - old

    kid = result["metrics"]["kid_ratio"] - baseline["metrics"]["kid_ratio"]
    speed = result["images_per_second"] / baseline["images_per_second"]
    return (
        f"KID {kid:+.2f}, style {change('style_ratio'):+.2f}, "
        f"patches {change('patch_retrieval'):+.0%}, speed ×{speed:.2f}"
    )


if __name__ == "__main__":
    main()
