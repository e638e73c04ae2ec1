"""The commands and their options. Standard output is for results; the rest goes to standard error.

Exit codes: 0 done, 1 failed or a check failed, 2 wrong usage or a wrong setting.
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar

import click
import psycopg
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from service import migrations, resources
from service.api_keys import SCOPES
from service.cli.failure import Failure, SettingFailure
from service.cli.keys import create_key, is_key_name, list_keys, parse_duration, revoke_key, shown
from service.cli.output import print_first
from service.embedded.binaries import EmbeddedDatabaseError, find_psql
from service.embedded.server import open_database, running_url
from service.psql import run_psql
from service.release import ReleaseState, release_state
from service.settings import WORKERS_MAX, Settings, SettingsError, load_settings

P = ParamSpec("P")
R = TypeVar("R")

BEHIND_SENTENCE = "The database is behind this release: run `wallet migrate`."


class _SentenceGroup(click.Group):
    """A group whose commands end expected troubles with one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise SettingFailure(str(error)) from error
        except (EmbeddedDatabaseError, migrations.MigrationError) as error:
            raise Failure(str(error)) from error
        except psycopg.Error as error:
            raise Failure(database_sentence(error)) from error


def database_sentence(error: psycopg.Error) -> str:
    """Return one sentence for what the database, or the way to it, refused."""
    lines = str(error.diag.message_primary or error).strip().splitlines()
    reason = next((line.strip() for line in lines if line.strip()), type(error).__name__).rstrip(".")
    notes = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return f"The database cannot be reached: {reason}{notes}."
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    return f"The database refused{notes}: {reason}{code}."


def _with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Pass the settings as the first argument, read when the command runs: `--help` needs none."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> R:
        return command(load_settings(os.environ, Path(".env")), *arguments, **options)

    return run


@click.group(cls=_SentenceGroup, epilog="Example: wallet serve")
@click.version_option(package_name="pg-wallet", prog_name="wallet")
def wallet() -> None:
    """Run an open internal wallet: a double-entry ledger in PostgreSQL, served over HTTP.

    Settings come from the environment and a .env file in the working directory; .env.example lists them.
    Without DATABASE_URL a PostgreSQL of the wallet's own is started in WALLET_DATA_DIR.
    """


@wallet.command(epilog="Example: PORT=8080 wallet serve --workers 4")
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    help="Processes that serve on the port; the setting WORKERS unless given.",
)
@_with_settings
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
        state = _state(url)
        if embedded and state is not ReleaseState.AHEAD:
            migrations.migrate(url, _progress)
            _seed(url)
        elif state in {ReleaseState.BEHIND, ReleaseState.FUNCTIONS_DIFFER}:
            raise Failure(BEHIND_SENTENCE)
        _refuse_without_keys(settings, url)
        if state is ReleaseState.AHEAD:
            _progress("The database is newer than this release; serving it all the same")

    run_service(settings, prepare)


@wallet.command(epilog="Example: DATABASE_URL=postgresql://owner:secret@db.example/wallet wallet migrate")
@_with_settings
def migrate(settings: Settings) -> None:
    """Bring the database to this release: pending migrations, then all functions.

    Safe to run at any time, and by several processes at once.
    """
    with open_database(settings, exclusive=False) as url:
        report = migrations.migrate(url, _progress)
    count = len(report.applied)
    if count:
        click.echo(f"The database is current: {count} migration{_s(count)} applied.")
    elif report.functions_changed:
        click.echo("The database is current: the functions were replaced.")
    else:
        click.echo("The database is current: nothing had changed.")


@wallet.command(epilog="Example: wallet seed")
@_with_settings
def seed(settings: Settings) -> None:
    """Post the demo data: three assets, Alice and Bob. Seeding twice changes nothing."""
    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        _seed(url)
    click.echo("The demo data is there.")


@wallet.command("import", epilog="Example: wallet import --errors refused.ndjson postings.ndjson")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--errors",
    "errors_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the refused lines to this file: line number, code and error, as JSON, one a line.",
)
@_with_settings
def import_postings(settings: Settings, file: BinaryIO, errors_path: Path | None) -> None:
    """Post the lines of FILE; - is standard input.

    Each line is a JSON object with type (TOP_UP, BONUS or SPEND), idempotencyKey, accountId, assetTypeId, amount and,
    if wanted, referenceId, description and metadata. BATCH_SIZE lines at a time are posted straight to the database;
    the service may run meanwhile. Importing a file again posts nothing twice. Exit code 1 when a line was refused.
    """
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli.importing import import_file, open_errors

    with contextlib.ExitStack() as stack:
        url = stack.enter_context(open_database(settings, exclusive=False))
        _refuse_when_behind(url)
        # Last, for it forgets the refusals of an earlier import.
        errors = None if errors_path is None else stack.enter_context(open_errors(errors_path, file))
        counts = import_file(url, file, settings.batch_size, errors, Console(stderr=True))
    click.echo(f"The file is imported: {counts}.")
    if counts.refused:
        raise SystemExit(1)


@wallet.command(epilog="Example: wallet doctor --quick --json")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option("--quick", is_flag=True, help="Check only what was posted since the last full run that found nothing.")
@_with_settings
def doctor(settings: Settings, as_json: bool, quick: bool) -> None:
    """Check that the books balance and the database is whole. Exit code 1 when a check finds a problem.

    A full run that finds nothing is noted, when the login may, and quick runs go on from there.
    """
    from service.cli.checking import run_doctor

    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        checks = run_doctor(url, quick, Console(stderr=True))
    if as_json:
        click.echo(json.dumps(checks, indent=2, default=str))
    else:
        _print_checks(checks)
    if any(check["problems"] > 0 for check in checks):
        raise SystemExit(1)


@wallet.command(epilog="Example: wallet seal")
@_with_settings
def seal(settings: Settings) -> None:
    """Seal the days that are over, and print a line for each: day, number and SHA-256.

    Keep the lines where nobody with a login to the database can write. Days are in UTC. Postings go on meanwhile; a run
    that was stopped is simply started again.
    """
    from service.cli.sealing import SealLine, seal_closed_days

    def keep(line: SealLine) -> None:
        print_first(str(line), f"{line.day} is not sealed")

    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        made = seal_closed_days(url, Console(stderr=True), keep)
    if not made:
        _progress("No day that is over has anything new to seal.")


@wallet.command(epilog="Example: wallet verify --since 2026-11-01 --against seals.txt")
@click.option(
    "--against",
    metavar="LINE|FILE",
    help="Compare the seals with a line that `wallet seal` printed, or a file of such lines.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Leave out the postings of seals of days before.")
@_with_settings
def verify(settings: Settings, against: str | None, since: datetime | None) -> None:
    """Find what was changed, removed, added or swapped after it was sealed. Exit code 1 when anything was.

    Whoever can change the ledger can change the seals as well: --against, with what was kept elsewhere, finds that.
    """
    from service.cli import sealing

    kept = [] if against is None else sealing.kept_lines(against)
    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        found = sealing.verify(url, kept, None if since is None else since.date(), Console(stderr=True))
    if found.problems:
        raise Failure(f"{found.problems:,} difference{_s(found.problems)} from what was sealed.")
    compared = "" if against is None else f" {len(kept):,} line{_s(len(kept))} kept outside compared."
    click.echo(
        f"All is as it was sealed: {found.seals:,} seal{_s(found.seals)}, {found.rows:,} rows,"
        f" up to number {found.number_to:,}.{compared}"
    )


class _Duration(click.ParamType[timedelta]):
    """A duration such as 90d, 12h or 30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        duration = parse_duration(value)
        if duration is None:
            self.fail(f"{value!r} is no duration such as 90d, 12h or 30m.", param, ctx)
        return duration


@wallet.group(epilog="Example: wallet keys list")
def keys() -> None:
    """Make, list and revoke API keys, by which callers over HTTP are known."""


@keys.command("create", epilog="Example: wallet keys create --name shop --scope post:spend --asset GC --expires-in 90d")
@click.option("--name", required=True, metavar="TEXT", help="What the key is for, 1 to 255 characters.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help="What the key may do; may be given several times. admin may do everything.",
)
@click.option(
    "--asset",
    "symbols",
    multiple=True,
    metavar="SYMBOL",
    help="An asset the key is for; may be given several times. All assets, also later ones, unless given.",
)
@click.option(
    "--expires-in",
    type=_Duration(),
    metavar="DURATION",
    help="How long the key lasts: 90d, 12h or 30m. Until it is revoked unless given.",
)
@_with_settings
def create(
    settings: Settings, name: str, scopes: tuple[str, ...], symbols: tuple[str, ...], expires_in: timedelta | None
) -> None:
    """Make an API key and print its token: this once, for only a hash of it is kept."""
    if not is_key_name(name):
        raise click.BadParameter("a key's name has 1 to 255 characters, none of them a control character.")

    def keep(key_id: str, token: str) -> None:
        click.echo(f"This is the token of the key {key_id}, which is not shown again:", err=True)
        print_first(token, "no key was made")

    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        create_key(url, name, scopes, symbols, expires_in, keep)


@keys.command("list", epilog="Example: wallet keys list --json")
@click.option("--json", "as_json", is_flag=True, help="Print the keys as JSON.")
@_with_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List all API keys, also those that were revoked or have expired, without what could be used."""
    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        found = list_keys(url)
    if as_json:
        click.echo(json.dumps(found, indent=2, default=lambda instant: instant.isoformat()))
        return
    # The id is what `wallet keys revoke` wants, so it is whole however narrow the terminal is.
    table = Table(Column("Id", no_wrap=True, min_width=12), "Name", "State", "Scopes", "Assets", "Created", "Expires")
    for key in found:
        columns = ("id", "name", "state", "scopes", "assets", "created_at", "expires_at")
        table.add_row(*(Text(shown(key[column])) for column in columns))
    Console().print(table)


@keys.command(epilog="Example: wallet keys revoke 3f9ab2c81d04")
@click.argument("key_id", metavar="ID")
@_with_settings
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke the API key ID for good. Services that run stop taking it within seconds."""
    with open_database(settings, exclusive=False) as url:
        _refuse_when_behind(url)
        revoke_key(url, key_id)
    click.echo(f"The key {key_id} is revoked.")


@wallet.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: wallet psql -c 'SELECT * FROM wallet.doctor()'",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_with_settings
def psql(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Open psql on the wallet's database; ARGUMENTS are psql's own."""
    program = find_psql(settings.pg_bin)
    with open_database(settings, exclusive=False) as url:
        exit_code = run_psql(program, url, arguments)
    raise SystemExit(exit_code)


@wallet.command(epilog='Example: pg_dump "$(wallet url)" > backup.sql')
@_with_settings
def url(settings: Settings) -> None:
    """Print the URL of the database in use, password included."""
    found = running_url(settings)
    if found is None:
        raise Failure("The embedded PostgreSQL is not running: `wallet serve` starts it.")
    click.echo(found)


def main() -> None:
    """Run the command line and exit."""
    wallet(prog_name="wallet")


def _state(url: str) -> ReleaseState:
    with psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection:
        return release_state(connection)


def _refuse_when_behind(url: str) -> None:
    if _state(url) is ReleaseState.BEHIND:
        raise Failure(BEHIND_SENTENCE)


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


def _print_checks(checks: list[dict[str, Any]]) -> None:
    table = Table("Check", "Severity", "Problems", "Meaning")
    for check in checks:
        style = "red" if check["problems"] > 0 else None
        table.add_row(check["check_name"], check["severity"], str(check["problems"]), check["meaning"], style=style)
    console = Console()
    console.print(table)
    for check in checks:
        if check["problems"] > 0:
            console.print(f"{check['check_name']}: {check['remedy']}", markup=False, highlight=False)
            if check["example"] is not None:
                console.print(
                    f"  for example {json.dumps(check['example'], default=str)}",
                    markup=False,
                    highlight=False,
                )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _progress(sentence: str) -> None:
    click.echo(sentence, err=True)
