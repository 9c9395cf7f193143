"""A version in the registry is what was registered, or is refused wherever it would be used."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry.fetch import download, model_files
from stylefuse.registry.integrity import signing
from stylefuse.registry.integrity.verify import sign_version, verify
from stylefuse.registry.register import register
from stylefuse.registry.store import load_mlflow, open_store
from tests.support.models import SHAPES, make_model, make_project

NAME = "stylefuse-restore"
GIT = ("git", "-c", "user.name=tester", "-c", "user.email=tester@example.org")
SOMEONE = signing._text(Ed25519PrivateKey.generate().public_key())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A store with two versions of a model."""
    folder = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("MLFLOW_TRACKING_URI", signing.KEY_VARIABLE, signing.TRUSTED_VARIABLE):
            patch.delenv(name, raising=False)
        make_project(folder)
        for blocks in (1, 2):
            shape = {**SHAPES["restore"], "blocks": blocks}
            make_model(folder / "models/restore", "restore", **shape)
            register(load_params(), "restore")
        yield folder


@pytest.fixture
def params(project):
    return load_params()


@pytest.fixture
def stored(params):
    """Where the first version lies in the store; what a test does to it is undone."""
    folder = download(f"models:/{NAME}/1", params.registry)
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)


def files_of(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def trusting(params, *keys):
    registry = params.registry.model_copy(update={"trusted_keys": list(keys)})
    return params.model_copy(update={"registry": registry})


def test_a_version_is_what_was_registered(params):
    verified = verify(params, f"{NAME}/1")
    (own,) = signing.trusted_keys()
    assert (verified.signer, verified.trusted) == (own, True)
    assert str(verified) == (
        f"{NAME} version 1: as it was signed by {own}; so are {verified.tags} tags"
    )
    assert verified.tags >= 6
    assert signing.KEY.stat().st_mode & 0o777 == 0o600


def test_a_changed_byte_of_any_file_is_found_and_refused(params, stored):
    names = [name for name in files_of(stored) if name not in signing.UNSIGNED]
    assert {"MLmodel", "requirements.txt"} < {*names}
    for name in names:
        path = stored / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(UserError, match=f"changed: {name} is not as it was signed") as error:
            verify(params, f"{NAME}/1")
        assert error.value.exit_code == 1
        path.write_bytes(content)
    verify(params, f"{NAME}/1")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: (f / "MLmodel").unlink(), "changed: MLmodel is missing"),
        (lambda f: (f / "code.py").write_text("import os"), "code.py is not as it was signed"),
        (lambda f: (f / signing.SIGNATURE).unlink(), "is not signed; .*`stylefuse sign`"),
        (lambda f: (f / signing.SIGNATURE).write_text("{}"), "signature that is not valid"),
        (lambda f: (f / signing.SIGNATURE).write_text("[1]"), "signature that is not valid"),
    ],
)
def test_whatever_was_changed_is_neither_fetched_nor_loaded(params, stored, change, complaint):
    change(stored)
    for use in (verify, lambda params, name: model_files(f"models:/{name}", params.registry)):
        with pytest.raises(UserError, match=complaint):
            use(params, f"{NAME}/1")


def test_plain_mlflow_refuses_it_too(params, stored):
    """Where nobody calls `stylefuse`: MLflow's own server loads a model like this."""
    load_mlflow()
    import mlflow

    mlflow.pyfunc.load_model(str(stored))
    limits = next(stored.rglob("serving.json"))
    limits.write_text(limits.read_text().replace("40000000", "90000000"))
    with pytest.raises(UserError, match=r"serving\.json is not as it was signed"):
        mlflow.pyfunc.load_model(str(stored))


def test_a_list_that_was_changed_with_its_file_is_no_valid_one(params, stored):
    (stored / "requirements.txt").write_text("evil==1.0\n")
    path = stored / signing.SIGNATURE
    told = json.loads(path.read_text())
    told["files"] = signing._sums(stored)
    path.write_text(json.dumps(told))
    with pytest.raises(UserError, match="signature that is not valid"):
        verify(params, f"{NAME}/1")


def test_the_signer_must_be_one_who_is_trusted(params, stored, tmp_path, monkeypatch):
    (own,) = signing.trusted_keys()
    monkeypatch.setenv(signing.KEY_VARIABLE, str(tmp_path / "other.key"))
    verified = verify(params, f"{NAME}/1")  # here no one has said whom to trust
    assert (verified.signer, verified.trusted) == (own, False)
    assert "nobody here calls trusted" in str(verified)
    with pytest.raises(UserError, match=r"is not trusted here; .*registry\.trusted_keys"):
        verify(trusting(params, SOMEONE), f"{NAME}/1")
    assert verify(trusting(params, SOMEONE, own), f"{NAME}/1").trusted

    assert sign_version(params, f"{NAME}/1") == f"{NAME} version 1: signed"
    verified = verify(params, f"{NAME}/1")
    assert verified.signer != own
    monkeypatch.delenv(signing.KEY_VARIABLE)
    with pytest.raises(UserError, match="is not trusted here"):
        verify(params, f"{NAME}/1")
    monkeypatch.setenv(signing.TRUSTED_VARIABLE, f"{SOMEONE}, {verified.signer}")
    assert verify(params, f"{NAME}/1").trusted


def test_another_version_in_its_place_is_found(params, stored):
    other = download(f"models:/{NAME}/2", params.registry)
    shutil.rmtree(stored)
    shutil.copytree(other, stored)
    model_files(f"models:/{NAME}/1", params.registry)  # every byte is signed
    with pytest.raises(UserError, match="its files are another version's"):
        verify(params, f"{NAME}/1")


def test_a_tag_that_was_changed_is_found(params):
    client = open_store(params.registry)
    before = client.get_model_version(NAME, "1").tags["params.sha256"]
    client.set_model_version_tag(NAME, "1", "params.sha256", "0" * 64)
    with pytest.raises(UserError, match=f"tag params.sha256 was {before}, is 0000") as error:
        verify(params, f"{NAME}/1")
    assert error.value.exit_code == 1
    client.set_model_version_tag(NAME, "1", "params.sha256", before)


def test_a_key_that_is_none_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(signing.KEY_VARIABLE, str(tmp_path / "odd.key"))
    (tmp_path / "odd.key").write_text("no key")
    with pytest.raises(UserError, match=r"odd\.key is not a key that can be read"):
        signing.sign(tmp_path)
    made = ["openssl", "genpkey", "-algorithm", "x25519", "-out", str(tmp_path / "odd.key")]
    subprocess.run(made, check=True, capture_output=True)
    with pytest.raises(UserError, match="is not an Ed25519 key"):
        signing.sign(tmp_path)


def test_what_no_commit_has_is_not_registered_unless_that_is_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it
    make_project(tmp_path, "restore")
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().replace("allow_dirty: true", "allow_dirty: false"))
    Path(".gitignore").write_text("/mlflow/\n/models/\n")
    with pytest.raises(UserError, match=r"not a git repository.*commit, and register then"):
        register(load_params(), "restore")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*GIT, *command], check=True)
    Path("reports").mkdir()
    Path("reports/page.html").write_text("a result is no reason")
    Path("new.py").write_text("a reason")
    with pytest.raises(UserError, match=r"no commit has new\.py\)"):
        register(load_params(), "restore")

    allowed = load_params().registry.model_copy(update={"allow_dirty": True})
    register(load_params().model_copy(update={"registry": allowed}), "restore")
    version = open_store(allowed).get_model_version(NAME, "1")
    assert version.tags["git.dirty"] == "true"
    assert "with uncommitted changes" in version.description

    make_model(tmp_path / "models/restore", "restore", width=4, blocks=2, code=8)
    Path("new.py").unlink()
    assert register(load_params(), "restore").created
    assert open_store(allowed).get_model_version(NAME, "2").tags["git.dirty"] == "false"
