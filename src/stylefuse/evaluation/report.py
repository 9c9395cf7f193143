"""The evaluation as one page that can be mailed: figures, curves and pictures inside it."""

import base64
import io
from html import escape
from pathlib import Path

COLUMNS = {
    "kid": ("KID ↓", "{:.3f}"),
    "fid": ("FID ↓", "{:.0f}"),
    "style_ratio": ("style distance ↓", "{:.2f}"),
    "low_pass_ssim": ("low-pass SSIM ↑", "{:.2f}"),
    "patch_retrieval": ("patches in place ↑", "{:.0%}"),
    "ssim": ("SSIM", "{:.2f}"),
}
CURVES = (
    ("losses", ("discriminator_loss", "adversarial", "reconstruction", "content")),
    ("discriminator: share right", ("accuracy_real", "accuracy_fake", "accuracy_held_out")),
)
STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --faint: #6b7280; --line: #d8dce2; --us: #eef4ff }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --faint: #9aa3af; --line: #3a4048;
  --us: #1d2a3f } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.2rem; margin-top: 2.4rem }
table { border-collapse: collapse } td, th { padding: .35rem .9rem; text-align: right;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
td:first-child, th:first-child { text-align: left } 
tr.us { background: var(--us); font-weight: 600 }
img { max-width: 100%; height: auto; background: #fff } .note { color: var(--faint) }
"""


def write_report(path: Path, result: dict, curves: list[dict[str, float]], sheets: Path) -> None:
    """Write the page.

    Args:
        path: where to.
        result: what `reports/metrics/transfer.json` holds.
        curves: one row of training metrics per tick, each with its "kimg".
        sheets: the folder of `transfer.png` and `comparison.png`.
    """
    accuracies = result["discriminator"]
    parts = [
        "<h1>Style transfer, judged on held-out pictures</h1>",
        f"<p>{_verdict(result)}</p>",
        "<h2>Photographs painted after paintings never trained on</h2>",
        _picture(sheets / "transfer.png", "photographs down the side, paintings along the top"),
        "<h2>Figures</h2>",
        _table(result),
        f"<p class=note>{result['pairs']} pairs of a photograph and a painting of the "
        f"{result['split']} split; {result['references']} crops of its paintings to compare with. "
        f"KID and FID are in the features of {result['features']}, which training never sees; with "
        "so few pictures KID is the one to read. Style distance: to the painting, beside the "
        "photograph's own. SSIM alone rewards doing nothing.</p>",
        f"<p>Strength and nearness to the style go together with a rank correlation of "
        f"{result['strength_rank_correlation']:.2f}.</p>",
        "<h2>Beside other ways</h2>",
        _picture(sheets / "comparison.png", "one row per pair, one column per method"),
        "<h2>The training run</h2>",
        _curve_chart(curves),
        "<p>At the end the discriminator took "
        f"{accuracies['accuracy_real']:.0%} of the paintings and "
        f"{accuracies['accuracy_fake']:.0%} of the fakes for what they are, and "
        f"{accuracies['accuracy_held_out']:.0%} of paintings that it never saw. Near 100 % it has "
        "won and teaches nothing; a gap between the first and the last figure means that it knows "
        "its paintings by heart.</p>",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>stylefuse: transfer</title><style>{STYLE}</style>\n"
        + "\n".join(parts) + "\n</html>\n",
        encoding="utf-8",
    )  # fmt: skip


def _verdict(result: dict) -> str:
    ours, peer = result["kid_beside_doing_nothing"], result["peer_kid_beside_doing_nothing"]
    structure = result["methods"]["stylefuse"]["low_pass_ssim"]
    return (
        f"The distance to held-out paintings (KID) is <b>{ours:.2f}</b> of doing nothing's; the "
        f"published network reaches {peer:.2f}. The scene stays: low-pass SSIM to the photograph "
        f"is <b>{structure:.2f}</b>."
    )


def _table(result: dict) -> str:
    head = "".join(f"<th>{title}</th>" for title, _ in COLUMNS.values())
    lines = [f"<table><tr><th>method</th>{head}</tr>"]
    for name, row in result["methods"].items():
        cells = "".join(f"<td>{form.format(row[key])}</td>" for key, (_, form) in COLUMNS.items())
        mark = " class=us" if name == "stylefuse" else ""
        lines.append(f"<tr{mark}><td>{escape(name)}</td>{cells}</tr>")
    floor = result["paintings beside paintings"]
    lines.append(
        f"<tr><td>paintings, half beside half</td><td>{floor['kid']:.3f}</td>"
        f"<td>{floor['fid']:.0f}</td>" + "<td>–</td>" * (len(COLUMNS) - 2) + "</tr></table>"
    )
    return "\n".join(lines)


def _picture(path: Path, alternative: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(alternative)}" src="data:image/png;base64,{data}">'


def _curve_chart(curves: list[dict[str, float]]) -> str:
    """Training metrics over thousands of pictures, as an inline SVG with the same bytes always."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    with mpl.rc_context({"svg.hashsalt": "stylefuse", "font.size": 9}):
        figure, axes = pyplot.subplots(1, len(CURVES), figsize=(11, 3.4), layout="constrained")
        kimg = [row["kimg"] for row in curves]
        for axis, (title, names) in zip(axes, CURVES, strict=True):
            for name in names:
                axis.plot(kimg, [row[name] for row in curves], label=name.replace("_", " "))
            axis.set(title=title, xlabel="thousands of pictures")
            axis.grid(alpha=0.25)
            axis.legend(frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    svg = file.getvalue()
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="training curves" src="data:image/svg+xml;base64,{data}">'
