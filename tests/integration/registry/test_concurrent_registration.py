"""Two processes that register the same weights at once make one version."""

import subprocess
import sys
from pathlib import Path

from stylefuse.config import load_params
from stylefuse.registry.store import open_store
from tests.support.clone import environment
from tests.support.models import make_project


def test_two_processes_that_register_at_once(tmp_path, monkeypatch):
    """They also create the store's tables at the same time."""
    make_project(tmp_path, "restore")
    program = str(Path(sys.executable).parent / "stylefuse")
    processes = [
        subprocess.Popen(
            [program, "register", "restore"], cwd=tmp_path, text=True,
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sorted("already" in stdout for stdout, _ in outputs) == [False, True]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = open_store(load_params().registry)
    (version,) = client.search_model_versions()
    aliases = client.get_registered_model(version.name).aliases
    assert aliases == {"challenger": version.version, "champion": version.version}
