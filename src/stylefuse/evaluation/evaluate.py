"""Entry point of the DVC stage `evaluate`: evaluates a trained model on held-out pictures."""

import argparse
import csv
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stylefuse import paths
from stylefuse.config import load_params
from stylefuse.errors import UserError, run_main
from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.metrics import features
from stylefuse.evaluation.metrics.features import FeatureNetwork
from stylefuse.evaluation.report import ACCURACIES, write_report
from stylefuse.fileio import write_text_atomically
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.task import find_task

EVALUATORS = "stylefuse.evaluation.evaluators"


def find_evaluator(model: str) -> ModuleType:
    """Return the evaluator of a model: the module of its name, or the default one."""
    name = f"{EVALUATORS}.{model}"
    return import_module(name if find_spec(name) else f"{EVALUATORS}.default")


def evaluate(context: EvaluationContext, curves: list[dict[str, float]], weights: str) -> None:
    """Evaluate a model and write its metrics, sample grids and report.

    Args:
        context: the model and what it is evaluated with.
        curves: one row of training metrics per tick.
        weights: SHA-256 of the model's weights; it ties the metrics to them.
    """
    model = context.task.name
    metrics, page = find_evaluator(model).evaluate(context)
    accuracies = final_accuracies(curves)
    result = {
        "model": model,
        "weights": weights,
        "features": features.NETWORK,
        "split": context.split,
        **metrics,
        "discriminator": accuracies,
    }
    text = json.dumps(rounded(result), indent=1) + "\n"
    write_text_atomically(paths.METRICS / f"{model}.json", text)
    write_report(paths.REPORTS / f"{model}.html", page, curves, accuracies)


def final_accuracies(curves: list[dict[str, float]]) -> dict[str, float]:
    """Average the discriminator's accuracies over the last tenth of a training."""
    last_rows = curves[-max(1, len(curves) // 10) :]
    return {name: float(np.mean([row[name] for row in last_rows])) for name in ACCURACIES}


def read_curves(path: Path) -> list[dict[str, float]]:
    """Read the training metrics of a run.

    Raises:
        UserError: the file is missing.
    """
    try:
        with path.open(newline="") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    except FileNotFoundError:
        message = f"the training curves {path} are missing; run `dvc repro`"
        raise UserError(message, code="curves-missing") from None


def rounded(result: Any) -> Any:
    """Round all numbers of a nested result to 5 decimals; more would differ between machines."""
    if isinstance(result, dict):
        return {key: rounded(value) for key, value in result.items()}
    return round(float(result), 5) if isinstance(result, float) else result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a name under `models` in params.yaml")
    model = parser.parse_args().model
    params = load_params()
    params.require_model(model)
    predictor = load_predictor(paths.MODELS / model)
    context = EvaluationContext(
        params, find_task(model), predictor, FeatureNetwork(), paths.SAMPLE_GRIDS / model
    )
    curves = read_curves(paths.TRAINING_REPORTS / model / "curves.csv")
    evaluate(context, curves, predictor.model.weights)


if __name__ == "__main__":
    run_main(main)
