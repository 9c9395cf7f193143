"""Files that the page offers: previews, and downloads whose metadata say how they were made."""

import contextlib
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

from gradio.utils import get_upload_folder
from PIL import Image

from stylefuse.fileio import write_atomically
from stylefuse.images.metadata import generation_metadata
from stylefuse.inference.options import Options
from stylefuse.web.models import LoadedModels

SETTINGS_KEY = "stylefuse"  # of the PNG text chunk with the settings as JSON
PREVIEW, DOWNLOAD = "preview-", "download-"  # beginnings of the names of folders in Gradio's cache
MAX_MADE = 2_000_000_000  # bytes of all previews and downloads


def preview_path(picture: Image.Image) -> Path:
    """Save a picture for the browser, under a name that its content determines.

    Gradio, given a picture, would overwrite the file of an equal one in place, while another
    request may be sending it.

    Args:
        picture: the preview.

    Raises:
        UserError: the file cannot be written.
    """
    content = f"{picture.mode} {picture.size} ".encode() + picture.tobytes()
    name = hashlib.sha256(content).hexdigest()
    cache = Path(get_upload_folder())
    path = cache / f"{PREVIEW}{name}" / "preview.png"
    make_room(cache)
    write_atomically(path, lambda draft: picture.save(draft, "PNG", compress_level=1))
    return path


def download_path(name: str) -> Path:
    """A path for a file in a new folder inside of Gradio's cache.

    From there Gradio offers the file without a copy, and deletes it with its own files.

    Args:
        name: of the file.
    """
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    make_room(cache)
    return Path(tempfile.mkdtemp(prefix=DOWNLOAD, dir=cache)) / name


def make_room(cache: Path) -> None:
    """Delete the oldest previews and downloads beyond `MAX_MADE`: Gradio keeps each for an hour,
    and one visitor can have gigabytes of them made in that time.

    Args:
        cache: Gradio's.
    """
    folders = []
    for folder in [*cache.glob(f"{PREVIEW}*"), *cache.glob(f"{DOWNLOAD}*")]:
        with contextlib.suppress(OSError):  # somebody else deletes it
            files = [path.stat() for path in folder.iterdir()]
            newest = max(status.st_mtime_ns for status in [folder.stat(), *files])
            folders.append((newest, sum(status.st_size for status in files), folder))
    total = 0
    for _, size, folder in sorted(folders, reverse=True):
        total += size
        if total > MAX_MADE:
            shutil.rmtree(folder, ignore_errors=True)


def paint_file(
    models: LoadedModels,
    task_name: str,
    inputs: dict[str, Any],
    options: Options,
    target: Path | IO[bytes],
) -> None:
    """Paint at full size, and write a PNG with the settings in its metadata.

    Args:
        models: paint it.
        task_name: the task.
        inputs: by the names of the task's inputs.
        options: the task's.
        target: a path or an open binary file.

    Raises:
        UserError: there is no such model, or inputs and options do not fit.
    """
    picture = models.paint(task_name, inputs, options)
    settings = models.settings(task_name, inputs, options)
    metadata = generation_metadata(models.model(task_name).predictor.picture_origin(), "PNG")
    metadata["pnginfo"].add_itxt(SETTINGS_KEY, json.dumps(settings, sort_keys=True))
    picture.save(target, "PNG", **metadata)
