"""`wallet migrate-from`: moving over from an older wallet service."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from service.cli.context import open_wallet, plural, with_settings
from service.cli.failure import Failure
from service.settings import Settings

if TYPE_CHECKING:
    from service.cli.migrating.checks import Finding
    from service.cli.migrating.proof import Line
    from service.cli.migrating.source import Source

_PROOF_WIDTH: Final = 120

_AGAIN: Final = "Run the same command again to go on: nothing is brought over twice."


@click.command(
    "migrate-from", epilog="Example: wallet migrate-from --dry-run postgresql://reader@old-db.example/wallet_service"
)
@click.argument("source_url", metavar="SOURCE")
@click.option("--schema", default="public", show_default=True, help="Where the four tables are in SOURCE.")
@click.option(
    "--balances",
    type=click.Choice(["cached", "entries"]),
    help="What counts where the books of SOURCE disagree: the column balance of accounts, or the sum of their entries."
    " Nothing is brought over from such books unless given.",
)
@click.option("--dry-run", is_flag=True, help="Check only, and say what would be brought over.")
@with_settings
def migrate_from(
    settings: Settings, source_url: str, schema: str, balances: Literal["cached", "entries"] | None, dry_run: bool
) -> None:
    """Bring over asset types, accounts, balances and idempotency keys from the database of an older service.

    SOURCE is its URL; the tables are asset_types, accounts, transactions and ledger_entries, and are only read. Stop
    the older service first. Balances become opening balances, ids stay. At the end every balance is compared; exit
    code 1 when one differs. A run that was ended is simply started again.
    """
    # Imported here: the other commands start faster without it.
    from service.cli.migrating.checks import check_source, check_target
    from service.cli.migrating.moving import as_owner, move
    from service.cli.migrating.proof import DIFFERENCES_SHOWN_MAX, prove
    from service.cli.migrating.source import open_source

    console = Console(stderr=True)
    with (
        open_wallet(settings) as url,
        psycopg.connect(url, client_encoding="UTF8", autocommit=True) as connection,
        open_source(source_url, schema, balances or "cached") as source,
    ):
        with as_owner(connection):
            findings = [*check_source(source), *check_target(connection, source)]
        _refuse(findings, chosen=balances is not None)
        if dry_run:
            _print_plan(source)
            return
        try:
            with _bars(console) as progress:
                refused = move(connection, source, progress)
        except KeyboardInterrupt:
            raise Failure(f"Interrupted. {_AGAIN}") from None
        for sentence in refused:
            click.echo(f"refused: {sentence}")
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with as_owner(connection):
            proof = prove(connection, source)
    _print_proof(proof.lines)
    for sentence in proof.differences:
        click.echo(sentence)
    if proof.different_count > DIFFERENCES_SHOWN_MAX:
        click.echo(f"… and {proof.different_count - DIFFERENCES_SHOWN_MAX:,} more.")
    if not proof.holds or refused:
        raise Failure("The wallet does not hold what the source held.")
    click.echo("The wallet holds what the source held.")


def _refuse(findings: Sequence["Finding"], *, chosen: bool) -> None:
    for finding in findings:
        click.echo(str(finding))
    weights = {finding.weight for finding in findings}
    if "stops" in weights:
        raise Failure("Nothing was written: mend what stops it, in the source or in the wallet, and run it again.")
    if "choose" in weights and not chosen:
        raise Failure(
            "Nothing was written: the books of the source disagree."
            " --balances cached or --balances entries says which figures count."
        )


def _print_plan(source: "Source") -> None:
    totals = source.totals()
    for asset_type in source.asset_types():
        one = totals[asset_type.id]
        click.echo(
            f"{asset_type.symbol}: {one.wallet_count:,} wallet{plural(one.wallet_count)}"
            f" with {_shown(one.wallet_balance)}, revenue {_shown(one.revenue_balance)},"
            f" to be issued {_shown(one.issued)}."
        )
    count = source.key_count()
    click.echo(f"{count:,} idempotency key{plural(count)}. Nothing was written.")


def _shown(figure: Decimal | int) -> str:
    """Write a count, or an amount with the digits it can have."""
    return f"{figure:,.4f}" if isinstance(figure, Decimal) else f"{figure:,}"


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _print_proof(lines: Sequence["Line"]) -> None:
    table = Table("Asset", "Figure", Column("Source", justify="right"), Column("Wallet", justify="right"), "Equal")
    for line in lines:
        equal = "yes" if line.equal else "NO"
        style = None if line.equal else "red"
        table.add_row(line.asset, line.figure, _shown(line.source), _shown(line.wallet), equal, style=style)
    # Figures are never cut or broken, however narrow the terminal is.
    Console(width=max(Console().width, _PROOF_WIDTH)).print(table)
