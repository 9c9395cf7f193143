"""Data and weights in a remote: a clone that pulls them has nothing left to do."""

import subprocess

import pytest
import yaml

from tests.support.clone import commit_all, environment, make_clone
from tests.support.servers import s3

KEY, SECRET = "an-access-key", "a-secret-that-nobody-may-see"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A clone whose one model is trained and judged, all of it committed."""
    root = make_clone(tmp_path_factory.mktemp("storage") / "first")
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["models"] = {"restore": params["models"]["restore"]}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    run(root, "dvc", "repro", "--quiet")
    commit_all(root)
    return root


def run(root, *command, **settings):
    """What a command says, all of it."""
    done = subprocess.run(
        command, cwd=root, env=environment(root) | settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def nothing_is_left_to_do(finished, clone, configure, **settings):
    """Push from one clone, pull in another that never had the cache, and run the graph there."""
    said = configure(finished) + run(finished, "dvc", "push", **settings)
    run(finished, "git", "clone", "--quiet", str(finished), str(clone))
    said += configure(clone) + run(clone, "dvc", "pull", **settings)
    assert (clone / "models/restore/generator.weights.h5").stat().st_size > 0
    graph = run(clone, "dvc", "repro")
    assert "Running stage" not in graph
    assert "up to date" in graph
    assert run(clone, "git", "status", "--porcelain") == ""
    return said


def test_a_folder_as_remote(finished, tmp_path):
    def configure(root):
        return run(root, "dvc", "remote", "add", "-fd", "--local", "store", str(tmp_path / "store"))

    nothing_is_left_to_do(finished, tmp_path / "clone", configure)


def test_a_bucket_as_remote(finished, tmp_path):
    with s3("ours", SECRET) as (address, bucket):

        def configure(root):
            return "".join(
                run(root, "dvc", "remote", *words.split())
                for words in (
                    f"add -fd --local store s3://{bucket.name}/dvc",
                    f"modify --local store endpointurl {address}",
                )
            )

        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        said = nothing_is_left_to_do(finished, tmp_path / "clone", configure, **keys)
    for text in (said, *(p.read_text() for p in (tmp_path / "clone/.dvc").glob("config*"))):
        assert SECRET not in text
        assert KEY not in text
