"""`wallet psql` and `wallet url`: the database itself."""

import click

from service.cli.context import with_settings
from service.cli.failure import Failure
from service.embedded.binaries import find_psql
from service.embedded.server import open_database, running_url
from service.psql import run_psql
from service.settings import Settings


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: wallet psql -c 'SELECT * FROM wallet.doctor()'",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_settings
def psql(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Open psql on the wallet's database; ARGUMENTS are psql's own."""
    program = find_psql(settings.pg_bin)
    with open_database(settings, exclusive=False) as url:
        exit_code = run_psql(program, url, arguments)
    raise SystemExit(exit_code)


@click.command(epilog='Example: pg_dump "$(wallet url)" > backup.sql')
@with_settings
def url(settings: Settings) -> None:
    """Print the URL of the database in use, password included."""
    found = running_url(settings)
    if found is None:
        raise Failure("The embedded PostgreSQL is not running: `wallet serve` starts it.")
    click.echo(found)
