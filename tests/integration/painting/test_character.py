"""`stylefuse character` on files: names, sidecars, several faces, and what cannot be painted."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from stylefuse.cli import main
from stylefuse.errors import UserError
from stylefuse.inference.characters.gallery import GALLERY
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.loading import model_loader
from stylefuse.painting.batch import OutputOptions
from stylefuse.painting.character import FaceChoice, paint_characters
from tests.support.people import astronaut, cat, crowd, grey, head

FAST = CharacterOptions(quality="fast", size=128)


@pytest.fixture
def photos(folder):
    astronaut().save("astronaut.png")
    cat().save("cat.png")
    return folder


def paint(*photos, character=None, out="out.png", options=FAST, faces=None, **output):
    return paint_characters(
        photos, character, Path(out), options, faces or FaceChoice(),
        model_loader("transfer", None), OutputOptions(**output),
    )  # fmt: skip


def code_of(*photos, **changes):
    with pytest.raises(UserError) as error:
        paint(*photos, **changes).raise_failures()
    return error.value.code


def test_a_person_becomes_the_character_that_fits_best(photos, capsys):
    (sidecar,) = paint("astronaut.png", sidecar=True).painted
    assert json.loads(Path("out.json").read_text()) == sidecar
    assert Image.open("out.png").size == (128, 128)
    assert sidecar["options"]["face"] == 1
    assert (GALLERY / f"{sidecar['options']['character']}.webp").exists()
    assert [file["file"] for file in sidecar["inputs"]["photo"]] == ["astronaut.png"]
    assert capsys.readouterr().err == ""


def test_a_picture_file_may_be_the_character(photos):
    Image.open(GALLERY / "king.webp").resize((300, 300)).save("painting.png")
    (sidecar,) = paint("astronaut.png", character="painting.png", options=CharacterOptions(
        quality="fast")).painted  # fmt: skip
    assert Image.open("out.png").size == (300, 300)
    assert [file["file"] for file in sidecar["inputs"]["character"]] == ["painting.png"]
    assert sidecar["options"]["character"] == "painting.png"


def test_a_painting_may_be_the_photograph(photos):
    Image.open(GALLERY / "elf-lady.webp").save("painted.png")
    assert paint("painted.png", character="silver-mage").painted


def test_a_photograph_that_stands_on_its_head_is_painted(photos):
    astronaut().rotate(180).save("turned.png")
    assert paint("turned.png", character="elf-lady").painted


def test_a_mirrored_character_is_recorded(photos):
    options = CharacterOptions(quality="fast", size=128, mirror="yes")
    (sidecar,) = paint("astronaut.png", character="king", options=options).painted
    assert sidecar["options"]["mirrored"] is True
    options = CharacterOptions(quality="fast", size=128, mirror="no")
    (other,) = paint("astronaut.png", character="king", options=options).painted
    assert other["output"]["sha256"] != sidecar["output"]["sha256"]


def test_a_pose_that_does_not_fit_is_said_with_one_that_does(photos, capsys):
    assert paint("astronaut.png", character="rider").painted
    (line,) = capsys.readouterr().err.splitlines()
    assert "astronaut.png and rider look" in line
    assert "fits best" in line


def test_all_faces_of_a_photograph_are_painted(photos):
    crowd().save("crowd.png")
    result = paint("crowd.png", "astronaut.png", out="out", faces=FaceChoice(number=0))
    assert len(result.painted) == 7
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"astronaut.png", *(f"crowd-{number}.png" for number in range(1, 7))}
    again = paint("crowd.png", out="out", faces=FaceChoice(number=0), skip_existing=True)
    assert len(again.skipped) == 6


def test_the_largest_of_several_faces_is_painted_and_the_others_are_mentioned(photos, capsys):
    crowd().save("crowd.png")
    assert paint("crowd.png").painted
    (line,) = capsys.readouterr().err.splitlines()
    assert "shows 6 faces" in line
    assert paint("crowd.png", faces=FaceChoice(number=3)).painted
    assert capsys.readouterr().err == ""


def test_a_photograph_without_a_face_is_painted_whole_if_asked_for(photos):
    assert code_of("cat.png", character="king") == "face-missing"
    assert code_of("cat.png", faces=FaceChoice(whole=True)) == "character-missing"
    assert paint("cat.png", character="king", faces=FaceChoice(whole=True)).painted
    width, height = Image.open("out.png").size
    assert (width, height) == (128, round(128 * cat().height / cat().width))


def test_one_failure_does_not_stop_the_others(photos):
    result = paint("cat.png", "astronaut.png", out="out")
    assert len(result.painted) == len(result.failed) == 1


def test_what_cannot_be_painted_is_said_by_a_code(photos):
    grey().save("grey.png")
    head().resize((60, 60)).save("small.png")
    ImageOps.expand(head().crop((95, 0, 200, 200)), (0, 40, 95, 40)).save("half.png")
    crowd().save("crowd.png")
    Path("broken.png").write_bytes(b"no picture")
    assert code_of("grey.png") == "face-missing"
    assert code_of("small.png") == "face-too-small"
    assert code_of("half.png") in ("face-missing", "face-cut-off")
    assert code_of("crowd.png", faces=FaceChoice(number=9)) == "face-number-invalid"
    assert code_of("astronaut.png", character="grey.png") == "character-without-face"
    assert code_of("astronaut.png", character="nobody") == "character-missing"
    assert code_of("astronaut.png", character="broken.png") == "picture-format-unsupported"
    large = CharacterOptions(size=5000)
    assert code_of("astronaut.png", character="king", options=large) == "option-out-of-range"
    assert code_of("astronaut.png", out="astronaut.png") == "output-replaces-input"


def test_the_gallery_is_listed_the_best_fit_first(photos, capsys):
    main(["character", "--list"])
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == sorted(path.stem for path in GALLERY.glob("*.webp"))
    main(["character", "--list", "astronaut.png", "--json"])
    rows = json.loads(capsys.readouterr().out)["characters"]
    degrees = [row["degrees"] for row in rows]
    assert degrees == sorted(degrees)
    assert {row["name"] for row in rows} == set(names)


def test_the_command_paints(photos, capsys):
    main([
        "character", "astronaut.png", "--as", "elf-lady", "--likeness", "0.9", "--size", "128",
        "--quality", "fast", "--kind", "portrait", "--mirror", "no", "-o", "elf.jpg",
    ])  # fmt: skip
    assert capsys.readouterr().out == "elf.jpg\n"
    assert Image.open("elf.jpg").size == (128, 128)


@pytest.mark.parametrize(
    "arguments",
    [[], ["astronaut.png"], ["-o", "out.png"], ["--list", "a.png", "b.png"], ["--face", "0"],
     ["--face", "none"], ["--likeness", "2"], ["--kind", "statue"]],
)  # fmt: skip
def test_arguments_that_make_no_sense_end_the_command(photos, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["character", *arguments])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
