"""The commands: each reads what it was given, calls what does the work, prints what came of it.

What is slow to import is imported by the command that needs it, so that help is immediate.
"""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from stylefuse.errors import UserError

if TYPE_CHECKING:
    from stylefuse.painting.batch import BatchResult

STOPPED = 143  # exit code of a process that was asked to end: 128 + SIGTERM
DIFFERENT = 1  # exit code where a version could not be made again to the byte
WRONG = 1  # exit code where the doctor found something wrong


def train(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    params.model_settings(args.name)  # a name that is none is told before Keras is imported
    from stylefuse.models.keras_import import import_keras

    import_keras()
    from stylefuse.registry.tracking.tracker import MlflowTracker
    from stylefuse.training.termination import stop_on_sigterm
    from stylefuse.training.trainer import train

    with MlflowTracker(params.registry) as tracker, stop_on_sigterm() as stop:
        ended = train(args.name, params, tracker, stop)
    if not ended:
        raise UserError("stopped; the same command goes on from here", STOPPED)


def register(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.register import register

    params = load_params()
    wrong = []
    for name in args.names or params.models:
        try:
            sys.stdout.write(f"{register(params, name, args.tried)}\n")
        except UserError as error:
            wrong.append(error)
    if wrong:
        messages = dict.fromkeys(map(str, wrong))  # a store that is missing is told once
        raise UserError("\n  ".join(messages), wrong[0].exit_code)


def gate(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.gate.decide import decide

    params = load_params()
    params.model_settings(args.name)
    decision, champion, challenger = decide(params, args.name)
    title = f"{challenger.name} version {challenger.version}"
    if champion.version == challenger.version:
        sys.stdout.write(f"{title} is the champion, and there is no newer one to judge\n")
    else:
        sys.stdout.write(f"{title}\n\n{decision.markdown()}")


def promote(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import promote

    move = promote(load_params().registry, args.name, args.version, args.reason, args.expected)
    sys.stdout.write(f"{move}\n")


def rollback(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import rollback

    sys.stdout.write(f"{rollback(load_params().registry, args.name, args.reason)}\n")


def transfer(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.inference.options import TransferOptions
    from stylefuse.painting.batch import Delivery
    from stylefuse.painting.transfer import transfer

    painted = transfer(
        args.content,
        args.style,
        args.out,
        TransferOptions(args.strength, args.preserve_color, args.size),
        args.model,
        load_params(),
        args.each_style,
        Delivery(args.skip_existing, args.sidecar),
    )
    _tell(painted, args)


def fuse(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.inference.options import FusionOptions
    from stylefuse.painting.batch import Delivery
    from stylefuse.painting.fuse import fuse

    options = FusionOptions(
        args.content_balance, args.style_balance, args.detail_balance,
        args.mode, args.style_by_region, args.seamless,
    )  # fmt: skip
    delivery, files = Delivery(sidecar=args.sidecar), (args.a, args.b, args.mask)
    fused = fuse(*files, args.style, args.out, options, args.model, load_params(), delivery)
    _tell(fused, args)


def restore(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.inference.options import RestoreOptions
    from stylefuse.painting.batch import Delivery
    from stylefuse.painting.restore import restore

    options, delivery = RestoreOptions(args.strength), Delivery(args.skip_existing, args.sidecar)
    _tell(restore(args.image, args.out, options, args.model, load_params(), delivery), args)


def portrait(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.inference.options import PortraitOptions
    from stylefuse.painting.batch import Delivery
    from stylefuse.painting.portrait import portrait

    options = PortraitOptions(args.blend_with, args.blend)
    seeds = range(args.seed, args.seed + args.count)
    delivery = Delivery(args.skip_existing, args.sidecar)
    _tell(portrait(seeds, args.style, args.out, options, args.model, load_params(), delivery), args)


def film(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.inference.options import TransferOptions
    from stylefuse.painting.video import film

    options = TransferOptions(args.strength, size=args.size)
    film(args.film, args.style, args.out, options, args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _tell(painted: "BatchResult", args: argparse.Namespace) -> None:
    """Print what was painted; what could not be ends the command with a message."""
    if args.json:
        _print_json(painted.to_dict())
    if there := len(painted.skipped):
        total = there + len(painted.records) + len(painted.failed)
        sys.stderr.write(f"{there} of {total} pictures were there already and left alone\n")
    painted.check()
    if not args.json:
        sys.stdout.write(f"{args.out}\n")


def reproduce(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.reproduce import reproduce

    made = reproduce(load_params(), args.version)
    sys.stdout.write(f"{made}\n")
    if not made.identical:
        sys.exit(DIFFERENT)


def verify(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.verify import verify

    sys.stdout.write(f"{verify(load_params(), args.version)}\n")


def sign(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.verify import sign_version

    sys.stdout.write(f"{sign_version(load_params(), args.version)}\n")


def models(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.versions import list_versions, versions_table

    versions = list_versions(load_params().registry)
    if args.json:
        _print_json({"versions": [version.to_dict() for version in versions]})
    elif versions:
        sys.stdout.write(versions_table(versions))
    else:
        sys.stdout.write(
            "nothing is registered yet; `make repro` trains models and registers them\n"
        )


def doctor(args: argparse.Namespace) -> None:
    from stylefuse.doctor.diagnose import Level, diagnose

    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not args.json:
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
    if args.json:
        _print_json({"checks": [finding.to_dict() for finding in findings]})
    if any(finding.level == Level.WRONG for finding in findings):
        sys.exit(WRONG)


def completion(parser: argparse.ArgumentParser, shell: str) -> None:
    from stylefuse.cli.completion import script

    sys.stdout.write(script(parser, shell))


def serve(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.monitoring.request_log import FILE
    from stylefuse.registry.fetch import champion_uri
    from stylefuse.serving.launch import serve

    params = load_params()
    os.environ.setdefault(FILE, str(params.monitor.request_log.absolute()))
    if not args.model:
        params.model_settings(args.name)  # a name that is none is told with those there are
    model = args.model or champion_uri(args.name)
    serve(params.registry, params.serve, model, args.host, args.port)


def ui(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.ui import ui

    ui(load_params().registry, args.port)


def app(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.web.server import run

    run(load_params(), args.port)


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
