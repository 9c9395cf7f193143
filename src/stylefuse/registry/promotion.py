"""Which version is champion: moved by the gate or by hand, wholly or not at all, and back again.

MLflow changes an alias and a tag in one step each, and not several together. A move is therefore
written down first (the commit), then carried out in steps that may be repeated; whoever comes next
finishes what a crash has left. The alias, which servers read, is the last step.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.registry.pages.markdown import tell
from stylefuse.registry.pages.version_page import STANDING, standing_lines
from stylefuse.registry.store import (
    CHAMPION,
    exit_code,
    open_store,
    reason,
    registered_name,
    require_store,
    tracking_uri,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

HOME = Path("mlflow")
JOURNAL, LOCK = HOME / "promotion.json", HOME / "promotion.lock"
MOVED_TAG = "stylefuse.champion"  # of a version: when and why it became champion
LEFT_TAG = "stylefuse.rolled_back"  # of a version that was champion: when and why it is not now
HISTORY_TAG = "stylefuse.moves"  # of a registered model: one for each move, by its time
LONGEST_REASON = 4000  # characters
BUSY = 75  # exit code: try again


@dataclass(frozen=True)
class Move:
    """The alias `champion` goes from one version to another."""

    name: str  # of the registered model
    version: int
    before: int | None  # the champion until then
    reason: str
    at: str  # UTC, ISO 8601
    store: str  # a name for where it is registered
    back: bool = False  # whether this is a rollback

    def __str__(self) -> str:
        was = f" (was {self.before})" if self.before else ""
        how = "rolled back to" if self.back else "promoted:"
        return f"{self.name} {how} version {self.version}{was}: {self.reason}"


def promote(
    registry: Registry, model: str, version: int, why: str, expected: int | None = None
) -> Move:
    """Make a version the champion.

    Args:
        registry: the store.
        model: its name in `params.yaml`.
        version: of the registered model.
        why: is recorded.
        expected: the version that must be champion until then, if that matters.

    Raises:
        UserError: there is no such version, it is champion already, another one than the expected
            is, or a promotion is under way.
    """
    with _turn(registry) as client:
        name = registered_name(model)
        before = champion_of(client, name)
        _known(client, name, version)
        if before == version:
            raise UserError(f"version {version} of {name} is champion already")
        if expected is not None and before != expected:
            raise UserError(f"the champion of {name} is version {before} by now, not {expected}")
        return _move(client, Move(name, version, before, why, _now(), _store(registry)))


def rollback(registry: Registry, model: str, why: str) -> Move:
    """Make the version that was champion before the present one champion again.

    A second rollback goes one further back, until the first champion. The version left is marked,
    and the gate will not promote it again.

    Raises:
        UserError: there is none, or a promotion is under way.
    """
    with _turn(registry) as client:
        name = registered_name(model)
        present = champion_of(client, name)
        if present is None:
            raise UserError(f"{name} has no champion; run `make repro`")
        version = next(reversed(_earlier(client, name)), None)
        if version is None:
            raise UserError(f"version {present} of {name} is its first champion; none was before")
        _known(client, name, version)
        move = Move(name, version, present, why, _now(), _store(registry), back=True)
        return _move(client, move)


def _earlier(client: "MlflowClient", name: str) -> list[int | None]:
    """The champions before the present one, the oldest first: what moves have left."""
    tags = client.get_registered_model(name).tags
    left: list[int | None] = []
    for key in sorted(key for key in tags if key.startswith(HISTORY_TAG)):
        move = Move(**json.loads(tags[key]))
        left = left[:-1] if move.back else [*left, move.before]
    return left


def champion_of(client: "MlflowClient", name: str) -> int | None:
    """The version that is champion, if any is.

    Raises:
        UserError: there is no such registered model.
    """
    found = client.search_registered_models(f"name = '{name}'")
    if not found:
        raise UserError(f"{name} is not in the registry; run `make repro`")
    version = found[0].aliases.get(CHAMPION)
    return int(version) if version else None


def recover(registry: Registry) -> None:
    """Finish a move that was cut short, if there is one."""
    if JOURNAL.exists():
        with _turn(registry):
            pass


@contextmanager
def _turn(registry: Registry) -> Iterator["MlflowClient"]:
    """The store, for one promotion at a time; what an earlier one left undone is done first."""
    from mlflow.exceptions import MlflowException

    require_store(registry)
    HOME.mkdir(exist_ok=True)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel frees it with the process
        except BlockingIOError:
            raise UserError("another promotion is under way; try again after it", BUSY) from None
        client = open_store(registry)
        try:
            _finish(client, registry)
            yield client
        except MlflowException as error:
            told = f"the champion could not be changed ({reason(error)})"
            raise UserError(told, exit_code(error)) from None


def _finish(client: "MlflowClient", registry: Registry) -> None:
    """Carry out what was written down, in the store that it was written for; where its versions
    are gone, there is nothing to."""
    if not JOURNAL.exists():
        return
    move = Move(**json.loads(JOURNAL.read_text()))
    if move.store != _store(registry):
        raise UserError(f"{JOURNAL} holds a move to finish in another store; do that, or delete it")
    versions = [v for v in (move.version, move.before) if v]
    if all(_exists(client, move.name, version) for version in versions):
        _carry_out(client, move)
    else:
        JOURNAL.unlink()


def _move(client: "MlflowClient", move: Move) -> Move:
    if not 0 < len(move.reason.strip()) <= LONGEST_REASON:
        raise UserError(f"give a reason of at most {LONGEST_REASON} characters")
    draft = JOURNAL.with_suffix(".part")
    with draft.open("w") as file:
        json.dump(asdict(move), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(JOURNAL)
    _carry_out(client, move)
    return move


def _carry_out(client: "MlflowClient", move: Move) -> None:
    """Every step sets what it says whatever was there, so that all may be done twice."""
    if move.back:
        text = f"{move.at}: {move.reason}"
        client.set_model_version_tag(move.name, str(move.before), LEFT_TAG, text)
    else:
        text = f"{move.at}: {move.reason}"
        version = client.get_model_version(move.name, str(move.version))
        client.set_model_version_tag(move.name, version.version, MOVED_TAG, text)
        if LEFT_TAG in version.tags:  # someone has thought better of it
            client.delete_model_version_tag(move.name, version.version, LEFT_TAG)
    _show(client, move.name, str(move.before if move.back else move.version))
    record = json.dumps(asdict(move), ensure_ascii=False)
    client.set_registered_model_tag(move.name, f"{HISTORY_TAG}.{move.at}", record)
    client.set_registered_model_alias(move.name, CHAMPION, str(move.version))
    JOURNAL.unlink()


def _show(client: "MlflowClient", name: str, version: str) -> None:
    """Put on a version's page when and why it became champion and was rolled back."""
    tags = client.get_model_version(name, version).tags
    lines = standing_lines(tags.get(MOVED_TAG), tags.get(LEFT_TAG))
    tell(client, name, version, STANDING, lines)


def _exists(client: "MlflowClient", name: str, version: int) -> bool:
    found = client.search_model_versions(f"name = '{name}' and version_number = {version}")
    return bool(found)


def _known(client: "MlflowClient", name: str, version: int) -> None:
    if not _exists(client, name, version):
        raise UserError(
            f"{name} has no version {version}; `stylefuse models` lists those there are"
        )


def _store(registry: Registry) -> str:
    """The address as a hash: there may be a password in it."""
    return hashlib.sha256(tracking_uri(registry).encode()).hexdigest()[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
