"""The ASGI application of `stylefuse serve`: checks and metrics around a scoring application."""

import threading
from collections.abc import Callable

from stylefuse.config import Serve
from stylefuse.registry.package import LOADER
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.host_check import ASGIApp, HostCheck
from stylefuse.serving.limits import RequestLimits
from stylefuse.serving.prometheus import Metrics


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
