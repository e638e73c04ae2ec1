"""`wallet serve`, `wallet migrate` and `wallet seed`: a database that is ready, and the service on it."""

import dataclasses

import click
import psycopg

from service import migrations, resources
from service.cli.context import BEHIND_SENTENCE, open_wallet, plural, progress, state_of, with_settings
from service.cli.failure import Failure
from service.embedded.server import open_database
from service.release import ReleaseState
from service.settings import WORKERS_MAX, Settings


@click.command(epilog="Example: PORT=8080 wallet serve --workers 4")
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    help="Processes that serve on the port; the setting WORKERS unless given.",
)
@with_settings
def serve(settings: Settings, workers: int | None) -> None:
    """Serve the wallet over HTTP until Ctrl-C or SIGTERM.

    With DATABASE_URL set the database must have been migrated; without it the embedded PostgreSQL is started,
    migrated and seeded first. A worker that dies is started again.
    """
    if workers is not None:
        settings = dataclasses.replace(settings, workers=workers)
    # Imported here: the other commands start faster without the HTTP server.
    from service.cli.serve import run_service

    embedded = settings.database_url is None

    def prepare(url: str) -> None:
        state = state_of(url)
        if embedded and state is not ReleaseState.AHEAD:
            migrations.migrate(url, progress)
            _seed(url)
        elif state in {ReleaseState.BEHIND, ReleaseState.FUNCTIONS_DIFFER}:
            raise Failure(BEHIND_SENTENCE)
        _refuse_without_keys(settings, url)
        if state is ReleaseState.AHEAD:
            progress("The database is newer than this release; serving it all the same")

    run_service(settings, prepare)


@click.command(epilog="Example: WEBHOOK_TARGETS=any wallet deliver")
@with_settings
def deliver(settings: Settings) -> None:
    """Deliver events to webhooks until Ctrl-C or SIGTERM.

    `wallet serve` does so too unless WEBHOOKS is off: this is for a process, or a machine, of its own. Any number of
    them may run.
    """
    # Imported here: the other commands start faster without the HTTP server.
    from service.cli.delivering import run_deliverer

    with open_wallet(settings) as url:
        run_deliverer(settings, url)


@click.command(epilog="Example: DATABASE_URL=postgresql://owner:secret@db.example/wallet wallet migrate")
@with_settings
def migrate(settings: Settings) -> None:
    """Bring the database to this release: pending migrations, then all functions.

    Safe to run at any time, and by several processes at once.
    """
    with open_database(settings, exclusive=False) as url:
        report = migrations.migrate(url, progress)
    count = len(report.applied)
    if count:
        click.echo(f"The database is current: {count} migration{plural(count)} applied.")
    elif report.functions_changed:
        click.echo("The database is current: the functions were replaced.")
    else:
        click.echo("The database is current: nothing had changed.")


@click.command(epilog="Example: wallet seed")
@with_settings
def seed(settings: Settings) -> None:
    """Post the demo data: three assets, Alice and Bob. Seeding twice changes nothing."""
    with open_wallet(settings) as url:
        _seed(url)
    click.echo("The demo data is there.")


def _refuse_without_keys(settings: Settings, url: str) -> None:
    if not settings.keys_required:
        return
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection:
        row = connection.execute("SELECT wallet.has_api_keys()").fetchone()
    if row != (True,):
        raise Failure(
            f"API keys are required (HOST is {settings.host}) and there is none: make one with `wallet keys create`,"
            " or set API_KEYS=off to let everybody in who reaches the port."
        )


def _seed(url: str) -> None:
    with psycopg.connect(url, client_encoding="UTF8") as connection:
        connection.execute(resources.seed_file().read_bytes())
