"""A signature over every file of a registered version, so that a changed byte is found.

`signature.json` lies beside the files: the SHA-256 of each, and an Ed25519 signature (RFC 8032) of
that list. Who registers has a private key of their own; who serves says whom they trust.
"""

import base64
import json
import os
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
from stylefuse.fileio import sha256

SIGNATURE = "signature.json"
UNSIGNED = {SIGNATURE, "registered_model_meta"}  # MLflow adds the latter when it fetches a version
KEY, KEY_VARIABLE = Path("mlflow/signing.key"), "STYLEFUSE_SIGNING_KEY"
TRUSTED_VARIABLE = "STYLEFUSE_TRUSTED_KEYS"


def sign(folder: Path) -> str:
    """The text of `signature.json` for the files of a folder, by this project's own key."""
    key, files = _own_key(), _sums(folder)
    return (
        json.dumps(
            {
                "files": files,
                "key": _text(key.public_key()),
                "signature": base64.b64encode(key.sign(_message(files))).decode(),
            },
            indent=1,
        )
        + "\n"
    )


def check(folder: Path, trusted: Collection[str], name: str | None = None) -> str:
    """See that a folder holds what was signed, by someone who is trusted.

    Args:
        folder: with `signature.json`.
        trusted: public keys, as `trusted_keys` gives them; none where nobody said whom to trust,
            and then any key will do.
        name: what messages call the folder.

    Returns:
        The signer's public key.

    Raises:
        UserError: there is no signature, or not of these files, or not by one who is trusted.
    """
    name = name or str(folder)
    try:
        told = json.loads((folder / SIGNATURE).read_text())
        files, signer = dict(told["files"]), str(told["key"])
        _public_key(signer).verify(base64.b64decode(told["signature"]), _message(files))
    except FileNotFoundError:
        raise UserError(
            f"{name} is not signed; if you know where it is from, `stylefuse sign` signs it"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
        raise UserError(f"{name} has a signature that is not valid; it was changed") from None
    found = _sums(folder)
    for path in sorted(files.keys() | found.keys()):
        if files.get(path) != found.get(path):
            what = "is missing" if path not in found else "is not as it was signed"
            raise UserError(f"{name} was changed: {path} {what}")
    if trusted and signer not in trusted:
        raise UserError(
            f"{name} is signed by {signer}, who is not trusted here; if you do, add that key to "
            "registry.trusted_keys in params.yaml"
        )
    return signer


def trusted_keys(others: Collection[str] = ()) -> set[str]:
    """Public keys of those who are trusted.

    Args:
        others: beside this project's own key and those that STYLEFUSE_TRUSTED_KEYS names.
    """
    named = os.environ.get(TRUSTED_VARIABLE, "").replace(",", " ").split()
    own = {_text(_own_key().public_key())} if key_file().exists() else set()
    return own | {*named} | {*others}


def key_file() -> Path:
    """Where the private key is of whoever registers here: the file that STYLEFUSE_SIGNING_KEY
    names, else one beside the store."""
    return Path(os.environ.get(KEY_VARIABLE) or KEY).absolute()


def _own_key() -> Ed25519PrivateKey:
    """The private key, made when it is first needed."""
    path = key_file()
    if not path.exists():
        _make_key(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} is not a key that can be read ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(
            f"{path} is not an Ed25519 key; `openssl genpkey -algorithm ed25519` makes one"
        )
    return key


def _make_key(path: Path) -> None:
    """Write a key whole or not at all; of two at once, one is kept."""
    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(0o600)
    draft.write_bytes(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _sums(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256(named[name]) for name in sorted(named) if name not in UNSIGNED}


def _message(files: dict[str, str]) -> bytes:
    return json.dumps(files, sort_keys=True, separators=(",", ":")).encode()


def _text(key: Ed25519PublicKey) -> str:
    return f"ed25519:{base64.b64encode(key.public_bytes_raw()).decode()}"


def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("ed25519:")))
