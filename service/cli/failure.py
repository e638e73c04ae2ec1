"""How a command ends when something expected goes wrong."""

from typing import IO, Any

import click


class Failure(click.ClickException):
    """An expected trouble: its one sentence is printed to standard error, without a traceback."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(self.message, file=file, err=file is None)


class SettingFailure(Failure):
    """A wrong setting."""

    exit_code = 2
