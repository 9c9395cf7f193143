"""What each part of the transfer model's recipe buys: the same run with more and more of it.

python benchmarks/ablation.py
python benchmarks/ablation.py --docs .cache/trial --kimg 0.05 --judging TRIAL    a trial, with
    TRIAL='{"photographs": 2, "styles_per_photograph": 1, "size": 96}'
"""

import page
from variants import defaults, run_variants

from stylefuse.evaluation.report import OURS

PLAIN = "adversarial loss alone"
RECONSTRUCTED = "+ reconstruction"
RECIPE = "+ content, the recipe"
OTHER_SEED = "the recipe with another seed"
OPTIONAL = {"contrastive": 1.0, "perceptual": 1.0}  # weights, where the recipe itself has none


def main() -> None:
    args = page.judged_parser(__doc__, kimg=6).parse_args()
    settings = defaults("transfer").model_dump()
    optional = {name: settings[name] or w for name, w in OPTIONAL.items() if name in settings}
    without = dict.fromkeys(optional, 0.0)
    variants = {
        PLAIN: {"reconstruction": 0.0, "content": 0.0},
        RECONSTRUCTED: {"content": 0.0},
        RECIPE: {},
        OTHER_SEED: {"seed": 1},
        "the recipe without fused steps": {"fused": 0.0},
        **{f"the recipe + {name}": {name: weight} for name, weight in optional.items()},
    }
    asked = {name: {"kimg": args.kimg, **without, **own} for name, own in variants.items()}
    results = run_variants("ablation", "transfer", asked, **args.judging)
    rows = {name: _row(result) for name, result in results.items()}
    for name in list(rows)[1:]:
        before = {RECONSTRUCTED: PLAIN, RECIPE: RECONSTRUCTED}.get(name, RECIPE)
        rows[name]["it changes"] = _change(results[name], results[before])
    pairs = results[RECIPE]["figures"]["pairs"]
    page.write(
        args.docs,
        "ablation",
        "What each part of the transfer recipe buys",
        page.table(rows, f"{args.kimg:g} thousand pictures"),
        f"Judged on {pairs} pairs of the validation split. KID and style distance are beside "
        "those of doing nothing: 1 is no change at all, less is nearer to the paintings. "
        f"“{PLAIN}” has nothing that ties a painted picture to its photograph but the way that "
        "the generator is built. What a row changes is beside the row before it, from "
        f"“{OTHER_SEED}” on beside the recipe; that row is chance, and smaller changes than its "
        "own say nothing.",
    )


def _row(result: dict) -> dict[str, str]:
    figures = result["figures"]
    ours = figures["methods"][OURS]
    return {
        "KID beside doing nothing ↓": f"{figures['kid_beside_doing_nothing']:.2f}",
        "style distance ↓": f"{ours['style_ratio']:.2f}",
        "low-pass SSIM ↑": f"{ours['low_pass_ssim']:.2f}",
        "patches in place ↑": f"{ours['patch_retrieval']:.0%}",
        "images/s": f"{result['images_per_second']:.0f}",
    }


def _change(result: dict, before: dict) -> str:
    def change(figure):
        new, old = (r["figures"]["methods"][OURS][figure] for r in (result, before))
        return new - old

    kid = result["figures"]["kid_beside_doing_nothing"]
    kid -= before["figures"]["kid_beside_doing_nothing"]
    speed = result["images_per_second"] / before["images_per_second"]
    return (
        f"KID {kid:+.2f}, style {change('style_ratio'):+.2f}, "
        f"patches {change('patch_retrieval'):+.0%}, speed ×{speed:.2f}"
    )


if __name__ == "__main__":
    main()
