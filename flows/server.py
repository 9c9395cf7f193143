"""Prefect's server, as `prefect server start` runs it, for this machine's own callers.

Prefect answers whoever reaches it, by whatever name, and lets pages of every site ask: one that is
open in a browser could start a run here.
"""

import argparse
import os

import uvicorn

from stylefuse.ports import LOOPBACK
from stylefuse.serving.host_check import HostCheck


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    own = (f"http://{name}:{port}" for name in (LOOPBACK, "localhost"))
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(own)
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    uvicorn.run(
        HostCheck(create_app(final=True)),
        host=LOOPBACK,
        port=port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )


if __name__ == "__main__":
    main()
