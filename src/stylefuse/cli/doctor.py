"""The command that checks the installation."""

import argparse
import sys

from stylefuse.cli.arguments import Subparsers, add_json, print_json

EXIT_PROBLEM = 1  # something would keep a command from working


def add_doctor_command(commands: Subparsers) -> None:
    """Add `stylefuse doctor`."""
    command = commands.add_parser(
        "doctor", help="check this machine, the configuration and the registry"
    )
    command.set_defaults(run=_doctor)
    add_json(command)


def _doctor(args: argparse.Namespace) -> None:
    from stylefuse.doctor.diagnose import Level, diagnose

    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not args.json:
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
    if args.json:
        print_json({"checks": [finding.to_dict() for finding in findings]})
    if any(finding.level == Level.ERROR for finding in findings):
        sys.exit(EXIT_PROBLEM)
