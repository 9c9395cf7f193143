"""The transfer model on held-out pictures, beside doing nothing, matching colours and the peer."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track
from scipy.stats import spearmanr

from stylefuse.config import Params, Split, load_params
from stylefuse.errors import UserError, run_main
from stylefuse.evaluation import features
from stylefuse.evaluation.baselines import ArbitraryStylisation, match_colours
from stylefuse.evaluation.features import FeatureNetwork
from stylefuse.evaluation.judge import Figures, Judge
from stylefuse.evaluation.pairs import Pairs, make_pairs
from stylefuse.evaluation.report import write_report
from stylefuse.evaluation.sheets import save_grid
from stylefuse.models.stylizer import Stylizer

MANIFEST, NETWORKS = Path("data/manifest.parquet"), Path("data/networks")
MODEL, CURVES = Path("models/transfer"), Path("reports/train/transfer.csv")
METRICS, SHEETS = Path("reports/metrics/transfer.json"), Path("reports/sheets")
REPORT = Path("reports/transfer.html")
BATCH = 10
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN, SIDE = 6, 176  # rows of a sheet, and the side of a picture in it

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def evaluate(params: Params, split: Split = "test") -> dict:
    """Paint the pairs with every method and judge them.

    Args:
        params: `evaluate` says how many pictures of which size, `seed` draws the pairs.
        split: "test" for what is reported, "validation" for whatever is tuned.

    Returns:
        What `reports/metrics/transfer.json` holds.
    """
    settings = params.evaluate
    pairs = make_pairs(pd.read_parquet(MANIFEST), split, settings, params.seed)
    network = FeatureNetwork(NETWORKS / features.NAME)
    judge = Judge(network, pairs, settings, params.seed)
    stylizer = Stylizer(MODEL)
    methods: dict[str, Method] = {
        "doing nothing": lambda contents, styles: contents,
        "matching colours": match_colours,
        "published network": ArbitraryStylisation(NETWORKS / "arbitrary-stylisation").stylize,
        "stylefuse": stylizer.stylize,
    }
    painted = {name: _paint(method, pairs, name) for name, method in methods.items()}
    figures = {name: judge.figures(pictures) for name, pictures in painted.items()}
    kid, fid = judge.paintings_beside_paintings()
    result = {
        "features": features.NAME,
        "split": split,
        "pairs": len(pairs.rows),
        "references": len(pairs.references),
        "methods": {name: _rounded(row) for name, row in figures.items()},
        "paintings beside paintings": {"kid": round(kid, 5), "fid": round(fid, 2)},
        "kid_beside_doing_nothing": _ratio(figures, "stylefuse"),
        "peer_kid_beside_doing_nothing": _ratio(figures, "published network"),
        "strength_rank_correlation": _strength_order(stylizer, judge),
        "discriminator": _last_accuracies(),
    }
    _sheets(pairs, painted, stylizer)
    return result


def _paint(method: Method, pairs: Pairs, name: str) -> np.ndarray:
    starts = range(0, len(pairs.rows), BATCH)
    parts = [
        method(pairs.contents[i : i + BATCH], pairs.styles[i : i + BATCH])
        for i in track(starts, description=f"painting: {name}")
    ]
    return np.concatenate(parts)


def _ratio(figures: dict[str, Figures], name: str) -> float:
    return round(figures[name].kid / figures["doing nothing"].kid, 4)


def _strength_order(stylizer: Stylizer, judge: Judge) -> float:
    """Spearman correlation of strength and nearness to the style, averaged over some pairs."""
    every = slice(None, None, max(1, len(judge.pairs.rows) // 20))
    contents, styles = judge.pairs.contents[every], judge.pairs.styles[every]
    target = judge.styles.style[every]
    nearness = []
    for strength in track(STRENGTHS, description="turning the strength dial"):
        painted = judge.network(stylizer.stylize(contents, styles, strength))
        nearness.append(-np.linalg.norm(painted.style - target, axis=1))
    orders = [spearmanr(STRENGTHS, row).statistic for row in np.transpose(nearness)]
    return round(float(np.mean(orders)), 4)


def _last_accuracies() -> dict[str, float]:
    """The discriminator's accuracies over the run's last tenth, from the training metrics."""
    rows = _curves()
    last = rows[-max(1, len(rows) // 10) :]
    names = ("accuracy_real", "accuracy_fake", "accuracy_held_out")
    return {name: round(float(np.mean([row[name] for row in last])), 4) for name in names}


def _curves() -> list[dict[str, float]]:
    try:
        with CURVES.open(newline="") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise UserError(f"{CURVES} is missing; run `dvc repro train`") from None


def _sheets(pairs: Pairs, painted: dict[str, np.ndarray], stylizer: Stylizer) -> None:
    """A table of photographs by paintings, and the methods side by side."""
    photographs, paintings = _spread(pairs.photographs), _spread(pairs.paintings)
    table: list[list[np.ndarray | None]] = [[None, *paintings]]
    for photograph in photographs:
        contents = np.repeat(photograph[None], len(paintings), axis=0)
        table.append([photograph, *stylizer.stylize(contents, paintings)])
    save_grid(SHEETS / "transfer.png", table, ["photograph", *["painting"] * SHOWN], SIDE)

    shown = ("matching colours", "published network", "stylefuse")
    every = _spread(np.arange(len(pairs.rows)))
    rows = [[pairs.contents[i], pairs.styles[i], *(painted[m][i] for m in shown)] for i in every]
    save_grid(SHEETS / "comparison.png", rows, ["photograph", "painting", *shown], SIDE)


def _spread(pictures: np.ndarray) -> np.ndarray:
    """A few rows from the whole length."""
    return pictures[np.linspace(0, len(pictures) - 1, SHOWN).astype(int)]


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: round(value, 5) for name, value in figures._asdict().items()}


def main() -> None:
    params = load_params()
    result = evaluate(params)
    METRICS.parent.mkdir(parents=True, exist_ok=True)
    METRICS.write_text(json.dumps(result, indent=1) + "\n")
    write_report(REPORT, result, _curves(), SHEETS)


if __name__ == "__main__":
    run_main(main)
