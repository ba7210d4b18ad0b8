"""The command line: one file a command, and how rows are printed. It knows nothing of parsing and arithmetic."""

from warehouse.cli.entry import main

__all__ = ["main"]
