"""The command line `stylefuse`."""

from stylefuse.cli.main import main

__all__ = ["main"]
