"""Serve the version that a registry alias names, also after a promotion.

`models:/stylefuse-transfer@champion` is another version after a promotion. MLflow's own server
resolves the alias once. Here the new version is loaded beside the old one and takes over between
two requests; requests in progress are answered by the version that they began with.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from stylefuse.serving.host_check import ASGIApp

POLL_INTERVAL_S = 2.0
MAX_POLL_INTERVAL_S = 300.0  # while polling fails, each interval is twice the one before

logger = logging.getLogger("uvicorn.error")


class AliasFollower:
    """An ASGI application that changes to another one when the alias names another version.

    Args:
        resolve: returns the version that the alias names now; may raise if the store is down.
        load: version → the application that answers with it.
        version: to begin with; default: the one that the alias names.
    """

    def __init__(
        self, resolve: Callable[[], str], load: Callable[[str], ASGIApp], version: str | None = None
    ):
        self._resolve, self._load = resolve, load
        self.version = resolve() if version is None else version
        self._app = load(self.version)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def update(self) -> bool:
        """Change to the version that the alias names now; after a failure the old one serves on.

        Returns:
            Whether there was no failure.
        """
        try:
            version = self._resolve()
            if version != self.version:
                self._app = self._load(version)
                self.version = version
                logger.warning("version %s is loaded", version or "none")
            return True
        except Exception as error:  # of the store, or of a damaged version
            logger.warning("version %s stays loaded: %s", self.version or "none", error)
            return False

    def poll(self, stopped: threading.Event) -> None:
        """Call `update` again and again until the event is set."""
        interval = POLL_INTERVAL_S
        while not stopped.wait(interval):
            interval = POLL_INTERVAL_S if self.update() else min(2 * interval, MAX_POLL_INTERVAL_S)
