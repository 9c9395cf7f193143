"""What the commands do: each calls what has been built for it, and prints what came out.

What is slow to import is imported by the command that needs it, so that help is immediate.
"""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from stylefuse.errors import UserError

if TYPE_CHECKING:
    from stylefuse.serving.work import Done, Wanted

STOPPED = 143  # exit code of a process that was asked to end: 128 + SIGTERM
DIFFERENT = 1  # exit code where a version could not be made again to the byte
WRONG = 1  # exit code where the doctor found something


def train(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    params.train(args.name)  # a name that is none is told before Keras is imported
    from stylefuse.registry.tracker import MlflowTracker
    from stylefuse.training.loop import train
    from stylefuse.training.stopping import asked_to_stop

    with MlflowTracker(params.registry) as tracker, asked_to_stop() as stop:
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
    from stylefuse.registry.decide import decide

    params = load_params()
    params.train(args.name)
    decision, _, version = decide(params, args.name)
    sys.stdout.write(f"{version.name} version {version.version}\n\n{decision.markdown()}")


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
    from stylefuse.models.transfer.dials import TransferOptions
    from stylefuse.serving.transfer import transfer

    options = TransferOptions(args.strength, args.preserve_color, args.size)
    params, wanted = load_params(), _wanted(args)
    asked = args.content, args.style, wanted, options, args.model, params, args.each_style
    _tell(transfer(*asked), args)


def fuse(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.transfer.dials import FusionOptions
    from stylefuse.serving.fuse import fuse

    options = FusionOptions(
        args.content_balance, args.style_balance, args.detail_balance, args.mode,
        args.style_by_region, args.seamless,
    )  # fmt: skip
    pictures = args.a, args.b, args.mask, args.style
    _tell(fuse(*pictures, _wanted(args), options, args.model, load_params()), args)


def restore(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.restore import RestoreOptions
    from stylefuse.serving.restore import restore

    options = RestoreOptions(args.strength)
    _tell(restore(args.image, _wanted(args), options, args.model, load_params()), args)


def portrait(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.portrait import PortraitOptions
    from stylefuse.serving.portrait import portrait

    options = PortraitOptions(args.blend_with, args.blend)
    seeds = range(args.seed, args.seed + args.count)
    _tell(portrait(seeds, args.style, _wanted(args), options, args.model, load_params()), args)


def film(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.transfer.dials import TransferOptions
    from stylefuse.serving.film import film

    options = TransferOptions(args.strength, size=args.size)
    film(args.film, args.style, args.out, options, args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _wanted(args: argparse.Namespace) -> "Wanted":
    from stylefuse.serving.work import Wanted

    return Wanted(args.out, args.skip_existing, args.sidecar)


def _tell(done: "Done", args: argparse.Namespace) -> None:
    if args.json:
        _write_json(done._asdict())
        return
    sys.stdout.write(f"{args.out}\n")
    if done.skipped:
        every = len(done.made) + len(done.skipped)
        sys.stdout.write(f"{len(done.skipped)} of {every} pictures were there already\n")


def _write_json(told: Any) -> None:
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def reproduce(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.reproduce import reproduce

    made = reproduce(load_params(), args.version)
    sys.stdout.write(f"{made}\n")
    if not made.identical:
        sys.exit(DIFFERENT)


def verify(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.verify import verify

    sys.stdout.write(f"{verify(load_params(), args.version)}\n")


def sign(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.verify import sign_version

    sys.stdout.write(f"{sign_version(load_params(), args.version)}\n")


def serve(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.monitoring.seen import FILE
    from stylefuse.registry.fetch import champion_uri
    from stylefuse.registry.launch import serve

    params = load_params()
    os.environ.setdefault(FILE, str(params.monitor.seen.absolute()))
    model = args.model or champion_uri(args.name)
    serve(params.registry, params.serve, model, args.host, args.port)


def ui(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.launch import ui

    ui(load_params().registry, args.port)


def app(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.web.server import run

    run(load_params(), args.port)


def models(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.listing import registered

    found = registered(load_params())
    if args.json:
        _write_json([version._asdict() for version in found])
    elif not found:
        sys.stdout.write("nothing is registered yet; `make repro` trains and registers models\n")
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(*found[0]._fields, box=None)
        for version in found:
            table.add_row(*map(str, version))
        Console(width=None if sys.stdout.isatty() else 160).print(table)


def doctor(args: argparse.Namespace) -> None:
    from stylefuse.registry.doctor import examine

    found = examine()
    if args.json:
        _write_json([finding._asdict() for finding in found])
    else:
        for finding in found:
            remedy = f"\n           {finding.remedy}" if finding.remedy else ""
            sys.stdout.write(f"{finding.state:<8} {finding.check}: {finding.told}{remedy}\n")
    if any(finding.state == "wrong" for finding in found):
        sys.exit(WRONG)


def completion(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    import shtab

    sys.stdout.write(shtab.complete(parser, args.shell) + "\n")
