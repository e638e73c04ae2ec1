"""The command `wallet`."""

from service.cli.commands import main

__all__ = ["main"]
