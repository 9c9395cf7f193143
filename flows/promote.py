"""A champion chosen by hand, and the way back; both with a reason that is recorded."""

from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed, State
from pydantic import Field

from flows.command import report_user_errors
from stylefuse.config import load_params
from stylefuse.registry import promotion

Reason = Annotated[str, Field(min_length=1, max_length=4000, description="it is recorded")]
Version = Annotated[int, Field(ge=1, description="of the registered model")]


@flow(name="promote")
@report_user_errors
def promote(model: str, version: Version, reason: Reason) -> State:
    """Make a version the champion, whatever the gate says of it.

    Args:
        model: its name in params.yaml.
        version: of the registered model.
        reason: is recorded.
    """
    return _told(model, promotion.promote(load_params().registry, model, version, reason))


@flow(name="rollback")
@report_user_errors
def rollback(model: str, reason: Reason) -> State:
    """Make the champion before the present one champion again.

    Args:
        model: its name in params.yaml.
        reason: is recorded, and keeps the gate from promoting the same version again.
    """
    return _told(model, promotion.rollback(load_params().registry, model, reason))


def _told(model: str, move: promotion.Move) -> State:
    create_markdown_artifact(str(move), f"champion-{model}", str(move))
    return Completed(message=str(move))
