"""Trains and evaluates variants of a model, each in its own process and folder.

The folder is `.cache/variants/EXPERIMENT/NAME`, with the project's data linked into it. The
project's own models and reports are not changed. Rerunning skips finished variants.
"""

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
from benchmarks.quality.recorder import TrainingRecorder
from stylefuse.config import load_params
from stylefuse.data.sources.downloads import CACHE
from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.paths import BASE_MODELS, DATA, MODELS, PREPARED

ROOT = Path(".cache/variants")
CONFIGURATION, RESULT, SAMPLE_GRIDS = "configuration.json", "result.json", "sample_grids"
PROFILE = "cpu"
PORTRAIT_SETTINGS: dict[str, Any] = {  # of a training from random weights; others: params.yaml
    "init_from": "", "architecture": "dcgan", "width": 32, "discriminator_width": 32,
    "learning_rate": 1e-3, "discriminator_learning_rate": 4e-4, "beta_1": 0.5, "r1": 0.1,
}  # fmt: skip
MIN_TICKS = 12  # rows of metrics of a run
DIVERGED = "training-diverged"  # code of the error of a run with infinite losses


def run_variants(
    experiment: str,
    model: str,
    variants: Mapping[str, Mapping[str, Any]],
    task_module: str | None = None,
    **evaluate: Any,
) -> dict[str, dict[str, Any]]:
    """Train and evaluate the variants that have no result yet.

    Args:
        experiment: name of the folder.
        model: a name under `models` in params.yaml.
        variants: name → settings that differ from those of the profile; `seed` may be among them.
        task_module: a module whose `Settings` and `TASK` replace the model's own.
        evaluate: settings of `evaluate` that differ from those of params.yaml.

    Returns:
        Name → what `_train_and_evaluate` wrote.
    """
    results = {}
    task_module = task_module or f"stylefuse.models.{model}"
    environment = os.environ | {"STYLEFUSE_CACHE": str(CACHE.resolve())}
    for name, changes in variants.items():
        folder = variant_folder(experiment, name)
        configuration = _configuration(model, task_module, dict(changes), evaluate)
        if _configuration_of_result(folder) != configuration:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / CONFIGURATION).write_text(json.dumps(configuration))
            sys.stderr.write(f"{experiment}: {name}\n")
            command = [sys.executable, "-m", __spec__.name, str(folder)]
            subprocess.run(command, check=True, stdout=sys.stderr, env=environment)
        results[name] = json.loads((folder / RESULT).read_text())
    return results


def variant_folder(experiment: str, name: str) -> Path:
    """The folder in which a variant is trained."""
    return ROOT / experiment / re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _params() -> Any:
    return load_params().model_copy(update={"profile": PROFILE})


def _configuration(
    model: str, task_module: str, changes: dict[str, Any], evaluate: dict[str, Any]
) -> dict[str, Any]:
    """Everything that a variant's metrics depend on, except for the code."""
    params = _params()
    seed = changes.pop("seed", params.seed)
    settings = params.model_settings(model)
    max_tick_kimg = changes.get("kimg", settings.kimg) / MIN_TICKS
    changes.setdefault("tick_kimg", min(settings.tick_kimg, max_tick_kimg))
    changed_settings = import_module(task_module).Settings.model_validate(
        settings.model_dump() | changes
    )
    return {
        "model": model,
        "task_module": task_module,
        "seed": seed,
        "evaluation_seed": params.seed,  # the same pairs for all variants
        "settings": changed_settings.model_dump(mode="json"),
        "evaluate": params.evaluate.model_dump(mode="json") | evaluate,
        "tiles": sha256(PREPARED / "tiles.json"),
    }


def _configuration_of_result(folder: Path) -> dict[str, Any] | None:
    path = folder / RESULT
    return json.loads(path.read_text()).get("configuration") if path.exists() else None


def _train_and_evaluate(folder: Path) -> None:
    """Write a variant's metrics on the validation split, its curves, speed and memory."""
    configuration = json.loads((folder / CONFIGURATION).read_text())
    params, model = _params(), configuration["model"]
    module = import_module(configuration["task_module"])
    vars(import_module(f"stylefuse.models.{model}"))["TASK"] = module.TASK  # for `find_task`
    settings = module.Settings.model_validate(configuration["settings"])
    evaluate = type(params.evaluate).model_validate(configuration["evaluate"])
    models = {model: {PROFILE: settings}}
    params = params.model_copy(
        update={"seed": configuration["seed"], "models": models, "evaluate": evaluate}
    )
    for source in (DATA, BASE_MODELS):  # what a training reads
        (folder / source).parent.mkdir(exist_ok=True)
        (folder / source).symlink_to(source.resolve())
    os.chdir(folder)

    from stylefuse.evaluation.context import EvaluationContext
    from stylefuse.evaluation.evaluate import find_evaluator, rounded
    from stylefuse.evaluation.metrics.features import FeatureNetwork
    from stylefuse.inference.predictor import load_predictor
    from stylefuse.models.saving import load_generator
    from stylefuse.training.trainer import train

    recorder, start = TrainingRecorder(), time.monotonic()
    result: dict[str, Any] = {"configuration": configuration}
    try:
        train(model, params, recorder)
    except UserError as error:
        if error.code != DIVERGED:
            raise
        result["diverged"] = str(error)  # a result, too
    result |= {
        "seconds": time.monotonic() - start,
        "images_per_second": recorder.images_per_second(),
        "peak_mib": report.peak_mib(),
        "curves": recorder.curves,
        "alarms": recorder.alarms,
    }
    if "diverged" not in result:
        task, generator = load_generator(MODELS / model)
        predictor = load_predictor(MODELS / model)
        context = EvaluationContext(
            params.model_copy(update={"seed": configuration["evaluation_seed"]}),
            task,
            predictor,
            FeatureNetwork(),
            Path(SAMPLE_GRIDS),
            "validation",
        )
        result["metrics"] = rounded(find_evaluator(model).evaluate(context)[0])
        networks = {"generator": generator, "discriminator": task.build_discriminator(settings)}
        result["weights"] = {name: network.count_params() for name, network in networks.items()}
    Path(RESULT).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    _train_and_evaluate(Path(sys.argv[1]))
