"""What each part of the transfer model's recipe buys, and what two terms beside it do.

python -m benchmarks.quality.ablation
python -m benchmarks.quality.ablation --docs .cache/trial --kimg 0.02 --judging TRIAL    a trial, with
    TRIAL='{"photographs": 2, "styles_per_photograph": 1, "size": 96}'
"""

from itertools import pairwise

from benchmarks import report
from benchmarks.quality.variants import run_variants
from stylefuse.evaluation.report import OURS

PURE = "pure GAN"
PAIRED = "+ the reference in the discriminator"
RECONSTRUCTED = "+ reconstruction"
TASK = "+ content, the recipe"
OTHER_SEED = "the recipe with another seed"
CONTRASTIVE = "the recipe + patch-contrastive"
GUIDED = "the recipe + perceptual guide"
SCRATCH = {"init_from": "", "learning_rate": 2e-3, "discriminator_learning_rate": 4e-3}
ALONE = {"reconstruction": 0.0, "content": 0.0}
VARIANTS = {
    PURE: {"conditional": False, **ALONE},
    PAIRED: ALONE,
    RECONSTRUCTED: {"content": 0.0},
    TASK: {},
    OTHER_SEED: {"seed": 1},
    CONTRASTIVE: {"contrastive": 1.0},
    GUIDED: {"perceptual_content": 1.0, "perceptual_style": 1.0},
}
BEFORE = {row: before for before, row in pairwise((PURE, PAIRED, RECONSTRUCTED, TASK))}


def main() -> None:
    args = report.training_parser(__doc__, kimg=6).parse_args()
    asked = {name: {"kimg": args.kimg, **SCRATCH, **own} for name, own in VARIANTS.items()}
    results = run_variants("ablation", "transfer", asked, task="terms", **args.evaluate)
    rows = {name: _row(result) for name, result in results.items()}
    for name in list(rows)[1:]:
        rows[name]["it changes"] = _change(results[name], results[BEFORE.get(name, TASK)])
    report.write(
        args.docs,
        "ablation",
        "What each part of the transfer recipe buys",
        report.table(rows, f"{args.kimg:g} thousand pictures"),
        "From random weights, with learning rates of "
        f"{SCRATCH['learning_rate']:g} and {SCRATCH['discriminator_learning_rate']:g}. "
        f"Judged on {_pairs(results)} pairs of the validation split. KID and style distance are "
        "relative to the unstyled photograph: 1 is no change, lower is closer to the paintings. "
        f"What a row changes is beside the row before it, from “{OTHER_SEED}” on beside the "
        "recipe. That row is chance: other first weights and other batches. Smaller changes than "
        "its own say nothing.",
        f"- *{PURE}*: the adversarial loss alone, from a discriminator that tells paintings from "
        "painted photographs and is not shown whose style was asked for. Nothing ties a painted "
        "picture to its photograph, or to its reference, but the way that the generator is built.\n"
        f"- *{PAIRED}*: it judges patches beside another crop of the reference painting, and other "
        "paintings are fakes there.\n"
        f"- *{CONTRASTIVE}*: PatchNCE (Park et al. 2020) with weight 1. At 64 random positions the "
        "generator's content maps of the painted picture should be nearer to those of the "
        "photograph at the same place than at the others (temperature 0.07).\n"
        f"- *{GUIDED}*: content and style losses (Huang & Belongie 2017) with weight 1 in the "
        "features of VGG19. The judge is EfficientNet-Lite0: another network, since one that "
        "guided a row would flatter it. Style distance still asks for the same statistics, means "
        "and deviations of early maps, that this row alone is trained for; KID does not.",
        "The patch-contrastive term is an experiment, no option of the product. Reconstruction "
        "and content are computed in every row, with weight or without, so that their rows cost "
        "the same.",
    )


def _pairs(results: dict[str, dict]) -> int:
    return next(r["figures"]["pairs"] for r in results.values() if "figures" in r)


def _row(result: dict) -> dict[str, str]:
    if "figures" not in result:
        return {"KID ÷ unstyled photograph's ↓": "diverged"}
    figures = result["figures"]
    ours = figures["methods"][OURS]
    return {
        "KID ÷ unstyled photograph's ↓": f"{figures['kid_ratio']:.2f}",
        "style distance ↓": f"{ours['style_ratio']:.2f}",
        "low-pass SSIM ↑": f"{ours['low_pass_ssim']:.2f}",
        "patches in place ↑": f"{ours['patch_retrieval']:.0%}",
        "images/s": f"{result['images_per_second']:.0f}",
    }


def _change(result: dict, before: dict) -> str:
    if "figures" not in result or "figures" not in before:
        return "–"

    def change(figure):
        new, old = (r["figures"]["methods"][OURS][figure] for r in (result, before))
        return new - old

    kid = result["figures"]["kid_ratio"]
    kid -= before["figures"]["kid_ratio"]
    speed = result["images_per_second"] / before["images_per_second"]
    return (
        f"KID {kid:+.2f}, style {change('style_ratio'):+.2f}, "
        f"patches {change('patch_retrieval'):+.0%}, speed ×{speed:.2f}"
    )


if __name__ == "__main__":
    main()
