"""The command line: search, predict and inspect results from a shell."""

from autonas.cli.commands import main

__all__ = ["main"]
