"""A version's name → the version in the registry."""

from typing import TYPE_CHECKING

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.registry.store import (
    CHAMPION,
    exit_code,
    is_missing,
    open_store,
    reason,
    registered_name,
    require_store,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def find_version(params: Params, name: str) -> tuple["ModelVersion", str]:
    """A version, and what `params.yaml` calls its model.

    Args:
        params: tell the registry.
        name: `MODEL@ALIAS`, `MODEL/NUMBER`, or `MODEL` for its champion, where MODEL is what
            `params.yaml` or the registry calls it; also with `models:/` before it.

    Raises:
        UserError: there is no such version.
    """
    told, at, alias = name.removeprefix("models:/").partition("@")
    told, slash, number = told.partition("/")
    models = {registered_name(model): model for model in params.models}
    wanted = registered_name(told) if told in params.models else told
    if wanted not in models:
        known = ", ".join(params.models)
        raise UserError(f"{name} names none of this project's models, which are {known}")
    require_store(params.registry)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    try:
        if slash:
            return client.get_model_version(wanted, number), models[wanted]
        return client.get_model_version_by_alias(wanted, alias if at else CHAMPION), models[wanted]
    except MlflowException as error:
        if is_missing(error) or not number.isdecimal():
            told = f"there is no version {name}; `stylefuse models` lists those there are"
            raise UserError(told) from None
        raise UserError(f"{name} cannot be found ({reason(error)})", exit_code(error)) from None
