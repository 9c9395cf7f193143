"""What a person reads about the model in the registry's UI, in Markdown."""

from stylefuse.config import Params

FIGURES = {
    "kid": "KID ↓",
    "style_ratio": "style distance ↓",
    "low_pass_ssim": "low-pass SSIM ↑",
    "patch_retrieval": "patches in place ↑",
}
MODEL_CARD = """\
**Paints a photograph in the style of any other picture**, seen in training or not.

- `champion` is what `stylefuse serve` and `stylefuse transfer` use.
- `challenger` is the newest version.

Send `content` and `style` as base64 pictures; `picture` comes back as a base64 PNG of the
content's size. Parameters: `strength` 0…1, `preserve_color`, `size` (longer side, pixels).
"""


def version_card(
    params: Params, metrics: dict[str, float], tags: dict[str, str], kept: list[str]
) -> str:
    """The description of one version.

    Args:
        params: the active profile is told.
        metrics: what evaluation measured on held-out pictures, by dotted name.
        tags: see `provenance`.
        kept: paths of the reports among the run's artifacts.
    """
    train = params.active.train
    lines = [
        f"Trained with the profile `{params.profile}`, seed {params.seed}: {train.kimg:g} thousand "
        f"photographs, crops of {train.crop} px, width {train.width}.",
        "",
        _origin(tags),
    ]
    if metrics:
        lines += _table(metrics)
    else:
        lines += ["", "Not judged yet: `make repro` evaluates it."]
    if kept:
        paths = ", ".join(f"`{path}`" for path in kept)
        lines += ["", f"Among the artifacts of its run: {paths}."]
    return "\n".join(lines) + "\n"


def _table(metrics: dict[str, float]) -> list[str]:
    """Every judged method as a row, with the figures that decide."""
    judged = [name.split(".") for name in metrics if name.startswith("methods.")]
    methods = dict.fromkeys(method for _, method, _ in judged)
    head = ["", "| on held-out pictures | " + " | ".join(FIGURES.values()) + " |"]
    head.append("|---|" + "---:|" * len(FIGURES))
    rows = [
        f"| {method} | "
        + " | ".join(f"{metrics[f'methods.{method}.{figure}']:.3f}" for figure in FIGURES)
        + " |"
        for method in methods
    ]
    return head + rows


def _origin(tags: dict[str, str]) -> str:
    if "git.commit" not in tags:
        return "Made outside a git repository."
    changed = " with uncommitted changes" if tags["git.dirty"] == "true" else ""
    return f"Made from commit `{tags['git.commit'][:12]}`{changed}."
