"""The ASGI application of `stylefuse serve`: MLflow's scoring server, which follows an alias.

`models:/stylefuse-transfer@champion` is another version after a promotion. MLflow's own server
resolves the alias once. Here the new version is loaded beside the old one and takes over between
two requests; requests in progress are answered by the version that they began with.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from stylefuse.config import Serve
from stylefuse.registry.package import LOADER
from stylefuse.serving.host_check import ASGIApp, HostCheck
from stylefuse.serving.limits import RequestLimits
from stylefuse.serving.metrics import Metrics

POLL_INTERVAL_S = 2.0
MAX_POLL_INTERVAL_S = 300.0  # while polling fails, each interval is twice the one before

logger = logging.getLogger("uvicorn.error")


class AliasFollower:
    """An ASGI application that changes to another one when the alias names another version.

    Args:
        resolve: returns the version that the alias names now; may raise if the store is down.
        load: version → the application that answers with it.
    """

    def __init__(self, resolve: Callable[[], str], load: Callable[[str], ASGIApp]):
        self._resolve, self._load = resolve, load
        self.version = resolve()
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
                logger.warning("version %s answers from now on", version)
            return True
        except Exception as error:  # of the store, or of a damaged version
            logger.warning("version %s still answers: %s", self.version, error)
            return False

    def poll(self, stopped: threading.Event) -> None:
        """Call `update` again and again until the event is set."""
        interval = POLL_INTERVAL_S
        while not stopped.wait(interval):
            interval = POLL_INTERVAL_S if self.update() else min(2 * interval, MAX_POLL_INTERVAL_S)


def run(
    resolve: Callable[[], str], load: Callable[[str], ASGIApp], host: str, port: int, limits: Serve
) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress are answered first.

    Args:
        resolve: see `AliasFollower`.
        load: see `AliasFollower`.
        host: address to listen on.
        port: port to listen on.
        limits: of requests.
    """
    import uvicorn

    app, stopped = AliasFollower(resolve, load), threading.Event()
    threading.Thread(target=app.poll, args=(stopped,), daemon=True).start()
    try:
        uvicorn.run(
            HostCheck(Metrics(RequestLimits(app, limits), lambda: app.version), limits.hosts),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            http="h11",  # unlike httptools it limits the size of headers
            ws="none",
        )
    finally:
        stopped.set()


def scoring_app(model_uri: str) -> ASGIApp:
    """The application that answers with a model: MLflow's own, and for the project's models a
    shorter path beside it.

    Args:
        model_uri: in the registry, or a folder with an `MLmodel` file.
    """
    from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
    from mlflow.pyfunc import load_model, scoring_server

    from stylefuse.serving.scoring import Scoring

    model = load_model(model_uri)
    app: ASGIApp = scoring_server.init(model)
    if model.loader_module != LOADER:
        return app
    return Scoring(model.get_raw_model(), app, MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get())
