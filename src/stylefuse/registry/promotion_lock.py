"""A lock in the store: of all who share it, one at a time moves a model's champion.

MLflow has no locks. Each process that wants this one sets a tag of its own at the registered model,
and then reads all of them: of two processes at once, at least one sees the other. What a process is
about to change stands in its tag, so that another one can finish it if the process dies.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

from stylefuse.errors import EXIT_TRY_AGAIN, UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "stylefuse.promotion"  # prefix of the tags of a registered model
WAIT_S = 10.0  # for others; a promotion takes a second, or a few on a remote store
POLL_S = 0.2
ABANDONED_S = 600.0  # age from which the process of another machine counts as dead
SAME_START_S = 60.0  # a clock that is set changes what the kernel says of a process

_held: set[str] = set()  # tags of this process that it still works with


@dataclass(frozen=True)
class Claim:
    """What the tag of a process says.

    Attributes:
        host, pid, started: the process; `started` is in seconds since 1970, as is `at`.
        at: when it first wanted the lock.
        plan: what it is about to change; None until it has the lock and has decided.
    """

    host: str
    pid: int
    started: float
    at: float
    plan: Mapping[str, Any] | None = None

    def is_abandoned(self, tag: str) -> bool:
        """Whether nobody works with the claim any more."""
        if self.host != socket.gethostname():
            return not abs(time.time() - self.at) <= ABANDONED_S
        if self.pid == os.getpid():
            return tag not in _held
        try:
            started = psutil.Process(self.pid).create_time()
            return bool(abs(started - self.started) > SAME_START_S)
        except (psutil.NoSuchProcess, ValueError, OverflowError):
            return True

    @classmethod
    def from_text(cls, text: str) -> "Claim":
        """The claim that a tag holds. One that is none, as anybody may write who may write to the
        store, counts as abandoned and has no plan."""
        try:
            values = json.loads(text)
            plan = values.get("plan")
            return cls(
                str(values["host"]), int(values["pid"]), float(values["started"]),
                float(values["at"]), plan if isinstance(plan, dict) else None,
            )  # fmt: skip
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return cls("", 0, 0.0, 0.0)


class PromotionLock:
    """Who holds it may move the champion of one registered model.

    Args:
        client: of the store.
        name: of the registered model.
    """

    def __init__(self, client: "MlflowClient", name: str):
        self._client, self._name = client, name
        self._tag, self._has_plan = f"{TAG}.{secrets.token_hex(8)}", False
        process = psutil.Process()
        self._claim = Claim(socket.gethostname(), process.pid, process.create_time(), time.time())

    def acquire(self) -> dict[str, Claim]:
        """Wait for the lock.

        Returns:
            The claims of processes that have died, by their tags. The caller finishes what they
            were about to change, and removes each, before anything else is changed.

        Raises:
            UserError: another process has the lock.
        """
        deadline = time.monotonic() + WAIT_S
        _held.add(self._tag)
        try:
            while True:
                self._write(self._claim)
                others = self._others()
                working = {tag: c for tag, c in others.items() if not c.is_abandoned(tag)}
                if not working:
                    return others
                # of several at once, the first one keeps its claim, and the others make way
                if min((c.at, tag) for tag, c in working.items()) < (self._claim.at, self._tag):
                    self.remove(self._tag)
                if time.monotonic() > deadline:
                    raise UserError(
                        f"another promotion of {self._name} is in progress; try again when it has "
                        "ended",
                        EXIT_TRY_AGAIN,
                        code="promotion-in-progress",
                    )
                time.sleep(POLL_S)
        except BaseException:
            self.give_up()
            raise

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Note what is about to change, before it does."""
        self._has_plan = True
        self._write(Claim(**{**asdict(self._claim), "plan": dict(plan)}))

    def release(self) -> None:
        """Let others have the lock."""
        self.remove(self._tag)
        _held.discard(self._tag)

    def remove(self, tag: str) -> None:
        """Remove a claim; one that is not there is no error."""
        self._client.delete_registered_model_tag(self._name, tag)

    def give_up(self) -> None:
        """Let others have the lock after an error; they finish the plan if there is one."""
        if not self._has_plan:
            with suppress(Exception):  # the store may be what failed; the claim is abandoned then
                self.remove(self._tag)
        _held.discard(self._tag)

    def _others(self) -> dict[str, Claim]:
        return {t: c for t, c in claims(self._client, self._name).items() if t != self._tag}

    def _write(self, claim: Claim) -> None:
        text = json.dumps(asdict(claim), ensure_ascii=False)
        self._client.set_registered_model_tag(self._name, self._tag, text)


def claims(client: "MlflowClient", name: str) -> dict[str, Claim]:
    """The claims on a registered model's lock, by their tags."""
    tags = client.get_registered_model(name).tags
    return {tag: Claim.from_text(text) for tag, text in tags.items() if tag.startswith(f"{TAG}.")}
