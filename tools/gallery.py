"""Make the pictures of the README and of the gallery, after `make repro`.

python -m tools.gallery      sample grids → docs/images, commands of docs/gallery.md → docs/gallery
"""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from stylefuse.paths import SAMPLE_GRIDS

GRIDS = {
    "transfer": "transfer/styles",
    "fusion": "transfer/fusion",
    "modes": "transfer/modes",
    "restore": "restore/kinds",
    "portrait": "portrait/samples",
    "neighbours": "portrait/neighbours",
}
IMAGES, PAGE = Path("docs/images"), Path("docs/gallery.md")
PHOTOGRAPH, PAINTING = Path("examples/photograph.jpg"), Path("examples/painting.png")
PAINTED = Path("docs/gallery/city.jpg")  # the photograph in the painting's style
HEIGHT, GAP = 300, 12  # of the README's first picture, pixels
INTERPRETERS = {"sh": ["bash", "-euc"], "python": [sys.executable, "-c"]}


def main() -> None:
    for name, grid in GRIDS.items():
        with Image.open(SAMPLE_GRIDS / f"{grid}.png") as picture:
            save(picture.convert("RGB"), IMAGES / f"{name}.jpg")
    PAGE.with_suffix("").mkdir(exist_ok=True)
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        subprocess.run([*INTERPRETERS[language], block], check=True)
    save(side_by_side([PHOTOGRAPH, PAINTING, PAINTED]), IMAGES / "readme-transfer.jpg")


def side_by_side(paths: list[Path]) -> Image.Image:
    """Pictures of one height in a row, on white."""
    pictures = []
    for path in paths:
        with Image.open(path) as picture:
            width = round(picture.width * HEIGHT / picture.height)
            pictures.append(picture.convert("RGB").resize((width, HEIGHT)))
    total = sum(p.width for p in pictures) + GAP * (len(pictures) - 1)
    row = Image.new("RGB", (total, HEIGHT), "white")
    x = 0
    for picture in pictures:
        row.paste(picture, (x, 0))
        x += picture.width + GAP
    return row


def save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=88, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
