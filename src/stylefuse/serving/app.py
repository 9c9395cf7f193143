"""MLflow's scoring server around a model that follows its alias.

A name like `models:/stylefuse-transfer@champion` means another version after a promotion. MLflow's
own server resolves it once; here the next version is loaded beside the present one and takes over
between two requests. Those under way are still answered by the version that they came to.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from stylefuse.config import Serve
from stylefuse.serving.host_check import App, HostCheck
from stylefuse.serving.limits import RequestLimits
from stylefuse.serving.metrics import Metrics

INTERVAL = 2.0  # seconds from one look at the alias to the next
LONGEST = 300.0  # where looks fail: each pause is twice the one before it

logger = logging.getLogger("uvicorn.error")


class AliasFollower:
    """An ASGI application that is another one as soon as its model has another version.

    Args:
        version: which version the name means now; it may raise where the store is not there.
        load: version → the application that answers with it.
    """

    def __init__(self, version: Callable[[], str], load: Callable[[str], App]):
        self._version, self._load = version, load
        self.served = version()
        self._app = load(self.served)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def look(self) -> bool:
        """Change to the version that the name means now; what goes wrong changes nothing.

        Returns:
            Whether nothing went wrong.
        """
        try:
            wanted = self._version()
            if wanted != self.served:
                self._app = self._load(wanted)
                self.served = wanted
                logger.warning("version %s answers from now on", wanted)
            return True
        except Exception as error:  # of the store, or a damaged version: the present one serves on
            logger.warning("still version %s: %s", self.served, error)
            return False

    def follow(self, ended: threading.Event) -> None:
        """Look again and again, in a thread of its own, until the event is set."""
        pause = INTERVAL
        while not ended.wait(pause):
            pause = INTERVAL if self.look() else min(2 * pause, LONGEST)


def run(
    version: Callable[[], str], load: Callable[[str], App], host: str, port: int, limits: Serve
) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first."""
    import uvicorn

    app, ended = AliasFollower(version, load), threading.Event()
    threading.Thread(target=app.follow, args=(ended,), daemon=True).start()
    try:
        uvicorn.run(
            HostCheck(Metrics(RequestLimits(app, limits), lambda: app.served), limits.hosts),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            http="h11",  # the one that limits the size of headers
            ws="none",
        )
    finally:
        ended.set()


def scoring_app(address: str) -> App:
    """What answers with a model, at an address of the registry or in a folder: MLflow's own
    application, and for a model of ours the short way beside it."""
    from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
    from mlflow.pyfunc import load_model, scoring_server

    from stylefuse.serving.pyfunc import PaintService
    from stylefuse.serving.scoring import Scoring

    model = load_model(address)
    app: App = scoring_server.init(model)
    service = model._model_impl  # `get_raw_model` raises for models that are not ours
    if not isinstance(service, PaintService):
        return app
    return Scoring(service, app, MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get())
