"""The registry as commands tell of it."""

import json

from tests.support.models import make_project
from tests.support.program import stylefuse


def test_registered_versions_are_listed(project, tmp_path):
    done = stylefuse(project, "models")
    assert (done.returncode, done.stderr) == (0, "")
    title, *lines = done.stdout.splitlines()
    assert title.startswith("model ")
    assert [line.split()[0] for line in lines] == ["stylefuse-portrait", "stylefuse-transfer"]
    told = json.loads(stylefuse(project, "models", "--json").stdout)["versions"]
    assert [(one["number"], one["aliases"]) for one in told] == [
        (1, ["challenger", "champion"])
    ] * 2
    make_project(tmp_path)
    empty = stylefuse(tmp_path, "models")
    assert (empty.returncode, empty.stdout) == (
        0, "nothing is registered yet; `make repro` trains models and registers them\n",
    )  # fmt: skip
    assert stylefuse(tmp_path, "models", "--json").stdout == '{\n "versions": []\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
