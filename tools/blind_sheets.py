"""Sheets on which people compare the pictures of two methods without knowing which is whose.

    python -m tools.blind_sheets A B sheets --beside PHOTOGRAPHS PAINTINGS

Pictures of the same name belong together. Each row of a sheet shows what the folders `--beside`
hold, then the two outputs in random order, marked 1 and 2. `sheets/key.json`, which nobody who
judges may see, says for each row which method is 1.
"""

import argparse
import json
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

ROWS = 6  # of a sheet
SIDE, GAP, MARGIN = 256, 8, 24  # pixels


def main() -> None:
    """Write the sheets and the key."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", type=Path, metavar="A", help="folder with one method's outputs")
    parser.add_argument("b", type=Path, metavar="B", help="folder with the other's")
    parser.add_argument("out", type=Path, help="folder for the sheets")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="folders to show, too")
    parser.add_argument("--seed", type=int, default=0, help="of the order (default: %(default)s)")
    args = parser.parse_args()
    names = sorted(
        {path.name for path in args.a.iterdir()} & {path.name for path in args.b.iterdir()}
    )
    if not names:
        parser.error(f"{args.a} and {args.b} have no file name in common")
    chance = random.Random(args.seed)
    chance.shuffle(names)
    args.out.mkdir(parents=True, exist_ok=True)
    key = []
    for number, start in enumerate(range(0, len(names), ROWS), start=1):
        rows = []
        for name in names[start : start + ROWS]:
            order = chance.sample([args.a, args.b], 2)
            rows.append([folder / name for folder in (*args.beside, *order)])
            key.append(
                {"row": len(key) + 1, "picture": name, "1": str(order[0]), "2": str(order[1])}
            )
        sheet(rows, first=start + 1, beside=len(args.beside)).save(args.out / f"sheet-{number}.png")
    (args.out / "key.json").write_text(json.dumps(key, indent=1) + "\n")


def sheet(rows: list[list[Path]], first: int, beside: int) -> Image.Image:
    """Rows of pictures with their numbers."""
    step = SIDE + GAP
    picture = Image.new("RGB", (MARGIN + len(rows[0]) * step, MARGIN + len(rows) * step), "white")
    draw = ImageDraw.Draw(picture)
    for column in (0, 1):
        draw.text((MARGIN + (beside + column) * step + SIDE // 2, 6), str(column + 1), "black")
    for y, paths in enumerate(rows):
        draw.text((4, MARGIN + y * step + SIDE // 2), str(first + y), "black")
        for x, path in enumerate(paths):
            with Image.open(path) as shown:
                square = ImageOps.fit(shown.convert("RGB"), (SIDE, SIDE))
            picture.paste(square, (MARGIN + x * step, MARGIN + y * step))
    return picture


if __name__ == "__main__":
    main()
