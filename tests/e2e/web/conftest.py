"""A page that is served from a small project."""

import pandas as pd
import pytest
from PIL import Image
from skimage import data

from tests.support.models import SHAPES, file_bytes, make_project, noise
from tests.support.servers import free_port, server


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """All models at their smallest, two paintings in the gallery, and files to upload."""
    folder = make_project(tmp_path_factory.mktemp("page"), *SHAPES)
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("hosts: []", "hosts: [paint.example]"))
    rows = []
    for i in range(2):
        path = folder / f"data/pictures/{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(40, 30, seed=i).save(path)
        rows.append(
            {"path": f"data/pictures/{i}.png", "domain": "painting", "split": "test",
             "author": f"Painter {i} (file: nowhere)", "licence": "CC0-1.0"}
        )  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "data/manifest.parquet")
    for name, picture in (("a", data.coffee()[:120, :160]), ("b", data.astronaut()[:128, :128])):
        Image.fromarray(picture).save(folder / f"{name}.png")
    (folder / "damaged.png").write_bytes(file_bytes(noise(64, 64))[:900])
    (folder / "text.png").write_text("no picture")
    Image.new("L", (8000, 8000)).save(folder / "large.png")
    return folder


@pytest.fixture(scope="session")
def address(project):
    """The address of the page."""
    port, cache = free_port(), str(project / "cache")
    with server("app", port, project / "log", path="/", folder=project, GRADIO_TEMP_DIR=cache):
        yield f"http://127.0.0.1:{port}"
