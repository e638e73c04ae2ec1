"""Standard output that must have arrived before something is done for good."""

import os
import sys

import click

from service.cli.failure import Failure


def print_first(line: str, consequence: str) -> None:
    """Print a line and see that it is written out.

    Args:
        line: what to print.
        consequence: what is said when it cannot be written: a sentence without its end, such as "no key was made".

    Raises:
        Failure: it cannot be written.
    """
    try:
        click.echo(line)
    except OSError as error:
        discard_output()
        raise Failure(f"Standard output cannot be written ({error.strerror}): {consequence}.") from error


def discard_output() -> None:
    """Give up on standard output: what is still in its buffer would be tried again at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
