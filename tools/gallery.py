"""The pictures of the README and of the gallery, from what `make repro` leaves.

python benchmarks/gallery.py      reports/sample_grids → docs/*.jpg, and all that docs/gallery.md says
"""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

SHEETS = {
    "transfer": "transfer/styles",
    "fusion": "transfer/fusion",
    "modes": "transfer/modes",
    "restore": "restore/kinds",
    "portrait": "portrait/samples",
    "neighbours": "portrait/neighbours",
}
PAGE = Path("docs/gallery.md")
PROGRAMS = {"sh": ["bash", "-euc"], "python": [sys.executable, "-c"]}


def main() -> None:
    for name, sample_grid in SHEETS.items():
        with Image.open(Path("reports/sample_grids") / f"{sample_grid}.png") as picture:
            picture.convert("RGB").save(f"docs/{name}.jpg", quality=88, optimize=True)
        print(f"docs/{name}.jpg")
    PAGE.with_suffix("").mkdir(exist_ok=True)
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        subprocess.run([*PROGRAMS[language], block], check=True)


if __name__ == "__main__":
    main()
