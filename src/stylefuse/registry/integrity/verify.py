"""Is a registered version what was registered? Its files, its signer, and what its tags say."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models.saving import weights_hash
from stylefuse.registry.fetch import download, model_files
from stylefuse.registry.integrity.signing import SIGNATURE, check, sign, trusted_keys
from stylefuse.registry.store import WEIGHTS_TAG, open_store
from stylefuse.registry.versions import find_version

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHANGED = 1  # exit code where a version is not what was registered


@dataclass(frozen=True)
class Verified:
    """A version that is what was registered.

    Attributes:
        version: `NAME version N`.
        signer: a public key.
        trusted: whether anyone said that the signer is to be trusted.
        tags: how many of the version's tags are signed with it.
    """

    version: str
    signer: str
    trusted: bool
    tags: int

    def __str__(self) -> str:
        known = "" if self.trusted else ", whom nobody here calls trusted"
        return f"{self.version}: as it was signed by {self.signer}{known}; so are {self.tags} tags"


def verify(params: Params, name: str) -> Verified:
    """See that a version's files and its tags are those that were registered.

    Args:
        params: tell the registry and whom to trust.
        name: see `find_version`.

    Raises:
        UserError: they are not (exit code 1), or there is no such version.
    """
    version, _ = find_version(params, name)
    title = f"{version.name} version {version.version}"
    trusted = trusted_keys(params.registry.trusted_keys)
    folder = download(f"models:/{version.name}/{version.version}", params.registry)
    try:
        signer = check(folder, trusted, title)
    except UserError as error:
        raise UserError(str(error), CHANGED) from None
    described = yaml.safe_load((folder / "MLmodel").read_text())
    signed = described.get("metadata") or {}
    if fault := _fault(version, described, signed):
        raise UserError(f"{title} was changed: {fault}", CHANGED)
    if weights_hash(model_files(str(folder), params.registry)) != version.tags.get(WEIGHTS_TAG):
        raise UserError(f"{title} was changed: it has the weights of another version", CHANGED)
    return Verified(title, signer, bool(trusted), len(signed))


def sign_version(params: Params, name: str) -> str:
    """Sign a version as it lies in the registry, whoever signed it before.

    Args:
        params, name: see `verify`.

    Returns:
        What was signed, in words.
    """
    version, _ = find_version(params, name)
    folder = download(f"models:/{version.name}/{version.version}", params.registry)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / SIGNATURE
        path.write_text(sign(folder))
        model_id = version.source.rpartition("/")[2]
        open_store(params.registry).log_model_artifact(model_id, str(path))
    return f"{version.name} version {version.version}: signed"


def _fault(
    version: "ModelVersion", described: dict[str, Any], signed: dict[str, str]
) -> str | None:
    """Where the registry's record of a version and its signed description differ."""
    if (described.get("run_id"), f"models:/{described.get('model_id')}") != (
        version.run_id,
        version.source,
    ):
        return "its files are another version's"
    for key, value in signed.items():
        if version.tags.get(key) != value:
            return f"its tag {key} was {value}, is {version.tags.get(key, 'gone')}"
    return None
