"""Metrics of several methods as a table, and in which of them other methods are better."""

from collections.abc import Mapping, Sequence
from typing import Any

from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.registry.pages.markdown import table

Metrics = Mapping[str, Mapping[str, Any]]  # method → metric → value
OWN_METHOD = "stylefuse"  # what evaluation calls the model itself


def shared_metrics(metrics: Metrics) -> list[str]:
    """Names of the metrics that all methods have, in the order of `METRIC_LABELS`."""
    return [
        name for name in METRIC_LABELS if all(row.get(name) is not None for row in metrics.values())
    ]


def metrics_table(metrics: Metrics, names: Sequence[str]) -> list[str]:
    """Lines of a Markdown table: a row for each method, a column for each metric."""
    rows = [
        [method, *(METRIC_LABELS[name].format.format(row[name]) for name in names)]
        for method, row in metrics.items()
    ]
    return table(["on held-out pictures", *(METRIC_LABELS[name].title for name in names)], rows)


def better_methods(metrics: Metrics, names: Sequence[str]) -> list[str]:
    """Markdown list of the metrics in which other methods are better, with their values."""
    if OWN_METHOD not in metrics:
        return []
    lines = []
    for name in names:
        label = METRIC_LABELS[name]
        own = _badness(label.title, metrics[OWN_METHOD][name])
        better = [m for m, row in metrics.items() if _badness(label.title, row[name]) < own]
        if better:
            values = ", ".join(f"{m} ({label.format.format(metrics[m][name])})" for m in better)
            lines.append(f"- {label.name}: {values}")
    return lines


def _badness(title: str, value: float) -> float:
    """Lower is better, whichever direction the title of a metric says is better."""
    if title.endswith("→ 1"):
        return abs(value - 1)
    return -value if title.endswith("↑") else value
