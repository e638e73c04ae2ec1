"""`wallet accounts`, `wallet statement` and `wallet export`: what is in the ledger."""

import contextlib
import itertools
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from service.cli.context import open_wallet, progress, with_settings
from service.cli.exporting import FORMATS, TABLES, export
from service.cli.failure import Failure
from service.cli.lookup import account_text, account_texts, asset_of, assets_by_symbol, connect, decoded
from service.cli.output import discard_output
from service.cli.tables import print_table, shown
from service.settings import Settings

_STATUSES: Final = ("ACTIVE", "FROZEN", "CLOSED")
_ACCOUNT_TYPES: Final = ("USER", "TREASURY", "REVENUE", "CONVERSION")


@click.group(epilog="Example: wallet accounts list --owner carol")
def accounts() -> None:
    """Find accounts, and show one."""


@accounts.command("list", epilog="Example: wallet accounts list --asset GC --status FROZEN --json")
@click.option("--owner", "owner_id", metavar="ID", help="Only the wallets of this owner.")
@click.option("--external-id", metavar="ID", help="Only the account with this external id.")
@click.option("--asset", "symbol", metavar="SYMBOL", help="Only accounts in this asset.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only accounts in this state.")
@click.option("--type", "account_type", type=click.Choice(_ACCOUNT_TYPES), help="Only accounts of this type.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The most accounts to list.")
@click.option("--json", "as_json", is_flag=True, help="Print the accounts as JSON.")
@with_settings
def list_(
    settings: Settings,
    owner_id: str | None,
    external_id: str | None,
    symbol: str | None,
    status: str | None,
    account_type: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the accounts that match, newest first."""
    with open_wallet(settings) as url, connect(url) as connection:
        found = account_texts(
            connection,
            external_id=external_id,
            owner_id=owner_id,
            asset_type_id=None if symbol is None else asset_of(connection, symbol)["id"],
            status=status,
            account_type=account_type,
        )
        texts = list(itertools.islice(found, limit + 1))
        symbols = _symbols(assets_by_symbol(connection))
    if len(texts) > limit:
        texts.pop()
        progress(f"There are more than {limit:,}: --limit lists them too.")
    if as_json:
        click.echo("[" + ",\n ".join(texts) + "]")
        return
    rows = [decoded(text) for text in texts]
    print_table(
        ("Id", "External id", "Owner", "Status", "Asset", "Balance"),
        [
            (
                *(row["id"], row["externalId"], row["ownerId"], row["status"]),
                *(symbols[row["assetTypeId"]], Decimal(row["balance"])),
            )
            for row in rows
        ],
        whole=("Id",),
    )


@accounts.command(epilog="Example: wallet accounts show USER_ALICE_GC")
@click.argument("account", metavar="ACCOUNT")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@with_settings
def show(settings: Settings, account: str, as_json: bool) -> None:
    """Show all there is to know of ACCOUNT, an id or an external id."""
    with open_wallet(settings) as url, connect(url) as connection:
        text = account_text(connection, account)
        symbols = _symbols(assets_by_symbol(connection))
    if as_json:
        click.echo(text)
        return
    found = decoded(text)
    print_table(
        ("Field", "Value"),
        [(name, shown(value)) for name, value in {**found, "asset": symbols[found["assetTypeId"]]}.items()],
        whole=("Field",),
    )


class _Instant(click.ParamType[datetime]):
    """A day or an instant; without an offset in UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no instant such as 2026-11-30 or 2026-11-30T23:59:59Z.", param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@click.command("statement", epilog="Example: wallet statement USER_ALICE_GC --from 2026-11-01 --to 2026-12-01")
@click.argument("account", metavar="ACCOUNT")
@click.option("--from", "from_at", type=_Instant(), help="Begin after this instant; with the account unless given.")
@click.option("--to", "to_at", type=_Instant(), help="End with this instant; now unless given.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the statement as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print the statement as JSON, one line for each of its lines.")
@with_settings
def print_statement(
    settings: Settings, account: str, from_at: datetime | None, to_at: datetime | None, as_csv: bool, as_json: bool
) -> None:
    """Print the statement of ACCOUNT, an id or an external id: opening balance, entries, closing balance.

    Days and instants without an offset are in UTC. A statement of more than 1,000 lines is printed as CSV or JSON only.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli.statement import csv_rows, json_rows, print_table_of, statement

    with open_wallet(settings) as url, connect(url) as connection:
        account_id = decoded(account_text(connection, account))["id"]
        with contextlib.closing(statement(connection, account_id, from_at, to_at)) as lines:
            if as_csv:
                _print_all(csv_rows(lines))
            elif as_json:
                _print_all(json_rows(lines))
            else:
                print_table_of(lines)


@click.command("export", epilog="Example: wallet export books-2026-11 --format jsonl")
@click.argument("folder", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True, help="CSV or JSON lines."
)
@click.option(
    "--only",
    "names",
    multiple=True,
    type=click.Choice(list(TABLES)),
    help="What to export; may be given several times. All of it unless given.",
)
@with_settings
def export_tables(settings: Settings, folder: Path, format_: str, names: tuple[str, ...]) -> None:
    """Write accounts, transactions and entries to files in FOLDER, all as they are at one moment.

    The service may run meanwhile. With one --only, FOLDER may be -, which is standard output. The login must be one
    that may read the tables. What may be a formula to a spreadsheet gets an apostrophe in front in CSV.
    """
    chosen = list(dict.fromkeys(names)) or list(TABLES)
    target = None if str(folder) == "-" else folder
    if target is None and len(chosen) != 1:
        raise click.UsageError("Standard output takes one table: name it with --only.")
    with open_wallet(settings) as url:
        rows = export(url, chosen, format_, target, Console(stderr=True))
    progress("Exported: " + ", ".join(f"{count:,} {name}" for name, count in rows.items()) + ".")


def _symbols(assets: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {asset["id"]: symbol for symbol, asset in assets.items()}


def _print_all(rows: Iterable[str]) -> None:
    try:
        for row in rows:
            sys.stdout.write(row)
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        raise Failure(f"Standard output cannot be written ({error.strerror}).") from error
