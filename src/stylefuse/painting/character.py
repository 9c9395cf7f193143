"""`stylefuse character`: paint the people of photographs as characters."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.errors import UserError, printable
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.characters.character import Character
from stylefuse.inference.characters.gallery import gallery
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.painter import character_steps
from stylefuse.inference.characters.selection import (
    GALLERY_HINT,
    CharacterSelector,
    Selection,
    list_gallery,
    pose_notice,
)
from stylefuse.inference.faces.choose import choose_face, faces_of
from stylefuse.inference.faces.face import Face, find_faces
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.batch import (
    DEFAULT_OUTPUT,
    BatchResult,
    ModelLoader,
    OutputOptions,
    Painter,
    paint_all,
)
from stylefuse.painting.files import (
    find_pictures,
    output_paths,
    paths_in_folder,
    refuse_overwriting_inputs,
)
from stylefuse.painting.job import Job
from stylefuse.painting.progress import progress_bar


@dataclass(frozen=True)
class FaceChoice:
    """Which faces of a photograph are painted.

    Attributes:
        number: of the face, from 1 for the largest; None paints the largest and says so where there
            are several; 0 paints each face into a picture of its own.
        whole: paint a photograph that shows no face as it is, in the character's hand.
    """

    number: int | None = None
    whole: bool = False


class _Inputs(NamedTuple):
    photo: Image.Image
    person: Face | None
    character: Character


def paint_characters(
    photos: Sequence[str],
    character: str | None,
    out: Path,
    options: CharacterOptions,
    faces: FaceChoice,
    load_model: ModelLoader,
    output: OutputOptions = DEFAULT_OUTPUT,
) -> BatchResult:
    """Paint the people of photographs as characters.

    What was chosen for a person, face and character, is known when the photograph has been read;
    it is added to the options of the job then, for the sidecar.

    Args:
        photos: files, folders or glob patterns.
        character: a name of the gallery, or a picture file with a face; None chooses, for each
            person, the character of the gallery whose pose fits best.
        out: a file for one picture, else a folder.
        options: of the painting.
        faces: which faces are painted.
        load_model: loads a transfer model.
        output: what is skipped, and what is written.

    Raises:
        UserError: a file or the model is missing, there is no such character, or an output would
            replace an input.
    """
    selector, file = _selector(character, options)
    paths = find_pictures(photos)
    numbers = _face_numbers(paths, faces)
    jobs = _jobs(paths, numbers, out, options, file)
    used = [file] if file else []
    refuse_overwriting_inputs([*paths, *used], [job.output for job in jobs])
    notices: dict[Path, list[str]] = {job.output: [] for job in jobs}

    def read(job: Job) -> _Inputs:
        photo, path = _open(job.inputs["photo"][0])
        people = find_faces(photo) if faces.whole else faces_of(photo, path)
        number = job.options["face"]
        person = choose_face(people, number, photo.size, path) if people else None
        pose = person.pose if person else None
        selection = selector.select(pose)
        _record(job, selection)
        if pose and options.kind == "costume" and (notice := pose_notice(selection, pose, path)):
            notices[job.output].append(notice)
        if faces.number is None and len(people) > 1:
            notices[job.output].append(
                f"{path} shows {len(people)} faces, of which the largest is painted; --face takes "
                "another number, or all"
            )
        return _Inputs(photo, person, selector.load(selection, options.size))

    def load() -> Painter:
        predictor, origin = load_model()

        def paint(_: Job, inputs: _Inputs) -> Iterator[PaintingStep]:
            return character_steps(*inputs, options, predictor)

        return Painter(paint, {"model": origin}, predictor.picture_origin())

    try:
        return paint_all(jobs, read, load, output)
    finally:
        for line in chain.from_iterable(notices.values()):
            sys.stderr.write(printable(f"{line}\n"))


def list_characters(photo: Path | None, number: int | None) -> list[dict[str, Any]]:
    """The gallery, the best fitting character first where there is a photograph.

    Args:
        photo: of a person.
        number: of the face in it, from 1 for the largest, which is the default.

    Returns:
        See `list_gallery`.

    Raises:
        UserError: the photograph cannot be opened, or shows no such face.
    """
    if photo is None:
        return list_gallery(None)
    picture, name = _open(photo)
    face = choose_face(faces_of(picture, name), number or 1, picture.size, name)
    return list_gallery(face.pose)


def _selector(
    character: str | None, options: CharacterOptions
) -> tuple[CharacterSelector, Path | None]:
    """The selector for a character, and its file if it is none of the gallery."""
    if not character or character in gallery():
        return CharacterSelector(character or "", options.mirror), None
    file = Path(character)
    if not file.exists():
        raise UserError(
            f"there is neither a character nor a picture file {file}; {GALLERY_HINT}",
            code="character-missing",
        )
    return CharacterSelector(character, options.mirror, open_picture(file)), file


def _open(path: Path) -> tuple[Image.Image, str]:
    return flatten(open_picture(path)), str(path)


def _face_numbers(paths: Sequence[Path], faces: FaceChoice) -> list[list[int]]:
    """The numbers of the faces to paint in each photograph."""
    if faces.number != 0:
        return [[faces.number or 1] for _ in paths]
    numbers = []
    with progress_bar(len(paths)) as bar:
        bar.describe("looking for faces")
        for path in paths:
            numbers.append(_all_numbers(path))
            bar.advance()
    return numbers


def _all_numbers(path: Path) -> list[int]:
    try:
        count = len(find_faces(_open(path)[0]))
    except UserError:
        count = 0  # it is reported when the photograph's turn comes
    return list(range(1, count + 1)) or [1]


def _jobs(
    paths: Sequence[Path],
    numbers: Sequence[Sequence[int]],
    out: Path,
    options: CharacterOptions,
    character: Path | None,
) -> list[Job]:
    """A job for each face; where a photograph has several, their numbers end the files' names."""
    several = any(len(faces) > 1 for faces in numbers)
    outputs = paths_in_folder(paths, out) if several else output_paths(paths, out)
    jobs = []
    for path, output, faces in zip(paths, outputs, numbers, strict=True):
        for number in faces:
            named = output.with_stem(f"{output.stem}-{number}") if len(faces) > 1 else output
            inputs = {"photo": [path]} | ({"character": [character]} if character else {})
            jobs.append(Job(named, asdict(options) | {"face": number}, inputs, photograph=path))
    return jobs


def _record(job: Job, selection: Selection) -> None:
    """Add what was chosen to a job's options."""
    assert isinstance(job.options, dict)
    job.options.update(character=selection.name, mirrored=selection.mirrored)
