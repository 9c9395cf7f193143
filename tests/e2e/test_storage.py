"""Data and weights in a DVC remote: a clone that pulls them has nothing left to do."""

import pytest

from tests.support.clone import commit_all, copy_finished_project, environment, run
from tests.support.servers import s3

KEY, SECRET = "an-access-key", "a-secret-that-nobody-may-see"


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A clone whose pipeline has run and is committed."""
    root = copy_finished_project(shared_folder, tmp_path_factory.mktemp("storage") / "first")
    commit_all(root)
    return root


def output(root, *command, **variables):
    """Run a command; return everything that it prints."""
    process = run(root, *command, variables=environment(root) | variables)
    return process.stdout + process.stderr


def push_and_pull(project, clone, configure, **variables):
    """Push from one clone, pull in another without a cache, check that no stage runs there.

    Returns:
        Everything that the commands printed.
    """
    text = configure(project) + output(project, "dvc", "push", **variables)
    output(project, "git", "clone", "--quiet", str(project), str(clone))
    text += configure(clone) + output(clone, "dvc", "pull", **variables)
    assert (clone / "models/restore/generator.weights.h5").stat().st_size > 0
    assert (clone / "reports/environments/restore.json").stat().st_size > 0
    graph = output(clone, "dvc", "repro")
    assert "Running stage" not in graph
    assert "up to date" in graph
    assert output(clone, "git", "status", "--porcelain") == ""
    return text


def test_a_folder_as_remote(project, tmp_path):
    def configure(root):
        folder = str(tmp_path / "store")
        return output(root, "dvc", "remote", "add", "-fd", "--local", "store", folder)

    push_and_pull(project, tmp_path / "clone", configure)


def test_a_bucket_as_remote(project, tmp_path):
    with s3("ours", SECRET) as (address, bucket):

        def configure(root):
            return "".join(
                output(root, "dvc", "remote", *words.split())
                for words in (
                    f"add -fd --local store s3://{bucket.name}/dvc",
                    f"modify --local store endpointurl {address}",
                )
            )

        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        printed = push_and_pull(project, tmp_path / "clone", configure, **keys)
    configuration = (path.read_text() for path in (tmp_path / "clone/.dvc").glob("config*"))
    for text in (printed, *configuration):
        assert SECRET not in text
        assert KEY not in text
