"""The README's pictures, from the sheets that `make repro` leaves.

python benchmarks/gallery.py      reports/sheets → docs/*.jpg
"""

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

for name, sheet in SHEETS.items():
    with Image.open(Path("reports/sheets") / f"{sheet}.png") as picture:
        picture.convert("RGB").save(f"docs/{name}.jpg", quality=88, optimize=True)
    print(f"docs/{name}.jpg")
