"""Flows that change the champion manually; the reason is recorded."""

from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed, State
from pydantic import Field

from flows.command import report_user_errors
from flows.notifications import TELL_FAILURES, tell
from stylefuse.config import load_params
from stylefuse.registry import promotion

Reason = Annotated[str, Field(min_length=1, max_length=4000, description="recorded")]
Version = Annotated[int, Field(ge=1, description="number of a registered version")]


@flow(name="promote", **TELL_FAILURES)
@report_user_errors
def promote(model: str, version: Version, reason: Reason) -> State:
    """Make a version the champion without asking the gate.

    Args:
        model: its name in params.yaml.
        version: number of a registered version.
        reason: recorded.
    """
    return _show_move(model, promotion.promote(load_params().registry, model, version, reason))


@flow(name="rollback", **TELL_FAILURES)
@report_user_errors
def rollback(model: str, reason: Reason) -> State:
    """Make the previous champion the champion again.

    Args:
        model: its name in params.yaml.
        reason: recorded; the gate does not promote the version that was rolled back again.
    """
    return _show_move(model, promotion.rollback(load_params().registry, model, reason))


def _show_move(model: str, move: promotion.Move) -> State:
    create_markdown_artifact(str(move), f"champion-{model}", str(move))
    tell("rolled-back" if move.back else "promoted", str(move))
    return Completed(message=str(move))
