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
from stylefuse.evaluation.metric_labels import FIGURES
from stylefuse.models.saving import TRAINING_PICTURES, training_pictures
from stylefuse.models.task import Task, find_task
from stylefuse.registry.integrity.sbom import SBOM
from stylefuse.registry.integrity.signing import SIGNATURE
from stylefuse.registry.package import PIPELINE
from stylefuse.registry.pages.markdown import table
from stylefuse.registry.pages.model_page import request_example
from stylefuse.registry.pages.sample_images import CAPTIONS, most_telling, reduced
from stylefuse.registry.pages.version_page import shared_figures
from stylefuse.registry.store import registered_name

CARD, SAMPLES = "MODEL_CARD.md", "samples.jpg"
OURS = "stylefuse"  # what evaluation calls the model among the methods that it compares


def write_card(
    folder: Path,
    params: Params,
    model: str,
    tags: Mapping[str, str],
    methods: Mapping[str, Mapping[str, Any]],
    licences: pd.DataFrame,
    sample_grids: Sequence[Path],
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
    task = find_task(model)
    sections = {
        "Samples": _samples(folder, sample_grids),
        "What it is for, and what not": [task.intended_use.strip()],
        "How to use it": [
            f"`stylefuse serve {model}` answers:",
            "",
            "```",
            *request_example(task),
            "```",
        ],
        "Training": _training(params, model),
        "Training pictures": _pictures(params, model, licences),
        "Figures": _figures(methods),
        "Limits": _limits(params, task),
        "Where it comes from": _origin(tags, model),
    }
    text = f"---\n{yaml.safe_dump(_header(task), sort_keys=False)}---\n\n"
    text += f"# {registered_name(model)}\n\n{task.description}"
    for title, lines in sections.items():
        if any(lines):
            text += "\n".join(["", f"## {title}", "", *lines, ""])
    (folder / CARD).write_text(text, encoding="utf-8")


def _header(task: Task) -> dict[str, Any]:
    """What hubs of models read."""
    return {
        "library_name": "keras",
        "pipeline_tag": "image-to-image" if _paints(task) else "unconditional-image-generation",
        "tags": ["gan", "stylefuse", task.name],
    }


def _paints(task: Task) -> bool:
    """Whether it is given pictures; another invents them."""
    return Image.Image in task.inputs.values()


def _samples(folder: Path, sample_grids: Sequence[Path]) -> list[str]:
    for sample_grid in most_telling(sample_grids)[:1]:
        reduced(sample_grid).save(folder / SAMPLES, quality=90)
        return [
            CAPTIONS.get(sample_grid.stem, f"{sample_grid.stem}:"),
            "",
            f"![Samples]({SAMPLES})",
        ]
    return []


def _training(params: Params, model: str) -> list[str]:
    train = params.model_settings(model)
    begin = f"the weights in `{train.init_from}`" if train.init_from else "random weights"
    lines = [
        f"Profile `{params.profile}`, seed {params.seed}: {train.kimg:g} thousand pictures of "
        f"{train.crop} px in batches of {train.batch}, from {begin}.",
        "",
        "```yaml",
        *yaml.safe_dump(train.model_dump(), sort_keys=False).splitlines(),
        "```",
    ]
    if run := _begun(train.init_from):
        before = run["settings"]
        lines += [
            "",
            f"The weights it begins with saw {before['kimg']:g} thousand pictures of "
            f"{before['crop']} px, with the profile `{run['profile']}`.",
        ]
    if seen := training_pictures(train.init_from) if train.init_from else None:
        told = f"They were made of the {len(seen)} pictures that `{train.init_from}/{TRAINING_PICTURES}` names."
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
    domains = " and ".join(f"{domain}s" for domain in params.model_settings(model).domains)
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


def _limits(params: Params, task: Task) -> list[str]:
    train, serve = params.model_settings(task.name), params.serve
    begun = _begun(train.init_from).get("settings", {})
    widest = max(train.crop, begun.get("crop", 0))
    if not _paints(task):
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
