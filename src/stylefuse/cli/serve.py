"""The commands that start servers: serve, app and ui."""

import argparse

from stylefuse.cli.arguments import Subparsers, model_location, model_name


def add_serve_commands(commands: Subparsers) -> None:
    """Add the commands of this module."""
    _add_serve(commands)
    _add_app(commands)
    _add_ui(commands)


def _add_serve(commands: Subparsers) -> None:
    command = commands.add_parser("serve", help="serve a model over HTTP")
    command.set_defaults(run=_serve)
    command.add_argument(
        "name", nargs="?", default="transfer", metavar="MODEL", type=model_name,
        help="a name in params.yaml (default: transfer)",
    )  # fmt: skip
    command.add_argument("--host", default="127.0.0.1", help="(default: %(default)s)")
    command.add_argument("--port", type=int, default=5001, help="(default: %(default)s)")
    command.add_argument(
        "--model", type=model_location,
        help="a folder or models:/NAME@ALIAS (default: the champion of MODEL)",
    )  # fmt: skip


def _serve(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.monitoring.request_log import RequestLog
    from stylefuse.registry.fetch import champion_uri
    from stylefuse.serving.launch import serve

    params = load_params()
    RequestLog.set_environment(params.monitor.request_log)
    if not args.model:
        params.require_model(args.name)
    model = args.model or champion_uri(args.name)
    serve(params.registry, params.serve, model, args.host, args.port)


def _add_app(commands: Subparsers) -> None:
    command = commands.add_parser("app", help="start the web page for painting")
    command.set_defaults(run=_app)
    command.add_argument("--port", type=int, default=7860, help="(default: %(default)s)")


def _app(args: argparse.Namespace) -> None:
    from stylefuse.config import load_serve_limits
    from stylefuse.web.server import run

    run(load_serve_limits(), args.port)


def _add_ui(commands: Subparsers) -> None:
    command = commands.add_parser("ui", help="start MLflow's UI: runs, models and versions")
    command.set_defaults(run=_ui)
    command.add_argument("--port", type=int, default=5000, help="(default: %(default)s)")


def _ui(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.serving.mlflow_ui import ui

    ui(load_params().registry, args.port)
