"""Two that register the same weights at once make one version."""

import subprocess
import sys
from pathlib import Path

from stylefuse.config import load_params
from stylefuse.registry.store import open_store
from tests.support.clone import environment
from tests.support.models import make_project


def test_two_that_register_at_once(tmp_path, monkeypatch):
    make_project(tmp_path, "restore")
    program = str(Path(sys.executable).parent / "stylefuse")
    both = [
        subprocess.Popen(
            [program, "register", "restore"], cwd=tmp_path, text=True,
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("already" in out for out, _ in said) == [False, True]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = open_store(load_params().registry)
    (version,) = client.search_model_versions()
    aliases = client.get_registered_model(version.name).aliases
    assert aliases == {"challenger": version.version, "champion": version.version}
