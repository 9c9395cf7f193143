"""The command line `stylefuse`: as a process, and inside the test's own process."""

import os
import subprocess
import sys
from pathlib import Path

from stylefuse.cli.main import build_parser

PROGRAM = str(Path(sys.executable).with_name("stylefuse"))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}


def stylefuse(folder, *arguments):
    """Run a command as a process of its own."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )


def run_command(*arguments):
    """Run a command in this process and in the working directory; its errors are raised."""
    args = build_parser().parse_args([*map(str, arguments)])
    args.run(args)
