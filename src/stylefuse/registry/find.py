"""A version's name → the version in the registry."""

from typing import TYPE_CHECKING

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.registry.store import exit_code, open_store, reason, registered_name

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def find_version(params: Params, name: str) -> tuple["ModelVersion", str]:
    """A version, and what `params.yaml` calls its model.

    Args:
        params: tell the registry.
        name: `stylefuse-NAME@ALIAS` or `stylefuse-NAME/VERSION`, also with `models:/` before it.

    Raises:
        UserError: there is no such version.
    """
    client = open_store(params.registry)
    told_name = name.removeprefix("models:/")
    wanted, at, alias = told_name.partition("@")
    if not at:
        wanted, _, number = told_name.partition("/")
    models = {registered_name(model): model for model in params.models}
    if wanted not in models or not (alias if at else number):
        raise UserError(f"{name} is no version; name one like {next(iter(models))}@champion")
    from mlflow.exceptions import MlflowException

    try:
        if at:
            return client.get_model_version_by_alias(wanted, alias), models[wanted]
        return client.get_model_version(wanted, number), models[wanted]
    except MlflowException as error:
        raise UserError(f"{name} cannot be found ({reason(error)})", exit_code(error)) from None
