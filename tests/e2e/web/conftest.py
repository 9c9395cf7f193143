"""A page that is served from a small project."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from skimage import data

from tests.support.models import SHAPES, file_bytes, make_project, noise
from tests.support.trainings import ROOT


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """All models at their smallest, two paintings to take a style from, and files to upload."""
    folder = make_project(tmp_path_factory.mktemp("page"), *SHAPES)
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
    for name, shown in (("a", data.coffee()[:120, :160]), ("b", data.astronaut()[:128, :128])):
        Image.fromarray(shown).save(folder / f"{name}.png")
    (folder / "torn.png").write_bytes(file_bytes(noise(64, 64))[:900])
    return folder


@pytest.fixture(scope="session")
def address(project):
    """Of a page that is served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("stylefuse")), "app", "--port", str(port)]
    settings = {"PYTHONPATH": f"{ROOT / 'src'}", "GRADIO_TEMP_DIR": str(project / "cache")}
    with (project / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=project, env=os.environ | settings, stdout=log, stderr=log
        )
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url).close()
            break
        except OSError:
            assert process.poll() is None, (project / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.2)
    yield url
    process.terminate()
    process.wait()
