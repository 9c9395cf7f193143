"""Variants of a model: each trained and judged in a process and a folder of its own.

The folder is `.cache/variants/STUDY/NAME`, with the project's data linked into it; the project's
own models and reports stay as they are. A variant whose result is there is not trained again.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.quality.recorder import Clock
from stylefuse.config import load_params
from stylefuse.data.sources.downloads import CACHE
from stylefuse.errors import UserError

ROOT = Path(".cache/variants")
TILES = Path("data/prepared/tiles.json")
PROFILE = "cpu"
FACES = {  # a training of portraits from random weights; what it does not name is in params.yaml
    "init_from": "", "architecture": "dcgan", "width": 32, "discriminator_width": 32,
    "learning_rate": 1e-3, "discriminator_learning_rate": 4e-4, "beta_1": 0.5, "r1": 0.1,
}  # fmt: skip
TICKS = 12  # rows of metrics that a run has at least
DIVERGED = 1  # exit code of a run whose losses are no numbers any more


def run_variants(
    study: str,
    model: str,
    variants: Mapping[str, Mapping[str, Any]],
    task: str | None = None,
    **judging: Any,
) -> dict[str, dict[str, Any]]:
    """Train and judge what is not there yet.

    Args:
        study: name of the folder.
        model: a name under `models` in params.yaml.
        variants: name → settings other than those of the profile; `seed` may be among them.
        recipe: a module beside this one whose `Settings` and `TASK` take the place of the
            model's own in the processes of the variants.
        judging: settings of `evaluate` other than those of params.yaml.

    Returns:
        Name → what `_train_and_judge` wrote.
    """
    results = {}
    task = task or f"stylefuse.models.{model}"
    environment = os.environ | {"STYLEFUSE_CACHE": str(CACHE.resolve())}
    for name, overrides in variants.items():
        folder, asked = folder_of(study, name), _asked(model, task, dict(overrides), judging)
        result = folder / "result.json"
        if not result.exists() or json.loads(result.read_text())["asked"] != asked:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "asked.json").write_text(json.dumps(asked))
            sys.stderr.write(f"{study}: {name}\n")
            command = [sys.executable, "-m", __spec__.name, str(folder)]
            subprocess.run(command, check=True, stdout=sys.stderr, env=environment)
        results[name] = json.loads(result.read_text())
    return results


def folder_of(study: str, name: str) -> Path:
    """Where a variant is trained."""
    return ROOT / study / re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _params() -> Any:
    return load_params().model_copy(update={"profile": PROFILE})


def _asked(
    model: str, task: str, overrides: dict[str, Any], judging: dict[str, Any]
) -> dict[str, Any]:
    """Everything that a variant's figures depend on, but for the code."""
    params = _params()
    seed = overrides.pop("seed", params.seed)
    settings = params.model_settings(model)
    overrides.setdefault(
        "tick_kimg", min(settings.tick_kimg, overrides.get("kimg", settings.kimg) / TICKS)
    )
    asked = import_module(task).Settings.model_validate(settings.model_dump() | overrides)
    return {
        "model": model,
        "recipe": task,
        "seed": seed,
        "judging_seed": params.seed,  # the same pairs for all
        "settings": asked.model_dump(mode="json"),
        "evaluate": params.evaluate.model_dump(mode="json") | judging,
        "tiles": hashlib.sha256(TILES.read_bytes()).hexdigest(),
    }


def _train_and_judge(folder: Path) -> None:
    """Write a variant's figures on the validation split, curves, speed and memory."""
    asked = json.loads((folder / "asked.json").read_text())
    params, model, module = _params(), asked["model"], import_module(asked["recipe"])
    import_module(f"stylefuse.models.{model}").TASK = module.TASK  # where it is looked for
    settings = module.Settings.model_validate(asked["settings"])
    evaluate = type(params.evaluate).model_validate(asked["evaluate"])
    models = {model: {PROFILE: settings}}
    params = params.model_copy(
        update={"seed": asked["seed"], "models": models, "evaluate": evaluate}
    )
    for held in (Path("data"), Path("models/base")):  # what a training reads
        (folder / held).parent.mkdir(exist_ok=True)
        (folder / held).symlink_to(held.resolve())
    os.chdir(folder)

    from stylefuse.evaluation.context import EvaluationContext
    from stylefuse.evaluation.evaluate import find_evaluator, rounded
    from stylefuse.evaluation.metrics.features import FeatureNetwork
    from stylefuse.models.saving import load_generator
    from stylefuse.paths import MODELS
    from stylefuse.training.trainer import train

    clock, start = Clock(), time.monotonic()
    result: dict[str, Any] = {"asked": asked}
    try:
        train(model, params, clock)
    except UserError as error:
        if error.exit_code != DIVERGED:
            raise
        result["diverged"] = str(error)  # that is a result too
    result |= {
        "seconds": time.monotonic() - start,
        "images_per_second": clock.images_per_second(),
        "peak_mib": report.peak_mib(),
        "curves": clock.curves,
        "alarms": clock.alarms,
    }
    if "diverged" not in result:
        task, generator = load_generator(MODELS / model)
        network = FeatureNetwork()
        params = params.model_copy(update={"seed": asked["judging_seed"]})
        context = EvaluationContext(params, task, generator, network, Path("sheets"), "validation")
        result["figures"] = rounded(find_evaluator(model).evaluate(context)[0])
        networks = {"generator": generator, "discriminator": task.build_discriminator(settings)}
        result["parameters"] = {name: net.count_params() for name, net in networks.items()}
    Path("result.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    _train_and_judge(Path(sys.argv[1]))
