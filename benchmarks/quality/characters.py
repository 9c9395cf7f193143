"""How much of a person's face is left in a painted character, and what it costs.

    python -m benchmarks.quality.characters

Each face of the photographs of two Debian packages and of scikit-image, painted as the two
characters of the gallery that fit best, at 384×384 pixels and the quality "fast". Landmark error:
the mean distance of the 468 points of the face in the result from those in the photograph, after
both meshes are aligned in space, in widths of the face. Found: the share of results in which the
detector and the mesh network see a face. Transfer alone paints the photograph's head and shoulders
in the style of the character's picture.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image
from rich.progress import track
from skimage import data

from benchmarks import report
from stylefuse.data.sources.archives import deb_members
from stylefuse.data.sources.downloads import debian_package
from stylefuse.errors import UserError
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.characters.character import make_character
from stylefuse.inference.characters.gallery import Fit, best_fits
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.painter import character_steps
from stylefuse.inference.characters.warp import apply, similarity
from stylefuse.inference.faces.choose import choose_face
from stylefuse.inference.faces.face import Face, find_faces
from stylefuse.inference.faces.frame import head_and_shoulders
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.steps import last_picture

PACKAGES = "gramps=5.1.5-1", "kphotoalbum=5.9.1-1"
FOLDERS = "/example/gramps/", "/kphotoalbum/demo/"
SIDE, CHARACTERS = 384, 2
MIN_WIDTH = 60  # pixels of a face
MAX_YAW = 25.0  # degrees; people who ask for a portrait look about at the camera


class Person(NamedTuple):
    """A face in a photograph."""

    photo: Image.Image
    face: Face


class Result(NamedTuple):
    """What was measured of one painted face; the error is NaN where none was found."""

    error: float
    seconds: float
    held_out: bool


Method = Callable[[Person, Fit], Image.Image]


def main() -> None:
    """Paint, measure, and write the page."""
    args = report.parser(__doc__).parse_args()
    predictor = load_predictor("models/base/transfer")

    def character(likeness: float, kind: str = "costume") -> Method:
        options = CharacterOptions(kind, likeness, size=SIDE, quality="fast")

        def paint(person: Person, fit: Fit) -> Image.Image:
            entry = fit.character
            model = make_character(entry.picture(), entry.name, SIDE, fit.mirrored, entry.beard)
            return last_picture(
                character_steps(person.photo, person.face, model, options, predictor)
            )

        return paint

    def transfer(person: Person, fit: Fit) -> Image.Image:
        crop = person.photo.crop(head_and_shoulders(person.face, person.photo.size))
        style = predictor.style([fit.character.picture()])
        return predictor.transfer(crop, style, TransferOptions(size=SIDE))

    methods = {
        "costume, likeness 1": character(1),
        "costume, likeness 0.75": character(0.75),
        "portrait, likeness 0.75": character(0.75, "portrait"),
        "transfer alone": transfer,
    }
    people = list(read_people())
    pairs = [(person, fit) for person in people for fit in best_fits(person.face.pose)[:CHARACTERS]]
    rows = {name: _row(method, name, pairs) for name, method in methods.items()}
    angles = [fit.angle for _, fit in pairs]
    report.write(
        args.docs,
        "characters",
        "Characters",
        report.paragraph(__doc__, 2),
        report.table(rows, "method"),
        f"{len(people)} faces, {len(pairs)} pairs; the poses of a pair are "
        f"{np.mean(angles):.0f}° apart on average, and {max(angles):.0f}° at most. Held out are "
        "the characters whose portraits the models were not trained on. The detector misses faces "
        "that fill a picture, as in portraits after photographs at arm's length. Most photographs "
        "are of private people, and are measured, but not shown.",
    )


def read_people() -> Iterator[Person]:
    """Faces that are large enough and look about at the camera."""
    photos = [Image.fromarray(data.astronaut())]
    for package in PACKAGES:
        members = deb_members(
            debian_package(package),
            package,
            lambda path: path.endswith(".jpg") and any(folder in path for folder in FOLDERS),
        )
        pictures = sorted(member for member in members if member[0].endswith(".jpg"))
        photos += [flatten(open_picture(content, path)) for path, content in pictures]
    for photo in photos:
        faces = find_faces(photo)
        for number, face in enumerate(faces, start=1):
            try:
                choose_face(faces, number, photo.size, "photo")
            except UserError:
                continue
            if face.width >= MIN_WIDTH and abs(face.pose.yaw) <= MAX_YAW:
                yield Person(photo, face)


def _row(method: Method, name: str, pairs: list[tuple[Person, Fit]]) -> dict[str, str]:
    results = [_measure(method, *pair) for pair in track(pairs, description=name)]
    errors = np.array([result.error for result in results])
    held_out = np.array([result.held_out for result in results])
    return {
        "landmark error ↓": f"{np.nanmean(errors):.1%}",
        "held out ↓": f"{np.nanmean(errors[held_out]):.1%}",
        "worst tenth ↓": f"{np.nanquantile(errors, 0.9):.1%}",
        "found ↑": f"{np.isfinite(errors).mean():.1%}",
        "CPU s": f"{np.median([result.seconds for result in results]):.2f}",
    }


def _measure(method: Method, person: Person, fit: Fit) -> Result:
    start = time.process_time()
    picture = method(person, fit)
    seconds = time.process_time() - start
    faces = find_faces(picture)
    error = _landmark_error(faces[0].points, person.face.points) if faces else np.nan
    return Result(error, seconds, fit.character.split != "train")


def _landmark_error(points: np.ndarray, reference: np.ndarray) -> float:
    aligned = apply(similarity(points, reference), points)[:, :2]
    distances = np.linalg.norm(aligned - reference[:, :2], axis=1)
    return float(distances.mean() / Face(reference, 1, 1).width)


if __name__ == "__main__":
    main()
