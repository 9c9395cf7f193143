"""A version in the registry is verified before use; every change of it is detected."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.gate.decide import decide
from stylefuse.registry import fetch
from stylefuse.registry.fetch import download, model_files, verified_copy
from stylefuse.registry.integrity import signing
from stylefuse.registry.integrity.reproduce import reproduce
from stylefuse.registry.integrity.verify import sign_version, verify
from stylefuse.registry.register import register
from stylefuse.registry.store import load_mlflow, open_store
from tests.support.foreign_code import add_foreign_loader
from tests.support.models import make_model, make_project
from tests.support.registered_project import copy_project_with_two_versions
from tests.support.stores import copy_empty_store

NAME = "stylefuse-transfer"
GIT = ("git", "-c", "user.name=tester", "-c", "user.email=tester@example.org")
SOMEONE = signing.public_key_text(Ed25519PrivateKey.generate().public_key())


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A store with two versions of a model."""
    folder = tmp_path_factory.mktemp("signed") / "project"
    copy_project_with_two_versions(shared_folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("MLFLOW_TRACKING_URI", signing.KEY_VARIABLE, signing.TRUSTED_VARIABLE):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture
def params(project):
    return load_params()


@pytest.fixture
def stored(params):
    """The folder of the first version in the store; a test's changes to it are undone."""
    folder = download(f"models:/{NAME}/1", params.registry)
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup)
    yield folder
    shutil.rmtree(folder)
    backup.rename(folder)


def files_of(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def trusting(params, *keys):
    registry = params.registry.model_copy(update={"trusted_keys": list(keys)})
    return params.model_copy(update={"registry": registry})


def error_of(function, *arguments):
    """The UserError that a call raises."""
    with pytest.raises(UserError) as error:
        function(*arguments)
    return error.value


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def test_an_unchanged_version(params):
    verification = verify(params, f"{NAME}/1")
    (own_key,) = signing.trusted_keys()
    assert (verification.signer, verification.trusted) == (own_key, True)
    assert str(verification) == (
        f"{NAME} version 1: unchanged, files and {len(verification.tags)} tags signed by {own_key}"
    )
    assert len(verification.tags) >= 6
    assert signing.KEY.stat().st_mode & 0o777 == 0o600


def test_a_changed_byte_of_any_file_is_detected(params, stored):
    names = [name for name in files_of(stored) if name not in signing.UNSIGNED]
    names = [name for name in names if (stored / name).stat().st_size]
    code = [name for name in names if name.startswith("code/")]
    assert {"MLmodel", "requirements.txt"} < {*names}
    names = [name for name in names if name not in code] + code[::50]
    for name in names:
        path = stored / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        error = error_of(verify, params, f"{NAME}/1")
        assert (error.code, error.exit_code) == ("signed-file-changed", 1)
        assert f"changed: {name} is not as it was signed" in str(error)
        path.write_bytes(content)
    verify(params, f"{NAME}/1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: (f / "MLmodel").unlink(), "signed-file-changed"),
        (lambda f: (f / "code.py").write_text("import os"), "signed-file-changed"),
        (lambda f: (f / signing.SIGNATURE).unlink(), "not-signed"),
        (lambda f: (f / signing.SIGNATURE).write_text("{}"), "signature-invalid"),
        (lambda f: (f / signing.SIGNATURE).write_text("[1]"), "signature-invalid"),
        (lambda f: (f / signing.SIGNATURE).write_text("[" * 200_000), "signature-invalid"),
        (lambda f: replace_by_pipe(f / signing.SIGNATURE), "signature-invalid"),
    ],
)
def test_a_changed_version_is_neither_fetched_nor_loaded(params, stored, change, code):
    change(stored)
    assert error_of(verify, params, f"{NAME}/1").code == code
    assert error_of(model_files, f"models:/{NAME}/1", params.registry).code == code


def test_plain_mlflow_refuses_a_changed_version_too(params, stored):
    """MLflow's own server loads a model like this, without any command of `stylefuse`."""
    load_mlflow()
    import mlflow

    mlflow.pyfunc.load_model(str(stored))
    limits = next(stored.rglob("serving.json"))
    limits.write_text(limits.read_text().replace("40000000", "90000000"))
    error = error_of(mlflow.pyfunc.load_model, str(stored))
    assert error.code == "signed-file-changed"
    assert "serving.json is not as it was signed" in str(error)


def test_a_list_of_hashes_that_was_changed_with_its_file_is_detected(params, stored):
    path = stored / "requirements.txt"
    path.write_text("evil==1.0\n")
    signature = json.loads((stored / signing.SIGNATURE).read_text())
    signature["files"]["requirements.txt"] = sha256(path)
    (stored / signing.SIGNATURE).write_text(json.dumps(signature))
    assert error_of(verify, params, f"{NAME}/1").code == "signature-invalid"


def test_the_signer_must_be_trusted(params, stored, tmp_path, monkeypatch):
    (own_key,) = signing.trusted_keys()
    monkeypatch.setenv(signing.KEY_VARIABLE, str(tmp_path / "other.key"))
    verification = verify(params, f"{NAME}/1")  # no trusted keys are configured
    assert (verification.signer, verification.trusted) == (own_key, False)
    assert "no trusted keys are configured" in str(verification)
    error = error_of(verify, trusting(params, SOMEONE), f"{NAME}/1")
    assert error.code == "signer-not-trusted"
    assert "registry.trusted_keys" in str(error)
    assert verify(trusting(params, SOMEONE, own_key), f"{NAME}/1").trusted

    assert sign_version(params, f"{NAME}/1") == f"{NAME} version 1: signed"
    verification = verify(params, f"{NAME}/1")
    assert verification.signer != own_key
    monkeypatch.delenv(signing.KEY_VARIABLE)
    assert error_of(verify, params, f"{NAME}/1").code == "signer-not-trusted"
    monkeypatch.setenv(signing.TRUSTED_VARIABLE, f"{SOMEONE}, {verification.signer}")
    assert verify(params, f"{NAME}/1").trusted


def test_the_code_of_another_commit_than_the_signed_one_is_not_executed(params):
    client = open_store(params.registry)
    signed = client.get_model_version(NAME, "1").tags.get("git.commit")
    head = subprocess.run([*GIT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    client.set_model_version_tag(NAME, "1", "git.commit", head.strip() or "main")
    try:
        if signed:
            assert error_of(reproduce, params, f"{NAME}/1").code == "version-changed"
        else:
            assert error_of(reproduce, params, f"{NAME}/1").code == "version-without-commit"
    finally:
        client.delete_model_version_tag(NAME, "1", "git.commit")
        if signed:
            client.set_model_version_tag(NAME, "1", "git.commit", signed)


def test_a_version_that_nobody_registered_is_not_compared(params, tmp_path):
    client = open_store(params.registry)
    foreign = client.create_model_version(NAME, f"file://{tmp_path}").version
    client.set_registered_model_alias(NAME, "challenger", foreign)
    try:
        assert error_of(decide, params, "transfer").code == "version-foreign"
    finally:
        client.set_registered_model_alias(NAME, "challenger", "2")
        client.delete_model_version(NAME, foreign)


def test_the_files_of_another_version_are_detected(params, stored):
    other = download(f"models:/{NAME}/2", params.registry)
    shutil.rmtree(stored)
    shutil.copytree(other, stored)
    model_files(f"models:/{NAME}/1", params.registry)  # the signature itself is valid
    error = error_of(verify, params, f"{NAME}/1")
    assert (error.code, error.exit_code) == ("version-changed", 1)


def test_a_changed_tag_is_detected(params):
    client = open_store(params.registry)
    before = client.get_model_version(NAME, "1").tags["params.sha256"]
    client.set_model_version_tag(NAME, "1", "params.sha256", "0" * 64)
    error = error_of(verify, params, f"{NAME}/1")
    client.set_model_version_tag(NAME, "1", "params.sha256", before)
    assert (error.code, error.exit_code) == ("version-changed", 1)
    assert f"tag params.sha256 was {before}, is 0000" in str(error)


def test_a_file_that_is_not_a_usable_key(tmp_path, monkeypatch):
    key = tmp_path / "odd.key"
    monkeypatch.setenv(signing.KEY_VARIABLE, str(key))
    key.write_text("no key")
    assert error_of(signing.sign, tmp_path).code == "signing-key-damaged"
    make_key = ["openssl", "genpkey", "-algorithm", "x25519", "-out", str(key)]
    subprocess.run(make_key, check=True, capture_output=True)
    error = error_of(signing.sign, tmp_path)
    assert error.code == "signing-key-damaged"
    assert str(error) == (
        f"{key} is not an Ed25519 key; `openssl genpkey -algorithm ed25519` makes one"
    )


def test_uncommitted_changes_are_registered_only_if_that_is_allowed(
    shared_folder, tmp_path, monkeypatch
):
    name = "stylefuse-restore"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it
    make_project(tmp_path, "restore")
    copy_empty_store(shared_folder, tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().replace("allow_dirty: true", "allow_dirty: false"))
    Path(".gitignore").write_text("/mlflow/\n/models/\n")
    error = error_of(register, load_params(), "restore")
    assert error.code == "uncommitted-changes"
    assert "not a git repository" in str(error)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*GIT, *command], check=True)
    Path("reports").mkdir()
    Path("reports/page.html").write_text("a result of the pipeline does not count")
    Path("new.py").write_text("an uncommitted file")
    error = error_of(register, load_params(), "restore")
    assert error.code == "uncommitted-changes"
    assert "no commit has new.py)" in str(error)

    allowed = load_params().registry.model_copy(update={"allow_dirty": True})
    register(load_params().model_copy(update={"registry": allowed}), "restore")
    version = open_store(allowed).get_model_version(name, "1")
    assert version.tags["git.dirty"] == "true"
    assert "with uncommitted changes" in version.description

    make_model(tmp_path / "models/restore", "restore", width=4, blocks=2, code=8)
    Path("new.py").unlink()
    assert register(load_params(), "restore").created
    assert open_store(allowed).get_model_version(name, "2").tags["git.dirty"] == "false"


def test_a_copy_is_verified_and_belongs_to_its_owner_alone(params, stored, tmp_path):
    models = f"models:/{NAME}/1", str(stored)
    for number, model in enumerate(models):
        copy = verified_copy(model, params.registry, tmp_path / f"copy-{number}")
        assert copy.is_relative_to(tmp_path)
        assert {*files_of(stored)} <= {*files_of(copy)}
    (stored / "MLmodel").write_text("changed")
    for number, model in enumerate(models):
        error = error_of(verified_copy, model, params.registry, tmp_path / f"changed-{number}")
        assert error.code == "signed-file-changed"


def test_a_version_that_would_fill_the_disk_is_not_copied(params, stored, tmp_path, monkeypatch):
    """Whoever may write to the store can add files, and a copy is made before it is verified."""
    with (stored / "more").open("wb") as more:
        more.truncate(200_000_000)
    monkeypatch.setattr(fetch, "MAX_VERSION_BYTES", 100_000_000)
    error = error_of(verified_copy, f"models:/{NAME}/1", params.registry, tmp_path / "copy")
    assert error.code == "version-too-large"
    assert files_of(tmp_path) == []


def test_a_version_with_another_loader_is_not_of_this_project(params, stored, tmp_path):
    """Not even if somebody signed it with this project's key."""
    add_foreign_loader(stored, tmp_path / "executed")
    (stored / signing.SIGNATURE).write_text(signing.sign(stored))
    error = error_of(verified_copy, str(stored), params.registry, tmp_path / "copy")
    assert error.code == "model-foreign"
    assert not (tmp_path / "executed").exists()


def test_a_link_beside_the_signed_files_is_refused(params, stored, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (stored / "more").symlink_to(tmp_path / "elsewhere")
    for function, *arguments in (
        (verify, params, f"{NAME}/1"),
        (verified_copy, str(stored), params.registry, tmp_path / "copy"),
    ):
        error = error_of(function, *arguments)
        assert error.code == "signed-file-changed"
        assert "more is a link" in str(error)


def test_compiled_code_which_nobody_signed_is_deleted(params, stored, tmp_path):
    """Python would execute it in the place of the signed source."""
    compiled = stored / "code/stylefuse/__pycache__/__init__.cpython-311.pyc"
    for function, *arguments in (
        (verify, params, f"{NAME}/1"),
        (verified_copy, str(stored), params.registry, tmp_path / "copy"),
    ):
        compiled.parent.mkdir(exist_ok=True)
        compiled.write_bytes(b"code")
        function(*arguments)
        assert not compiled.exists() or function is verified_copy
    assert not list((tmp_path / "copy").rglob("__pycache__"))


def test_what_is_neither_file_nor_folder_is_not_copied(params, stored, tmp_path):
    os.mkfifo(stored / "pipe")
    error = error_of(verified_copy, str(stored), params.registry, tmp_path / "copy")
    assert error.code == "model-unreadable"
