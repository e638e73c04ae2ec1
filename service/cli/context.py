"""What most commands begin with: the settings, the database, and whether it is of this release."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click
import psycopg

from service.cli.failure import Failure
from service.embedded.server import open_database
from service.release import ReleaseState, release_state
from service.settings import Settings, load_settings

P = ParamSpec("P")
R = TypeVar("R")

BEHIND_SENTENCE = "The database is behind this release: run `wallet migrate`."


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Pass the settings as the first argument, read when the command runs: `--help` needs none."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> R:
        return command(load_settings(os.environ, Path(".env")), *arguments, **options)

    return run


@contextlib.contextmanager
def open_wallet(settings: Settings) -> Iterator[str]:
    """Give the URL of the wallet's database; the embedded one is started when it does not run, and stopped at the end.

    Raises:
        Failure: it is behind this release.
        psycopg.Error: it is away.
    """
    with open_database(settings, exclusive=False) as url:
        if state_of(url) is ReleaseState.BEHIND:
            raise Failure(BEHIND_SENTENCE)
        yield url


def state_of(url: str) -> ReleaseState:
    """Compare the database with this release.

    Raises:
        psycopg.Error: it is away.
    """
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection:
        return release_state(connection)


def progress(sentence: str) -> None:
    """Say how far a command is, beside its results."""
    click.echo(sentence, err=True)


def plural(count: int) -> str:
    """The ending of a noun after a number."""
    return "" if count == 1 else "s"
