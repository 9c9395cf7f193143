"""The HTML report of an evaluation: one self-contained file with metrics, pictures and curves."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from stylefuse.evaluation.metric_labels import METRIC_LABELS, MetricLabel
from stylefuse.fileio import write_text_atomically

OURS = "stylefuse"  # row of the evaluated model in every table
ACCURACIES = ("accuracy_real", "accuracy_fake", "accuracy_held_out")  # of the discriminator
DIAGNOSTICS = ("variety", "augment")


class Table(NamedTuple):
    """A table of metrics.

    Attributes:
        rows: row name → metric → value. The columns are the metrics that any row has.
        row_title: heading of the row names.
    """

    rows: Mapping[str, Mapping[str, float]]
    row_title: str = "method"

    def labels(self) -> dict[str, MetricLabel]:
        """Metric → label of each column."""
        return {
            metric: label
            for metric, label in METRIC_LABELS.items()
            if any(metric in row for row in self.rows.values())
        }


class Picture(NamedTuple):
    """A PNG file and its caption."""

    path: Path
    caption: str


class Page(NamedTuple):
    """The content of a report.

    Attributes:
        title: plain text.
        summary: HTML, the main results in a few sentences.
        sections: heading → parts; a string is an HTML note.
    """

    title: str
    summary: str
    sections: Mapping[str, Sequence[Table | Picture | str]]


def write_report(
    path: Path, page: Page, curves: list[dict[str, float]], accuracies: Mapping[str, float]
) -> None:
    """Write a report; the same arguments give the same bytes.

    Args:
        path: of the HTML file.
        page: what the evaluator reports.
        curves: one row of training metrics per tick, each with its "kimg".
        accuracies: the discriminator's accuracies at the end of training.
    """
    environment = Environment(
        loader=PackageLoader("stylefuse.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    html = environment.get_template("report.html").render(
        page=page, ours=OURS, curve_chart=_curve_chart(curves), accuracies=accuracies
    )
    write_text_atomically(path, html)


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _curve_chart(curves: list[dict[str, float]]) -> bytes:
    """The training metrics over thousands of pictures as SVG, with reproducible bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    losses = [name for name in curves[0] if name not in ("kimg", *ACCURACIES, *DIAGNOSTICS)]
    diagnostics = [name for name in DIAGNOSTICS if name in curves[0]]
    charts = {
        "losses": losses,
        "discriminator accuracy": ACCURACIES,
        "diagnostics": diagnostics,
    }
    with mpl.rc_context({"svg.hashsalt": "stylefuse", "font.size": 9}):
        figure, axes = pyplot.subplots(1, len(charts), figsize=(13, 3.4), layout="constrained")
        kimg = [row["kimg"] for row in curves]
        for axis, (title, names) in zip(axes, charts.items(), strict=True):
            for name in names:
                axis.plot(kimg, [row[name] for row in curves], label=name.replace("_", " "))
            axis.set(title=title, xlabel="thousands of pictures")
            axis.grid(alpha=0.25)
            axis.legend(frameon=False)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    return svg.getvalue().encode()
