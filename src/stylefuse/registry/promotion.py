"""Promotion and rollback: which version is champion, changed completely or not at all.

MLflow changes one alias or one tag at a time. A move is therefore noted in the store first, then
carried out in steps that may be repeated; after a crash, the next caller on any machine finishes
it, or drops it if the champion has changed meanwhile. The alias, which servers read, is changed
last.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stylefuse.config import Registry
from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.registry.pages.markdown import set_description
from stylefuse.registry.pages.version_page import CHAMPION_HISTORY, champion_history
from stylefuse.registry.promotion_lock import PromotionLock, claims
from stylefuse.registry.store import (
    CHAMPION,
    error_reason,
    exit_code,
    open_store,
    registered_name,
    require_store,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVED_TAG = "stylefuse.champion"  # of a version: when and why it became champion
LEFT_TAG = "stylefuse.rolled_back"  # of a former champion: when and why it was rolled back
HISTORY_TAG = "stylefuse.moves"  # of a registered model: prefix of a tag per move, with its time
MAX_REASON_LENGTH = 4000  # characters; MLflow keeps 5,000 of a tag

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Move:
    """A change of the alias `champion` from one version to another.

    Attributes:
        name: of the registered model.
        version: the new champion.
        before: the champion until then, if there was one.
        reason: for the change.
        at: UTC, ISO 8601.
        back: whether this is a rollback.
    """

    name: str
    version: int
    before: int | None
    reason: str
    at: str
    back: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Move":
        """The move that `asdict` has turned into `values`, in this release or an earlier one.

        Raises:
            ValueError: it is none; whoever may write to the store may have written it.
        """
        try:
            move = cls(**{field.name: values[field.name] for field in fields(cls)})
        except (KeyError, TypeError):
            raise ValueError("this is no change of a champion") from None
        texts, versions = (move.name, move.reason, move.at), (move.version, move.before)
        are_texts = all(isinstance(text, str) for text in texts)
        are_versions = all(version is None or type(version) is int for version in versions)
        if not are_texts or not are_versions or move.version is None:
            raise ValueError("this is no change of a champion")
        return move

    def __str__(self) -> str:
        was = f" (was {self.before})" if self.before else ""
        action = "rolled back to" if self.back else "promoted:"
        return f"{self.name} {action} version {self.version}{was}: {self.reason}"


def promote(
    registry: Registry, model: str, version: int, reason: str, expected: int | None = None
) -> Move:
    """Make a version the champion.

    Args:
        registry: the section of `params.yaml` with the store's address.
        model: its name in `params.yaml`.
        version: number of the version.
        reason: is kept in the promotion history.
        expected: the version that must be champion until then; None for any.

    Raises:
        UserError: there is no such version, it is the champion already, another version than the
            expected one is, or a promotion is in progress.
    """
    name = registered_name(model)
    _check_reason(reason)
    with _locked_champion(registry, name) as (client, lock):
        champion = champion_version(client, name)
        _require_version(client, name, version)
        if champion == version:
            raise UserError(
                f"version {version} of {name} is the champion already", code="already-champion"
            )
        if expected is not None and champion != expected:
            raise UserError(
                f"the champion of {name} is now version {champion}, not {expected}; run "
                f"`stylefuse gate {model}` again",
                code="champion-changed",
            )
        return _move(client, lock, Move(name, version, champion, reason, _now()))


def rollback(registry: Registry, model: str, reason: str) -> Move:
    """Make the previous champion the champion again.

    A second rollback goes one version further back, until the first champion. The version that was
    rolled back is tagged, and the gate will not promote it again.

    Raises:
        UserError: there is no previous champion, the history is damaged, or a promotion is in
            progress.
    """
    name = registered_name(model)
    _check_reason(reason)
    with _locked_champion(registry, name) as (client, lock):
        champion = champion_version(client, name)
        if champion is None:
            raise UserError(f"{name} has no champion; run `make repro`", code="champion-missing")
        previous = next(reversed(_previous_champions(client, name)), None)
        if previous is None:
            raise UserError(
                f"version {champion} of {name} is its first champion: there is none to roll back "
                "to",
                code="first-champion",
            )
        _require_version(client, name, previous)
        return _move(client, lock, Move(name, previous, champion, reason, _now(), back=True))


def _previous_champions(client: "MlflowClient", name: str) -> list[int | None]:
    """The champions that rollbacks return to, the oldest first."""
    tags = client.get_registered_model(name).tags
    champions: list[int | None] = []
    for key in sorted(key for key in tags if key.startswith(HISTORY_TAG)):
        try:
            move = Move.from_dict(json.loads(tags[key]))
        except ValueError:
            raise UserError(
                f"the tag {key} of {name} is no record of a change of its champion; delete it",
                code="history-damaged",
            ) from None
        champions = champions[:-1] if move.back else [*champions, move.before]
    return champions


def champion_version(client: "MlflowClient", name: str) -> int | None:
    """The number of the champion, or None if no version is.

    Raises:
        UserError: there is no such registered model.
    """
    models = client.search_registered_models(f"name = '{name}'")
    if not models:
        raise UserError(f"{name} is not in the registry; run `make repro`", code="model-missing")
    version = models[0].aliases.get(CHAMPION)
    return int(version) if version else None


def recover(registry: Registry, model: str) -> None:
    """Finish a model's move that was interrupted, if there is one."""
    name = registered_name(model)
    client = open_store(registry)
    if client.search_registered_models(f"name = '{name}'") and claims(client, name):
        with _locked_champion(registry, name):
            pass


@contextmanager
def _locked_champion(
    registry: Registry, name: str
) -> Iterator[tuple["MlflowClient", PromotionLock]]:
    """The store, for one promotion of a model at a time; interrupted ones are finished first."""
    from mlflow.exceptions import MlflowException

    require_store(registry)
    client = open_store(registry)
    try:
        champion_version(client, name)
        lock = PromotionLock(client, name)
        interrupted = lock.acquire()
        try:
            for tag, claim in interrupted.items():
                if claim.plan:
                    _finish(client, name, claim.plan)
                lock.remove(tag)
            yield client, lock
        except BaseException:
            lock.give_up()
            raise
        lock.release()
    except MlflowException as error:
        status = exit_code(error)
        raise UserError(
            f"the champion could not be changed ({error_reason(error)}); run the command again",
            status,
            code="store-unreachable" if status == EXIT_TRY_AGAIN else "promotion-failed",
        ) from None


def _finish(client: "MlflowClient", name: str, plan: Mapping[str, Any]) -> None:
    """Carry out an interrupted move of a model, or drop it if it no longer fits what is in the
    store. One of another model is dropped: who wrote it may perhaps not move that one."""
    try:
        move = Move.from_dict(plan)
    except ValueError:
        logger.warning("dropped an interrupted change of %s that cannot be read", name)
        return
    if move.name != name:
        logger.warning("dropped a change of %s that was noted at %s", move.name, name)
        return
    versions = [version for version in (move.version, move.before) if version]
    exist = all(_exists(client, move.name, version) for version in versions)
    if exist and champion_version(client, move.name) in (move.before, move.version):
        _carry_out(client, move)
        logger.warning("finished an interrupted change of the champion: %s", move)
    else:
        logger.warning(
            "dropped an interrupted change, as the champion is another one now: %s", move
        )


def _check_reason(reason: str) -> None:
    if not 0 < len(reason.strip()) <= MAX_REASON_LENGTH:
        raise UserError(
            f"give a --reason of 1 to {MAX_REASON_LENGTH} characters", code="option-out-of-range"
        )


def _move(client: "MlflowClient", lock: PromotionLock, move: Move) -> Move:
    lock.write_plan(asdict(move))
    _carry_out(client, move)
    return move


def _carry_out(client: "MlflowClient", move: Move) -> None:
    """Change tags, page and alias. Every step sets a final value, so that all can be repeated."""
    event = f"{move.at}: {move.reason}"
    if move.back:
        client.set_model_version_tag(move.name, str(move.before), LEFT_TAG, event)
    else:
        version = client.get_model_version(move.name, str(move.version))
        client.set_model_version_tag(move.name, version.version, MOVED_TAG, event)
        if LEFT_TAG in version.tags:  # promoted by hand after its rollback
            client.delete_model_version_tag(move.name, version.version, LEFT_TAG)
    _update_page(client, move.name, str(move.before if move.back else move.version))
    record = json.dumps(asdict(move), ensure_ascii=False)
    client.set_registered_model_tag(move.name, f"{HISTORY_TAG}.{move.at}", record)
    client.set_registered_model_alias(move.name, CHAMPION, str(move.version))


def _update_page(client: "MlflowClient", name: str, version: str) -> None:
    """Show on a version's page when and why it became champion and was rolled back."""
    tags = client.get_model_version(name, version).tags
    lines = champion_history(tags.get(MOVED_TAG), tags.get(LEFT_TAG))
    set_description(client, name, version, CHAMPION_HISTORY, lines)


def _exists(client: "MlflowClient", name: str, version: int) -> bool:
    query = f"name = '{name}' and version_number = {version}"
    return bool(client.search_model_versions(query))


def _require_version(client: "MlflowClient", name: str, version: int) -> None:
    if not _exists(client, name, version):
        raise UserError(
            f"{name} has no version {version}; `stylefuse models` lists its versions",
            code="version-missing",
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
