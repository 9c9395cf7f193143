"""Verifies that a registered version is unchanged: its files, its signature and its tags."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.inference.model_folder import weights_hash
from stylefuse.registry.fetch import download, model_files, read_mlmodel
from stylefuse.registry.integrity.signing import SIGNATURE, sign, trusted_keys, verify_signature
from stylefuse.registry.store import WEIGHTS_TAG, open_store
from stylefuse.registry.versions import find_version

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

EXIT_CHANGED = 1  # a version is not what was registered


@dataclass(frozen=True)
class Verification:
    """A version that is unchanged.

    Attributes:
        version: `NAME version N`.
        signer: a public key.
        trusted: whether the signer is among the trusted keys; False if there are none.
        tags: of the version, all that are signed.
    """

    version: str
    signer: str
    trusted: bool
    tags: Mapping[str, str]

    def __str__(self) -> str:
        trust = "" if self.trusted else " (no trusted keys are configured)"
        return (
            f"{self.version}: unchanged, files and {len(self.tags)} tags signed by "
            f"{self.signer}{trust}"
        )


def verify(params: Params, name: str) -> Verification:
    """Check that a version's files and tags are those that were registered.

    Args:
        params: the models, the registry and its trusted keys.
        name: of the version, see `find_version`.

    Raises:
        UserError: the version was changed (exit code 1), or there is no such version.
    """
    version, _ = find_version(params, name)
    title = f"{version.name} version {version.version}"
    trusted = trusted_keys(params.registry.trusted_keys)
    folder = download(f"models:/{version.name}/{version.version}", params.registry)
    try:
        signer = verify_signature(folder, trusted, title)
    except UserError as error:
        raise UserError(str(error), EXIT_CHANGED, code=error.code) from None
    mlmodel = read_mlmodel(folder)
    metadata = mlmodel.get("metadata")
    signed_tags = metadata if isinstance(metadata, dict) else {}
    _check_record(version, mlmodel, signed_tags, title)
    if weights_hash(model_files(str(folder), params.registry)) != version.tags.get(WEIGHTS_TAG):
        raise _changed(title, "it has the weights of another version")
    return Verification(title, signer, bool(trusted), signed_tags)


def sign_version(params: Params, name: str) -> str:
    """Sign a version as it is in the registry, replacing its signature.

    Args:
        params: the models and the registry.
        name: of the version, see `find_version`.

    Returns:
        A message for users.

    Raises:
        UserError: there is no such version, or the store is unreachable.
    """
    version, _ = find_version(params, name)
    folder = download(f"models:/{version.name}/{version.version}", params.registry)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / SIGNATURE
        path.write_text(sign(folder))
        model_id = version.source.rpartition("/")[2]
        open_store(params.registry).log_model_artifact(model_id, str(path))
    return f"{version.name} version {version.version}: signed"


def _check_record(
    version: "ModelVersion", mlmodel: dict[str, Any], signed_tags: dict[str, str], title: str
) -> None:
    """Compare the registry's record of a version with its signed `MLmodel`."""
    recorded = version.run_id, version.source
    if (mlmodel.get("run_id"), f"models:/{mlmodel.get('model_id')}") != recorded:
        raise _changed(title, "it has the files of another version")
    for tag, value in signed_tags.items():
        if version.tags.get(tag) != value:
            raise _changed(title, f"tag {tag} was {value}, is {version.tags.get(tag, 'missing')}")


def _changed(title: str, difference: str) -> UserError:
    return UserError(
        f"{title} was changed: {difference}; register the model again",
        EXIT_CHANGED,
        code="version-changed",
    )
