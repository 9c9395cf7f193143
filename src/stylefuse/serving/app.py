"""The ASGI application of `stylefuse serve`: checks and metrics around a scoring application."""

import threading
from pathlib import Path

from stylefuse.config import Serve
from stylefuse.registry.fetch import data_folder
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.gradual_release import GradualRelease
from stylefuse.serving.host_check import ASGIApp, HostCheck
from stylefuse.serving.limits import RequestLimits
from stylefuse.serving.prometheus import Metrics


def run(app: AliasFollower | GradualRelease, host: str, port: int, limits: Serve) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress are answered first.

    Args:
        app: answers the requests that the checks accept.
        host: address to listen on.
        port: port to listen on.
        limits: of requests.
    """
    import uvicorn

    from stylefuse.serving.connections import BACKLOG, LimitedProtocol

    if isinstance(app, GradualRelease):
        followers, collectors = [app.champion, app.challenger], [app.figures]
    else:
        followers, collectors = [app], []
    metrics = Metrics(RequestLimits(app, limits), lambda: followers[0].version, collectors)
    stopped = threading.Event()
    for follower in followers:
        threading.Thread(target=follower.poll, args=(stopped,), daemon=True).start()
    try:
        uvicorn.run(
            HostCheck(metrics, limits.hosts),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            http=LimitedProtocol,
            backlog=BACKLOG,
            ws="none",
            proxy_headers=False,  # a caller would state another address, and so choose a version
        )
    finally:
        stopped.set()


def scoring_app(folder: Path, limits: Serve, is_shadow: bool = False) -> ASGIApp:
    """The application that answers with a model: MLflow's own, and a shorter path beside it.

    The model is loaded by this installation's code: MLflow would import the code that a version
    brings along.

    Args:
        folder: of an MLflow model that `stylefuse register` made; see `verified_copy`.
        limits: of requests.
        is_shadow: its requests are answered by another application too, which logs them.

    Raises:
        UserError: the model's files are incomplete.
    """
    from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
    from mlflow.models import Model
    from mlflow.pyfunc import PyFuncModel, scoring_server

    from stylefuse.serving.pyfunc import PaintService
    from stylefuse.serving.scoring import Scoring

    service = PaintService(data_folder(folder))
    if is_shadow:
        service.request_log = None
    model = PyFuncModel(model_meta=Model.load(str(folder)), model_impl=service)
    timeout = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()
    return Scoring(service, scoring_server.init(model), timeout, limits.stuck_seconds)
