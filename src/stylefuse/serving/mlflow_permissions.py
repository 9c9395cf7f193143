"""Lets the administrator of a team's server restrict an account.

MLflow takes the default permission for a minimum: who was granted READ may still do what EDIT
allows, and every account may create experiments and models. Here a grant is what it says, and the
default is for accounts without one.
"""

from typing import Any

VIEWED = ("experiment", "registered_model")  # types of resources that an account may only view


def apply_grants() -> None:
    """Change how MLflow's accounts are resolved, in this process."""
    from mlflow.server import auth
    from mlflow.server.auth import requirements

    for module in (auth, requirements):
        _replace(module, "floor_positive_permission", _granted)
    _replace(auth, "_can_create_in_workspace", _may_create)


def _replace(module: Any, name: str, function: Any) -> None:
    """Replace a function, which must exist: another release of MLflow may name it otherwise."""
    getattr(module, name)
    setattr(module, name, function)


def _granted(permission: Any, default_permission: str) -> Any:
    """The permission that was granted, also if it is less than the default."""
    return permission


def _may_create(username: str) -> bool:
    """Whether an account may create experiments and models: not if it may only read all others."""
    from mlflow.server import auth
    from mlflow.server.auth.permissions import GrantLoadKey
    from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

    keys = [GrantLoadKey(resource, "*") for resource in VIEWED]
    grants = auth.resolve_permissions(username, DEFAULT_WORKSPACE_NAME, keys)
    return all(grant is None or grant.can_update for grant in grants)
