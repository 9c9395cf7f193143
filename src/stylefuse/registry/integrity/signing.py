"""Signatures over the files of a registered version, so that every change is detected.

`signature.json` lies beside the files: the SHA-256 of each, and an Ed25519 signature (RFC 8032) of
that list. Whoever registers versions signs them with a private key; whoever serves them lists the
trusted public keys.
"""

import base64
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from stylefuse.errors import UserError
from stylefuse.fileio import file_lock, read_document, sha256, write_atomically
from stylefuse.paths import REGISTRY_HOME

SIGNATURE = "signature.json"
UNSIGNED = {SIGNATURE, "registered_model_meta"}  # MLflow adds the latter to every download
KEY, KEY_VARIABLE = REGISTRY_HOME / "signing.key", "STYLEFUSE_SIGNING_KEY"
TRUSTED_VARIABLE = "STYLEFUSE_TRUSTED_KEYS"


def sign(folder: Path) -> str:
    """The text of `signature.json` for the files of a folder, signed with this project's key.

    Raises:
        UserError: the private key cannot be read.
    """
    key, files = _private_key(), _hashes(folder)
    signature = {
        "files": files,
        "key": public_key_text(key.public_key()),
        "signature": base64.b64encode(key.sign(_signed_bytes(files))).decode(),
    }
    return json.dumps(signature, indent=1) + "\n"


def verify_signature(folder: Path, trusted: Collection[str], name: str | None = None) -> str:
    """Check that the files of a folder are those that a trusted key signed.

    Args:
        folder: with `signature.json`.
        trusted: public keys, as `trusted_keys` returns them; if empty, any key is accepted.
        name: of the folder in messages.

    Returns:
        The signer's public key.

    Raises:
        UserError: there is no signature, it does not match the files, or its key is not trusted.
    """
    name = name or str(folder)
    try:
        signature = read_document(folder, SIGNATURE, json.loads)
        files, signer = dict(signature["files"]), str(signature["key"])
        _public_key(signer).verify(base64.b64decode(signature["signature"]), _signed_bytes(files))
    except FileNotFoundError:
        raise UserError(
            f"{name} is not signed; if you know where it comes from, `stylefuse sign` signs it",
            code="not-signed",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
        raise UserError(
            f"{name} has an invalid signature: it was changed; register the model again",
            code="signature-invalid",
        ) from None
    if link := next((path for path in folder.rglob("*") if path.is_symlink()), None):
        raise UserError(
            f"{name} was changed: {link.relative_to(folder)} is a link; register the model again",
            code="signed-file-changed",
        )
    hashes = _hashes(folder)
    for path in sorted(files.keys() | hashes.keys()):
        if files.get(path) != hashes.get(path):
            problem = "is missing" if path not in hashes else "is not as it was signed"
            raise UserError(
                f"{name} was changed: {path} {problem}; register the model again",
                code="signed-file-changed",
            )
    if trusted and signer not in trusted:
        raise UserError(
            f"{name} is signed by {signer}, which is not trusted here; to trust it, add that key "
            "to registry.trusted_keys in params.yaml",
            code="signer-not-trusted",
        )
    return signer


def trusted_keys(others: Collection[str] = ()) -> set[str]:
    """The trusted public keys.

    Args:
        others: keys in addition to this project's own and those in STYLEFUSE_TRUSTED_KEYS.
    """
    listed = os.environ.get(TRUSTED_VARIABLE, "").replace(",", " ").split()
    own = {public_key_text(_private_key().public_key())} if key_file().exists() else set()
    return own | {*listed} | {*others}


def key_file() -> Path:
    """The file of this project's private key: STYLEFUSE_SIGNING_KEY, or one beside the store."""
    return Path(os.environ.get(KEY_VARIABLE) or KEY).absolute()


def public_key_text(key: Ed25519PublicKey) -> str:
    """A public key as `registry.trusted_keys` lists it: `ed25519:` and Base64."""
    return f"ed25519:{base64.b64encode(key.public_bytes_raw()).decode()}"


def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("ed25519:")))


def _private_key() -> Ed25519PrivateKey:
    """The private key, created when it is first needed."""
    path = key_file()
    if not path.exists():
        with file_lock(path.with_suffix(".lock"), timeout_s=-1):
            if not path.exists():
                _create_key(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} is not a readable private key ({error}); restore it, or delete it to get a "
            "new one",
            code="signing-key-damaged",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(
            f"{path} is not an Ed25519 key; `openssl genpkey -algorithm ed25519` makes one",
            code="signing-key-damaged",
        )
    return key


def _create_key(path: Path) -> None:
    """Write a new key that only its owner may read."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def write(draft: Path) -> None:
        draft.touch(0o600)
        draft.chmod(0o600)
        draft.write_bytes(pem)

    write_atomically(path, write, durable=True)


def _hashes(folder: Path) -> dict[str, str]:
    """Path in the folder → SHA-256, for every signed file.

    Python writes `__pycache__` beside a version's code when MLflow imports it from there, and would
    execute what somebody else wrote there. Such folders are deleted: they are caches.
    """
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache, ignore_errors=True)  # what cannot be deleted is not as it was signed
    files = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    return {name: sha256(files[name]) for name in sorted(files) if name not in UNSIGNED}


def _signed_bytes(files: dict[str, str]) -> bytes:
    return json.dumps(files, sort_keys=True, separators=(",", ":")).encode()
