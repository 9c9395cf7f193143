"""The command line as people use it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("stylefuse"))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}


def stylefuse(folder, *arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
