"""The model card: a file that goes with a version wherever it goes (Mitchell et al. 2019).

What it says is taken from the run: nothing is written by hand but what a model is for.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.evaluation.figures import FIGURES
from stylefuse.models.files import SEEN, seen_by
from stylefuse.models.recipe import Recipe, find_recipe
from stylefuse.registry.about import request_example
from stylefuse.registry.card import shared_figures
from stylefuse.registry.pictures import CAPTIONS, most_telling, reduced
from stylefuse.registry.sbom import SBOM
from stylefuse.registry.sections import table
from stylefuse.registry.signing import SIGNATURE
from stylefuse.registry.store import registered_name
from stylefuse.serving.package import PIPELINE

CARD, SAMPLES = "MODEL_CARD.md", "samples.jpg"
OURS = "stylefuse"  # what evaluation calls the model among the methods that it compares


def write_card(
    folder: Path,
    params: Params,
    model: str,
    tags: Mapping[str, str],
    methods: Mapping[str, Mapping[str, Any]],
    licences: pd.DataFrame,
    sheets: Sequence[Path],
) -> None:
    """Write `MODEL_CARD.md`, and `samples.jpg` where there are sheets, into a folder.

    Args:
        folder: which is there.
        params: the settings.
        model: its name in `params.yaml`.
        tags: see `provenance`.
        methods: what evaluation measured on held-out pictures, by method and figure.
        licences: see `training_licences`.
        sheets: PNG files of samples.
    """
    recipe = find_recipe(model)
    sections = {
        "Samples": _samples(folder, sheets),
        "What it is for, and what not": [recipe.caution.strip()],
        "How to use it": [
            f"`stylefuse serve {model}` answers:",
            "",
            "```",
            *request_example(recipe),
            "```",
        ],
        "Training": _training(params, model),
        "Training pictures": _pictures(params, model, licences),
        "Figures": _figures(methods),
        "Limits": _limits(params, recipe),
        "Where it comes from": _origin(tags, model),
    }
    text = f"---\n{yaml.safe_dump(_header(recipe), sort_keys=False)}---\n\n"
    text += f"# {registered_name(model)}\n\n{recipe.card}"
    for title, lines in sections.items():
        if any(lines):
            text += "\n".join(["", f"## {title}", "", *lines, ""])
    (folder / CARD).write_text(text, encoding="utf-8")


def _header(recipe: Recipe) -> dict[str, Any]:
    """What hubs of models read."""
    return {
        "library_name": "keras",
        "pipeline_tag": "image-to-image" if _paints(recipe) else "unconditional-image-generation",
        "tags": ["gan", "stylefuse", recipe.name],
    }


def _paints(recipe: Recipe) -> bool:
    """Whether it is given pictures; another invents them."""
    return Image.Image in recipe.inputs.values()


def _samples(folder: Path, sheets: Sequence[Path]) -> list[str]:
    for sheet in most_telling(sheets)[:1]:
        reduced(sheet).save(folder / SAMPLES, quality=90)
        return [CAPTIONS.get(sheet.stem, f"{sheet.stem}:"), "", f"![Samples]({SAMPLES})"]
    return []


def _training(params: Params, model: str) -> list[str]:
    train = params.train(model)
    begin = f"the weights in `{train.start}`" if train.start else "random weights"
    lines = [
        f"Profile `{params.profile}`, seed {params.seed}: {train.kimg:g} thousand pictures of "
        f"{train.crop} px in batches of {train.batch}, from {begin}.",
        "",
        "```yaml",
        *yaml.safe_dump(train.model_dump(), sort_keys=False).splitlines(),
        "```",
    ]
    if run := _begun(train.start):
        before = run["settings"]
        lines += [
            "",
            f"The weights it begins with saw {before['kimg']:g} thousand pictures of "
            f"{before['crop']} px, with the profile `{run['profile']}`.",
        ]
    if seen := seen_by(train.start) if train.start else None:
        told = f"They were made of the {len(seen)} pictures that `{train.start}/{SEEN}` names."
        lines += ["", told]
    return lines


def _begun(start: str) -> dict[str, Any]:
    """How the weights that a training begins with were made; nothing where that is not told."""
    path = Path(start) / "run.json"
    if not start or not path.exists():
        return {}
    try:
        told = json.loads(path.read_text())
        return {"profile": told["profile"], "settings": dict(told["settings"])}
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path} cannot be read; get it again with `git checkout {path}`") from None


def _pictures(params: Params, model: str, licences: pd.DataFrame) -> list[str]:
    domains = " and ".join(f"{domain}s" for domain in params.train(model).domains)
    if licences.empty:
        return [f"{domains.capitalize()}, from sources that are not told."]
    rows = licences[["licence", "sources", "pictures"]].astype(str).to_numpy().tolist()
    return [
        f"This training's {licences.pictures.sum()} {domains}:",
        "",
        *table(["licence", "sources", "pictures"], rows, left=2, gap=" | "),
        "",
        "Each is under its own licence; `data/ATTRIBUTION.md` among the artifacts of its run tells "
        "who made which. What those licences ask of a model that was trained on the pictures is "
        "not settled: this table is there so that you can judge.",
    ]


def _figures(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not methods:
        return ["It was not judged."]
    shown = shared_figures(methods)
    rows = [
        [method, *(FIGURES[name][1].format(row[name]) for name in shown)]
        for method, row in methods.items()
    ]
    head = ["on held-out pictures", *(FIGURES[name][0] for name in shown)]
    return [*table(head, rows, gap=" | "), *_worse(methods, shown)]


def _worse(methods: Mapping[str, Mapping[str, Any]], shown: Sequence[str]) -> Iterator[str]:
    """In which figures others are better, those that change nothing among them."""
    if OURS not in methods:
        return
    beaten = []
    for name in shown:
        title, form = FIGURES[name]
        ours = _fault(title, methods[OURS][name])
        better = [m for m, row in methods.items() if _fault(title, row[name]) < ours]
        if better:
            told = ", ".join(f"{m} ({form.format(methods[m][name])})" for m in better)
            beaten.append(f"- {title[:-1].rstrip(' →↓↑')}: {told}")
    if beaten:
        yield from ("", "Better than it:", "", *beaten)


def _fault(title: str, value: float) -> float:
    """How far a figure is from what is wanted, as its title tells."""
    if title.endswith("→ 1"):
        return abs(value - 1)
    return -value if title.endswith("↑") else value


def _limits(params: Params, recipe: Recipe) -> list[str]:
    train, serve = params.train(recipe.name), params.serve
    begun = _begun(train.start).get("settings", {})
    widest = max(train.crop, begun.get("crop", 0))
    if not _paints(recipe):
        return [
            f"- It learned from squares of {widest} px, and makes nothing larger.",
            f"- Served, it makes up to {serve.max_batch} pictures to a request.",
        ]
    return [
        f"- It learned from squares of {widest} px at most; what is larger than that in a picture "
        "it has never seen whole.",
        f"- Served, it takes pictures of up to {serve.max_pixels / 1e6:g} million pixels, "
        f"{serve.max_batch} to a request, and answers with at most {serve.max_side} on the longer "
        "side.",
    ]


def _origin(tags: Mapping[str, str], model: str) -> list[str]:
    name = registered_name(model)
    return [
        *(f"- {key}: `{value}`" for key, value in sorted(tags.items())),
        "",
        f"`{PIPELINE}` has the hashes of all data and code, `{SBOM}` the packages, "
        f"`{SIGNATURE}` the signature over every file. `stylefuse verify {name}/VERSION` checks "
        f"it, `stylefuse reproduce {name}/VERSION` trains it again and compares the bytes.",
    ]
