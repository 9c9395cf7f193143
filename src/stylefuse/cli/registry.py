"""The commands that change the registry or read it."""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.cli.arguments import (
    Subparsers,
    add_json,
    add_model_name,
    add_model_names,
    print_json,
    print_path,
    print_text,
)
from stylefuse.errors import UserError

if TYPE_CHECKING:
    from stylefuse.config import Params

EXIT_NOT_IDENTICAL = 1  # `reproduce` trained other weights


def add_registry_commands(commands: Subparsers) -> None:
    """Add the commands of this module."""
    _add_register(commands)
    _add_gate(commands)
    _add_promote(commands)
    _add_rollback(commands)
    _add_models(commands)
    _add_version_commands(commands)
    _add_backup_commands(commands)


def _add_register(commands: Subparsers) -> None:
    command = commands.add_parser("register", help="put trained models into the registry")
    command.set_defaults(run=_register)
    add_model_names(command)
    command.add_argument(
        "--tried", type=int, default=1, metavar="N",
        help="the model is the best of N variants; the gate then asks for more (default: 1)",
    )  # fmt: skip


def _register(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.register import register

    params = load_params()

    def register_model(name: str) -> None:
        print_text(f"{register(params, name, args.tried)}\n")

    _for_each(params.names(args.names), register_model)


def _add_gate(commands: Subparsers) -> None:
    command = commands.add_parser(
        "gate", help="compare challengers with their champions on held-out pictures"
    )
    command.set_defaults(run=_gate)
    add_model_names(command)
    command.add_argument(
        "--promote", action="store_true", help="make a challenger the champion if it passes"
    )


def _gate(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    _for_each(params.names(args.names), partial(_gate_model, params, args.promote))


def _gate_model(params: "Params", promote_if_passed: bool, name: str) -> None:
    from stylefuse.gate.decide import decide
    from stylefuse.registry.promotion import promote

    decision, champion, challenger = decide(params, name)
    title = f"{challenger.name} version {challenger.version}"
    if champion.version == challenger.version:
        print_text(f"{title} is the champion; there is no newer version to compare\n")
        return
    print_text(f"{title}\n\n{decision.markdown()}")
    if promote_if_passed and decision.promoted:
        versions = int(challenger.version), int(champion.version)
        move = promote(params.registry, name, versions[0], decision.reasons, expected=versions[1])
        print_text(f"\n{move}\n")


def _for_each(names: Iterable[str], run: Callable[[str], None]) -> None:
    """Run something for every model; a failure does not keep the other models from their turn."""
    errors = []
    for name in names:
        try:
            run(name)
        except UserError as error:
            errors.append(error)
    if errors:
        messages = dict.fromkeys(map(str, errors))  # a missing store is reported once
        first = errors[0]
        raise UserError("\n  ".join(messages), first.exit_code, code=first.code)


def _add_promote(commands: Subparsers) -> None:
    command = commands.add_parser("promote", help="make a version the champion")
    command.set_defaults(run=_promote)
    add_model_name(command)
    command.add_argument("version", type=int, metavar="VERSION")
    command.add_argument("--reason", required=True, help="is kept in the promotion history")
    command.add_argument(
        "--expected", type=int, metavar="VERSION", help="only if this version is the champion"
    )


def _promote(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import promote

    move = promote(load_params().registry, args.name, args.version, args.reason, args.expected)
    print_text(f"{move}\n")


def _add_rollback(commands: Subparsers) -> None:
    command = commands.add_parser("rollback", help="make the previous champion the champion again")
    command.set_defaults(run=_rollback)
    add_model_name(command)
    command.add_argument("--reason", required=True, help="is kept in the promotion history")


def _rollback(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import rollback

    print_text(f"{rollback(load_params().registry, args.name, args.reason)}\n")


def _add_models(commands: Subparsers) -> None:
    command = commands.add_parser("models", help="list the registered versions")
    command.set_defaults(run=_models)
    add_json(command)


def _models(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.versions import list_versions, versions_table

    versions = list_versions(load_params().registry)
    if args.json:
        print_json({"versions": [version.to_dict() for version in versions]})
    elif versions:
        print_text(versions_table(versions))
    else:
        print_text("nothing is registered yet; `make repro` trains models and registers them\n")


def _add_version_commands(commands: Subparsers) -> None:
    for name, run, help in (
        ("reproduce", _reproduce, "train a registered version again and compare the bytes"),
        ("verify", _verify, "check the files and the signature of a registered version"),
        ("sign", _sign, "sign a registered version as it is, for those who trust your key"),
    ):
        command = commands.add_parser(name, help=help)
        command.set_defaults(run=run)
        command.add_argument(
            "version", metavar="VERSION",
            help="MODEL@ALIAS, MODEL/NUMBER, or MODEL for its champion",
        )  # fmt: skip


def _reproduce(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.reproduce import reproduce

    reproduction = reproduce(load_params(), args.version)
    print_text(f"{reproduction}\n")
    if not reproduction.identical:
        sys.exit(EXIT_NOT_IDENTICAL)


def _verify(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.verify import verify

    print_text(f"{verify(load_params(), args.version)}\n")


def _sign(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.integrity.verify import sign_version

    print_text(f"{sign_version(load_params(), args.version)}\n")


def _add_backup_commands(commands: Subparsers) -> None:
    for name, run, help in (
        ("backup", _backup, "write the registry in this folder to a tar file"),
        ("load-backup", _load_backup, "load such a file into a folder without a registry"),
    ):
        command = commands.add_parser(name, help=help)
        command.set_defaults(run=run)
        command.add_argument("file", type=Path, metavar="FILE.tar")


def _backup(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.backup import back_up

    back_up(load_params().registry, args.file)
    print_path(args.file)


def _load_backup(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.backup import load_backup

    load_backup(load_params().registry, args.file)
    print_text("loaded; `stylefuse models` lists the versions\n")
