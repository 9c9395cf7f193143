"""The page: what is in it, that missing figures are dashes, and the same bytes every time."""

import base64
import re

import numpy as np
from PIL import Image

from stylefuse.evaluation.metric_labels import FIGURES
from stylefuse.evaluation.report import Page, Picture, Table, write_report
from stylefuse.evaluation.sample_grids import GAP, save_grid

CURVES = [
    {"kimg": k, "discriminator_loss": 1.3, "accuracy_real": 0.6, "accuracy_fake": 0.7,
     "adversarial": 0.7, "distance": 0.1, "variety": 0.9, "accuracy_held_out": 0.4, "augment": 0.2}
    for k in range(1, 4)
]  # fmt: skip
ACCURACIES = {"accuracy_real": 0.6, "accuracy_fake": 0.7, "accuracy_held_out": 0.4}


def page(path, section):
    write_report(path, Page("Title", "A verdict.", {"Heading": section}), CURVES, ACCURACIES)
    return path.read_text()


def test_a_figure_has_a_direction_and_a_format():
    titles = [title for title, _ in FIGURES.values()]
    assert len(set(titles)) == len(titles)
    assert all(title[-1] in "↑↓" or title.endswith("→ 1") for title in titles)
    assert all(form.format(0.123456) for _, form in FIGURES.values())


def test_a_table_has_the_figures_that_any_row_has(tmp_path):
    rows = {"a < b": {"ssim": 0.5, "kid": 0.1234, "kid_deviation": 1}, "stylefuse": {"kid": 0.1}}
    html = page(tmp_path / "page.html", [Table(rows, "kind")])
    assert re.findall("<th>(.*?)</th>", html) == ["kind", FIGURES["kid"][0], FIGURES["ssim"][0]]
    assert "<tr><td>a &lt; b</td><td>0.123</td><td>0.500</td></tr>" in html
    assert "<tr class=us><td>stylefuse</td><td>0.100</td><td>–</td></tr>" in html


def test_the_page_holds_its_pictures_and_the_same_bytes(tmp_path):
    sample_grid = tmp_path / "sheet.png"
    save_grid(sample_grid, [[np.zeros((8, 8, 3), np.uint8)]], side=8)
    section = [Picture(sample_grid, "what it shows"), "a note"]
    first, second = (page(tmp_path / name, section) for name in ("1.html", "2.html"))
    assert first == second
    assert base64.b64encode(sample_grid.read_bytes()).decode() in first
    assert "<p class=note>a note</p>" in first
    assert not re.search(r"(src|href)=.?http", first)


def test_every_curve_is_drawn(tmp_path):
    html = page(tmp_path / "page.html", [])
    (data,) = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)
    svg = base64.b64decode(data).decode()
    lines = re.findall(r'<path d="[^"]+" clip-path[^>]+stroke-width: 1.5', svg)
    assert len(lines) == len(CURVES[0]) - 1  # all but the clock


def test_cells_lie_beside_their_names_and_below_their_captions(tmp_path):
    red, blue = (np.full((4, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    save_grid(tmp_path / "grid.png", [[red, None], [None, blue]], 20, ["one", "two"], ["r", "b"])
    sample_grid = np.asarray(Image.open(tmp_path / "grid.png"))
    y, x = np.nonzero((sample_grid == (255, 0, 0)).all(axis=-1))
    v, u = np.nonzero((sample_grid == (0, 0, 255)).all(axis=-1))
    assert len(x) == len(u) == 20**2
    assert (u.min() - x.min(), v.min() - y.min()) == (20 + GAP, 20 + GAP)
    assert sample_grid.shape[1] - u.max() - 1 == sample_grid.shape[0] - v.max() - 1 == GAP
    assert (sample_grid[:, : x.min() - GAP] < 100).any(axis=-1).sum() > 5  # the ink of the names
