"""Draw the documentation's diagrams from the code: packages with their imports, and the pipeline.

python -m tools.drawings      writes docs/images/architecture.svg and docs/images/pipeline.svg
"""

import ast
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

import yaml

PACKAGE = Path("src/stylefuse")
IMAGES = Path("docs/images")
# Packages of one row do not import each other; the drawing fails if a row is out of order.
ROWS = (
    ("flows", "cli"),
    ("doctor",),
    ("gate", "web"),
    ("serving",),
    ("monitoring", "loading"),
    ("registry",),
    ("evaluation",),
    ("training",),
    ("models",),
    ("data", "painting"),
    ("inference",),
    ("images",),
)
SHARED = (
    "config",
    "cancellation",
    "fileio",
    "paths",
    "ports",
    "errors",
)  # imported everywhere: no arrows
AFTER_DVC = ("register", "gate", "serve")  # effects on the registry, no stages
BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT, WIDTH = 130, 32, 66, 720
STYLE = (
    "text{font:14px system-ui,sans-serif;text-anchor:middle}"
    "rect{fill:#f4f4f2;stroke:#555;rx:4}path{fill:none;stroke:#999}"
)


def main() -> None:
    for name, text in (("architecture", architecture()), ("pipeline", pipeline())):
        (IMAGES / f"{name}.svg").write_text(text, encoding="utf-8")
        print(IMAGES / f"{name}.svg")


def architecture() -> str:
    """An SVG of all packages, with an arrow for each import that no chain of others implies.

    Raises:
        ValueError: a package imports one of its own row or of a row above.
    """
    places = {
        name: (WIDTH * (i + 1) / (len(row) + 1), 30 + ROW_HEIGHT * number)
        for number, row in enumerate(ROWS)
        for i, name in enumerate(row)
    }
    graph = {name: package_imports(name) & places.keys() for name in places}
    parts = []
    for package, (x, y) in places.items():
        if above := {other for other in graph[package] if places[other][1] <= y}:
            raise ValueError(f"{package} imports {above}, which are not below it")
        for other in sorted(graph[package] - implied(graph, package)):
            to_x, to_y = places[other]
            # an arrow that passes a row bows sideways, around the boxes between
            bow = 1.2 * (to_y - y - ROW_HEIGHT) * (1 if x + to_x >= WIDTH else -1)
            start, end = y + BOX_HEIGHT / 2, to_y - BOX_HEIGHT / 2
            parts.append(
                f'<path d="M{x:.0f},{start:.0f} C{x + bow:.0f},{start + 20:.0f} '
                f'{to_x + bow:.0f},{end - 20:.0f} {to_x:.0f},{end:.0f}" marker-end="url(#a)"/>'
            )
    parts += [box(name, x, y) for name, (x, y) in places.items()]
    bottom = 30 + ROW_HEIGHT * len(ROWS)
    parts.append(box(" · ".join(SHARED), WIDTH / 2, bottom, width=470))
    return svg(parts, WIDTH, bottom + 30)


def implied(graph: dict[str, set[str]], package: str) -> set[str]:
    """What a package imports through another one."""
    reached: set[str] = set()
    pending = [name for other in graph[package] for name in graph[other]]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += graph[name]
    return reached


def pipeline() -> str:
    """An SVG of the stages of `dvc.yaml` in their order, and of what follows them."""
    stages = list(yaml.safe_load(Path("dvc.yaml").read_text())["stages"])
    names, gap = [*stages, *AFTER_DVC], 24
    width = 92
    parts = []
    for i, name in enumerate(names):
        x = 10 + width / 2 + i * (width + gap)
        if i:
            left = x - width / 2
            parts.append(f'<path d="M{left - gap:.0f},60 L{left:.0f},60" marker-end="url(#a)"/>')
        parts.append(box(name, x, 60, width=width))
    tools = ("Great Expectations", "Keras", "MLflow")
    under = (stages.index("validate"), stages.index("train"), len(stages) + 1)
    for tool, i in zip(tools, under, strict=True):
        parts.append(f'<text x="{10 + width / 2 + i * (width + gap):.0f}" y="96">{tool}</text>')
    ends = 10 + len(stages) * (width + gap) - gap
    parts.append(f'<text x="{ends / 2:.0f}" y="18">DVC, run by Prefect</text>')
    parts.append(f'<path d="M10,32 L{ends},32"/>')
    return svg(parts, 20 + len(names) * (width + gap) - gap, 112)


def package_imports(package: str) -> set[str]:
    """Names of the project's packages that the modules of a package import."""
    root = Path("flows") if package == "flows" else PACKAGE / package
    files = root.rglob("*.py") if root.is_dir() else [root.with_suffix(".py")]
    names = {name for path in files for name in imported(ast.parse(path.read_text()))}
    parts = {name.removeprefix("stylefuse.").partition(".")[0] for name in names}
    return parts - {package}


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of the project that a module imports, except for annotations alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "stylefuse":
            yield from (f"stylefuse.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stylefuse."):
            yield str(node.module)


def box(text: str, x: float, y: float, width: float = BOX_WIDTH) -> str:
    left, top = x - width / 2, y - BOX_HEIGHT / 2
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}">{escape(text)}</text>'
    )


def svg(parts: Iterable[str], width: float, height: float) -> str:
    arrow = (
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" markerHeight="6" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:#777;stroke:none"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" '
        f'style="fill:#fff;stroke:none"/>{arrow}\n' + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    main()
