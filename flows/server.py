"""Runs Prefect's server on loopback, for callers on this machine only.

`prefect server start` answers requests for any host name and from pages of any site, so that a
page open in a browser could start a run here. This one accepts only its own names and pages.
"""

import argparse
import os

import uvicorn

from stylefuse.ports import LOOPBACK
from stylefuse.serving.host_check import HostCheck

GRACE_S = 1  # for open connections at the end; the pages of a browser never close theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    origins = (f"http://{name}:{port}" for name in (LOOPBACK, "localhost"))
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(origins)
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    uvicorn.run(
        HostCheck(create_app(final=True)),
        host=LOOPBACK,
        port=port,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )


if __name__ == "__main__":
    main()
