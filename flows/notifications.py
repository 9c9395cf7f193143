"""Tells people what flows did: by e-mail, a chat, a webhook or a command of theirs.

Apprise knows about a hundred services by their addresses. Addresses with passwords belong into the
environment, not into `params.yaml`.
"""

import logging
import os
import subprocess
from typing import Any, Literal, get_args

from prefect.logging import get_run_logger
from prefect.states import State

from stylefuse.config import NotificationEvent, Notify, load_params
from stylefuse.errors import UserError, printable

ADDRESSES = "STYLEFUSE_NOTIFY"  # environment variable: more addresses, separated by blanks
COMMAND_TIMEOUT_S = 30.0
SEVERITY: dict[NotificationEvent, Literal["info", "success", "warning", "failure"]] = {
    "failed": "failure",
    "drifted": "warning",
    "refused": "info",
    "approval": "info",
    "promoted": "success",
    "rolled-back": "warning",
    "worker-ended": "failure",
}
assert set(SEVERITY) == set(get_args(NotificationEvent))

logger = logging.getLogger(__name__)


def notify(settings: Notify, event: NotificationEvent, message: str) -> None:
    """Send a message through all channels; one that fails is logged, and never raises.

    Args:
        settings: the section of `params.yaml`.
        event: what happened; nothing is sent if `settings.events` does not list it.
        message: one or several lines.
    """
    if event not in settings.events:
        return
    message = printable(message)  # names of files may hold what no channel can encode
    title = f"stylefuse: {event.replace('-', ' ')}"
    addresses = [*settings.addresses, *os.environ.get(ADDRESSES, "").split()]
    for number, address in enumerate(addresses, 1):
        _send(address, number, event, title, message)
    if settings.command:
        _run(settings.command, event, f"{title}\n{message}\n")


def _send(address: str, number: int, event: NotificationEvent, title: str, message: str) -> None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines hold addresses
    channel = apprise.Apprise()
    if not channel.add(address):
        logger.warning("address %d of the notifications is not one that Apprise knows", number)
        return
    try:
        # as plain text: markup, such as in a file's name, would be rendered by e-mail
        sent = channel.notify(message, title, SEVERITY[event], body_format="text")
    except Exception as error:  # of each service its own
        sent = False
        logger.debug("%s", error)
    if not sent:
        service = address.partition(":")[0]
        logger.warning("the notification through address %d (%s) failed", number, service)


def _run(command: str, event: NotificationEvent, text: str) -> None:
    try:
        subprocess.run(
            ["/bin/sh", "-c", command],
            input=text,
            text=True,
            env={**os.environ, "STYLEFUSE_EVENT": event},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("the command of the notifications failed: %s", type(error).__name__)


def tell(event: NotificationEvent, message: str) -> None:
    """Log what happened, and send it."""
    get_run_logger().info("%s: %s", event, message)
    notify(load_params().notify, event, message)


def tell_failure(flow: Any, flow_run: Any, state: State) -> None:
    """A hook of flows that failed or crashed; workers pass the arguments by these names."""
    try:
        settings = load_params().notify
    except UserError:  # that is perhaps why it failed
        return
    notify(settings, "failed", f"{flow.name} ({flow_run.name}): {state.message}")


TELL_FAILURES: dict[str, Any] = {"on_failure": [tell_failure], "on_crashed": [tell_failure]}
