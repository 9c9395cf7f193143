"""The model card, a file inside every version (Mitchell et al. 2019)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from stylefuse.inference.predictor import find_predictor
from stylefuse.models.saving import TRAINING_PICTURES, training_pictures
from stylefuse.models.task import Task
from stylefuse.registry.integrity.sbom import SBOM
from stylefuse.registry.integrity.signing import SIGNATURE
from stylefuse.registry.package import PIPELINE
from stylefuse.registry.pages.licences import licence_rows
from stylefuse.registry.pages.markdown import table
from stylefuse.registry.pages.metrics_table import better_methods, metrics_table, shared_metrics
from stylefuse.registry.pages.model_page import request_example
from stylefuse.registry.pages.sample_images import by_relevance, caption, reduce_image
from stylefuse.registry.version_facts import Training, VersionFacts

CARD, SAMPLES = "MODEL_CARD.md", "samples.jpg"


def write_model_card(folder: Path, facts: VersionFacts) -> None:
    """Write `MODEL_CARD.md`, and `samples.jpg` if there are sample grids, into a folder."""
    task = facts.task
    sections = {
        "Samples": _samples(folder, facts.sample_grids),
        "Intended use": [task.intended_use.strip()],
        "How to use it": [
            f"`stylefuse serve {facts.model}` answers:",
            "",
            "```",
            *request_example(find_predictor(task.name)),
            "```",
        ],
        "Training": _training(facts),
        "Training pictures": _pictures(facts),
        "Metrics": _metrics(facts),
        "Limits": _limits(facts),
        "Provenance": _provenance(facts),
    }
    text = f"---\n{yaml.safe_dump(_header(task), sort_keys=False)}---\n\n"
    text += f"# {facts.name}\n\n{task.description}"
    for title, lines in sections.items():
        if any(lines):
            text += "\n".join(["", f"## {title}", "", *lines, ""])
    (folder / CARD).write_text(text, encoding="utf-8")


def _header(task: Task) -> dict[str, Any]:
    """Metadata that model hubs read."""
    return {
        "library_name": "keras",
        "pipeline_tag": "image-to-image" if _takes_pictures(task)
        else "unconditional-image-generation",
        "tags": ["gan", "stylefuse", task.name],
    }  # fmt: skip


def _takes_pictures(task: Task) -> bool:
    return Image.Image in find_predictor(task.name).inputs.values()


def _samples(folder: Path, sample_grids: Sequence[Path]) -> list[str]:
    if not sample_grids:
        return []
    first = by_relevance(sample_grids)[0]
    reduce_image(first).save(folder / SAMPLES, quality=90)
    return [caption(first), "", f"![Samples]({SAMPLES})"]


def _training(facts: VersionFacts) -> list[str]:
    if facts.training is None:
        return ["Not recorded."]
    settings = facts.training.settings
    start = settings.get("init_from")
    initial = f"the weights in `{start}`" if start else "random weights"
    lines = [
        f"Profile `{facts.training.profile}`, seed {facts.training.seed}: {settings['kimg']:g} "
        f"thousand pictures of {settings['crop']} px in batches of {settings['batch']}, from "
        f"{initial}.",
        "",
        "```yaml",
        *yaml.safe_dump(dict(settings), sort_keys=False).splitlines(),
        "```",
    ]
    if facts.initial_training:
        lines += ["", _initial_training(facts.initial_training)]
    if pictures := training_pictures(start) if start else None:
        lines += [
            "",
            f"The initial weights were trained on the {len(pictures)} pictures that "
            f"`{start}/{TRAINING_PICTURES}` lists.",
        ]
    return lines


def _initial_training(initial: Training) -> str:
    return (
        f"The initial weights were trained on {initial.settings['kimg']:g} thousand pictures of "
        f"{initial.settings['crop']} px, with the profile `{initial.profile}`."
    )


def _pictures(facts: VersionFacts) -> list[str]:
    domains = " and ".join(f"{domain}s" for domain in facts.settings.domains)
    if facts.licences.empty:
        return [f"{domains.capitalize()}; their sources are not recorded."]
    return [
        f"The {facts.licences.pictures.sum()} {domains} of the training split:",
        "",
        *table(["licence", "sources", "pictures"], licence_rows(facts.licences), text_columns=2),
        "",
        "Each picture is under its own licence; `data/ATTRIBUTION.md` among the artifacts of the "
        "run lists the authors. What these licences ask of a model trained on the pictures is not "
        "settled; the table lets you judge.",
    ]


def _metrics(facts: VersionFacts) -> list[str]:
    if not facts.metrics:
        return ["These weights were not evaluated."]
    names = shared_metrics(facts.metrics)
    lines = metrics_table(facts.metrics, names)
    if better := better_methods(facts.metrics, names):
        lines += ["", "Methods that are better:", "", *better]
    return lines


def _limits(facts: VersionFacts) -> list[str]:
    serve = facts.params.serve
    trainings = [t for t in (facts.training, facts.initial_training) if t]
    crop = max((t.settings["crop"] for t in trainings), default=facts.settings.crop)
    if not _takes_pictures(facts.task):
        return [
            f"- It was trained on squares of {crop} px, and makes nothing larger.",
            f"- A request may ask for up to {serve.max_batch} pictures.",
        ]
    return [
        f"- It was trained on squares of at most {crop} px: it has never seen larger structures "
        "as a whole.",
        f"- A request may have up to {serve.max_batch} rows, with pictures of up to "
        f"{serve.max_pixels / 1e6:g} million pixels; the longer side of an answer is at most "
        f"{serve.max_side} px.",
    ]


def _provenance(facts: VersionFacts) -> list[str]:
    return [
        *(f"- {key}: `{value}`" for key, value in sorted(facts.tags.items())),
        "",
        f"`{PIPELINE}` has the hashes of all data and code, `{SBOM}` the packages, `{SIGNATURE}` "
        f"the signature over every file. `stylefuse verify {facts.name}/VERSION` checks it, "
        f"`stylefuse reproduce {facts.name}/VERSION` trains the version again and compares the "
        "bytes.",
    ]
