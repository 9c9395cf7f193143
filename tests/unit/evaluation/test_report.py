"""The report: its content, dashes for missing metrics, and reproducible bytes."""

import base64
import re

import numpy as np
from PIL import Image

from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.evaluation.report import Page, Picture, Table, write_report
from stylefuse.evaluation.sample_grids import GAP, save_grid

CURVES = [
    {"kimg": k, "discriminator_loss": 1.3, "accuracy_real": 0.6, "accuracy_fake": 0.7,
     "adversarial": 0.7, "distance": 0.1, "variety": 0.9, "accuracy_held_out": 0.4, "augment": 0.2}
    for k in range(1, 4)
]  # fmt: skip
ACCURACIES = {"accuracy_real": 0.6, "accuracy_fake": 0.7, "accuracy_held_out": 0.4}


def report(path, section):
    page = Page("Title < 1", "A <b>summary</b>.", {"Heading": section})
    write_report(path, page, CURVES, ACCURACIES)
    return path.read_text()


def test_a_metric_label_has_a_direction_and_a_format():
    titles = [label.title for label in METRIC_LABELS.values()]
    assert len(set(titles)) == len(titles)
    ends_of_intervals = "gain, lower end", "gain, upper end"
    assert all(title.endswith(("↑", "↓", "→ 1", *ends_of_intervals)) for title in titles)
    assert all(label.format.format(0.123456) for label in METRIC_LABELS.values())
    assert METRIC_LABELS["psnr"].name == "PSNR"
    assert METRIC_LABELS["seam_energy"].name == "seam energy"


def test_plain_text_is_escaped_and_html_is_not(tmp_path):
    html = report(tmp_path / "page.html", ["a <i>note</i>"])
    assert "<h1>Title &lt; 1</h1>" in html
    assert "<p>A <b>summary</b>.</p>" in html
    assert '<p class="note">a <i>note</i></p>' in html
    assert "60% of the real training pictures" in html


def test_a_table_has_the_metrics_that_any_row_has(tmp_path):
    rows = {"a < b": {"ssim": 0.5, "kid": 0.1234, "kid_deviation": 1}, "stylefuse": {"kid": 0.1}}
    html = report(tmp_path / "page.html", [Table(rows, "kind")])
    assert re.findall("<th>(.*?)</th>", html) == [
        "kind",
        METRIC_LABELS["kid"].title,
        METRIC_LABELS["ssim"].title,
    ]
    assert "<tr><td>a &lt; b</td><td>0.123</td><td>0.500</td></tr>" in html
    assert '<tr class="us"><td>stylefuse</td><td>0.100</td><td>–</td></tr>' in html


def test_the_report_contains_its_pictures_and_is_reproducible(tmp_path):
    grid = tmp_path / "grid.png"
    save_grid(grid, [[np.zeros((8, 8, 3), np.uint8)]], side=8)
    section = [Picture(grid, "what it shows"), "a note"]
    first, second = (report(tmp_path / name, section) for name in ("1.html", "2.html"))
    assert first == second
    assert base64.b64encode(grid.read_bytes()).decode() in first
    assert not re.search(r"(src|href)=.?http", first)


def test_every_curve_is_plotted(tmp_path):
    html = report(tmp_path / "page.html", [])
    (data,) = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)
    svg = base64.b64decode(data).decode()
    lines = re.findall(r'<path d="[^"]+" clip-path[^>]+stroke-width: 1.5', svg)
    assert len(lines) == len(CURVES[0]) - 1  # all but kimg


def test_cells_are_right_of_row_names_and_below_column_names(tmp_path):
    red, blue = (np.full((4, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    save_grid(tmp_path / "grid.png", [[red, None], [None, blue]], 20, ["one", "two"], ["r", "b"])
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    y, x = np.nonzero((grid == (255, 0, 0)).all(axis=-1))
    v, u = np.nonzero((grid == (0, 0, 255)).all(axis=-1))
    assert len(x) == len(u) == 20**2
    assert (u.min() - x.min(), v.min() - y.min()) == (20 + GAP, 20 + GAP)
    assert grid.shape[1] - u.max() - 1 == grid.shape[0] - v.max() - 1 == GAP
    assert (grid[:, : x.min() - GAP] < 100).any(axis=-1).sum() > 5  # text of the row names
