"""Make the pictures of people as characters in `docs/images`.

    python -m tools.character_grid

The people may be shown: an astronaut in a photograph of NASA, and three men of the nineteenth
century from the Debian package `gramps`. The characters are some that fit the astronaut well, and
for the men those with beards.
"""

from pathlib import Path

from PIL import Image, ImageOps

from stylefuse.data.sources.archives import deb_members
from stylefuse.data.sources.downloads import debian_package
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.characters.character import make_character
from stylefuse.inference.characters.gallery import fit_of, gallery
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.painter import character_steps
from stylefuse.inference.faces.face import Face, find_faces
from stylefuse.inference.faces.frame import head_and_shoulders
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.steps import last_picture

IMAGES = Path("docs/images")
ASTRONAUT = Path("examples/astronaut.jpg")
PACKAGE = "gramps=5.1.5-1"
MEN = {
    "Alimehemet.jpg": ("emperor", "red-mage", "harper", "white-mage", "merman"),
    "654px-Aksel_Andersson.jpg": ("red-mage", "emperor", "commander", "king", "knight"),
    "E_W_Dahlgren.jpg": ("commander", "knight", "captain", "king", "enchantress"),
}
WOMAN = "silver-mage", "elf-lady", "desert-leader", "outlaw", "mermaid"
PORTRAITS = "silver-mage", "elf-lady"  # for the picture of both kinds
SIDE, GAP = 256, 6  # of a cell, in pixels


def main() -> None:
    """Paint all pairs, and save the grids."""
    predictor = load_predictor("models/base/transfer")
    men = dict(deb_members(debian_package(PACKAGE), PACKAGE, lambda path: Path(path).name in MEN))
    photos = {Path(path).name: flatten(open_picture(men[path], path)) for path in sorted(men)
              if path.endswith(".jpg")}  # fmt: skip
    astronaut = flatten(open_picture(ASTRONAUT))
    rows = [_row(astronaut, WOMAN, predictor)]
    rows += [_row(photos[name], characters, predictor) for name, characters in MEN.items()]
    _save(rows, "characters")
    _save([rows[0][:5]], "character-readme")
    kinds = [
        [_paint(astronaut, name, kind, predictor) for kind in ("costume", "portrait")]
        for name in PORTRAITS
    ]
    _save([[_head(astronaut), *kinds[0], *kinds[1]]], "character-kinds")
    likeness = [
        _paint(astronaut, "silver-mage", "costume", predictor, share)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    _save([likeness], "character-likeness")


def _row(photo: Image.Image, characters: tuple[str, ...], predictor) -> list[Image.Image]:
    painted = [_paint(photo, name, "costume", predictor) for name in characters]
    return [_head(photo), *painted]


def _paint(photo, name, kind, predictor, likeness=CharacterOptions.likeness) -> Image.Image:
    face, entry = find_faces(photo)[0], gallery()[name]
    mirrored, _ = fit_of(face.pose, entry.pose, "auto")
    character = make_character(entry.picture(), name, 0, mirrored, entry.beard)
    options = CharacterOptions(kind, likeness)
    return last_picture(character_steps(photo, face, character, options, predictor))


def _head(photo: Image.Image) -> Image.Image:
    face: Face = find_faces(photo)[0]
    return photo.crop(head_and_shoulders(face, photo.size))


def _save(rows: list[list[Image.Image]], name: str) -> None:
    width = max(len(row) for row in rows) * (SIDE + GAP) - GAP
    grid = Image.new("RGB", (width, len(rows) * (SIDE + GAP) - GAP), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            cell = ImageOps.fit(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)
            grid.paste(cell, (x * (SIDE + GAP), y * (SIDE + GAP)))
    path = IMAGES / f"{name}.jpg"
    grid.save(path, quality=86, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
