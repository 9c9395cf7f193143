"""A trained model on held-out pictures: figures, sheets and a page, by the judge of its name."""

import argparse
import csv
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stylefuse.config import load_params
from stylefuse.errors import UserError, run_main
from stylefuse.evaluation.context import NETWORKS, EvaluationContext
from stylefuse.evaluation.metrics import features
from stylefuse.evaluation.metrics.features import FeatureNetwork
from stylefuse.evaluation.report import write_report
from stylefuse.models.saving import load_generator, weights_hash

MODELS, REPORTS = Path("models"), Path("reports")
JUDGES = "stylefuse.evaluation.judges"
ACCURACIES = ("accuracy_real", "accuracy_fake", "accuracy_held_out")


def find_evaluator(model: str) -> ModuleType:
    """The module that judges a model: the one of its name, or else the default."""
    mine = f"{JUDGES}.{model}"
    return import_module(mine if find_spec(mine) else f"{JUDGES}.default")


def evaluate(context: EvaluationContext, curves: list[dict[str, float]], weights: str) -> None:
    """Judge a model and write what came out: figures, sheets and page.

    Args:
        bench: the model and what it is judged by.
        curves: one row of training metrics per tick.
        weights: the SHA-256 of the model's, so that no one takes the figures for another's.
    """
    model = context.task.name
    judged, page = find_evaluator(model).judge(context)
    accuracies = last_accuracies(curves)
    about = {"model": model, "weights": weights, "features": features.NAME,
             "split": context.split}  # fmt: skip
    result = {**about, **judged, "discriminator": accuracies}
    path = REPORTS / "metrics" / f"{model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(result), indent=1) + "\n")
    write_report(REPORTS / f"{model}.html", page, curves, accuracies)


def last_accuracies(curves: list[dict[str, float]]) -> dict[str, float]:
    """The discriminator's accuracies over a run's last tenth."""
    last = curves[-max(1, len(curves) // 10) :]
    return {name: float(np.mean([row[name] for row in last])) for name in ACCURACIES}


def read_curves(path: Path) -> list[dict[str, float]]:
    """The training metrics of a run.

    Raises:
        UserError: there are none.
    """
    try:
        with path.open(newline="") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run `dvc repro`") from None


def rounded(result: Any) -> Any:
    """The same tree with five digits behind the point: more would differ between machines."""
    if isinstance(result, dict):
        return {key: rounded(value) for key, value in result.items()}
    return round(float(result), 5) if isinstance(result, float) else result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a name under `models` in params.yaml")
    model = parser.parse_args().model
    params = load_params()
    params.model_settings(
        model
    )  # a name that is none is told as that, not as files that are missing
    task, generator = load_generator(MODELS / model)
    network = FeatureNetwork(NETWORKS / features.NAME)
    context = EvaluationContext(params, task, generator, network, REPORTS / "sample_grids" / model)
    curves = read_curves(REPORTS / "train" / model / "curves.csv")
    evaluate(context, curves, weights_hash(MODELS / model))


if __name__ == "__main__":
    run_main(main)
