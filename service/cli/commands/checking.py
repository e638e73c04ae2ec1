"""`wallet doctor`, `wallet seal` and `wallet verify`: does the ledger add up, and is it what it was."""

import json
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from service.cli.context import open_wallet, plural, progress, with_settings
from service.cli.failure import Failure
from service.cli.output import print_first
from service.settings import Settings


@click.command(epilog="Example: wallet doctor --quick --json")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option("--quick", is_flag=True, help="Check only what was posted since the last full run that found nothing.")
@with_settings
def doctor(settings: Settings, as_json: bool, quick: bool) -> None:
    """Check that the books balance and the database is whole. Exit code 1 when a check finds a problem.

    A full run that finds nothing is noted, when the login may, and quick runs go on from there.
    """
    from service.cli.checking import run_doctor

    with open_wallet(settings) as url:
        checks = run_doctor(url, quick, Console(stderr=True))
    if as_json:
        click.echo(json.dumps(checks, indent=2, default=str))
    else:
        _print_checks(checks)
    if any(check["problems"] > 0 for check in checks):
        raise SystemExit(1)


@click.command(epilog="Example: wallet seal")
@with_settings
def seal(settings: Settings) -> None:
    """Seal the days that are over, and print a line for each: day, number and SHA-256.

    Keep the lines where nobody with a login to the database can write. Days are in UTC. Postings go on meanwhile; a run
    that was stopped is simply started again.
    """
    from service.cli.sealing import SealLine, seal_closed_days

    def keep(line: SealLine) -> None:
        print_first(str(line), f"{line.day} is not sealed")

    with open_wallet(settings) as url:
        made = seal_closed_days(url, Console(stderr=True), keep)
    if not made:
        progress("No day that is over has anything new to seal.")


@click.command(epilog="Example: wallet verify --since 2026-11-01 --against seals.txt")
@click.option(
    "--against",
    metavar="LINE|FILE",
    help="Compare the seals with a line that `wallet seal` printed, or a file of such lines.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Leave out the postings of seals of days before.")
@with_settings
def verify(settings: Settings, against: str | None, since: datetime | None) -> None:
    """Find what was changed, removed, added or swapped after it was sealed. Exit code 1 when anything was.

    Whoever can change the ledger can change the seals as well: --against, with what was kept elsewhere, finds that.
    """
    from service.cli import sealing

    kept = [] if against is None else sealing.kept_lines(against)
    with open_wallet(settings) as url:
        found = sealing.verify(url, kept, None if since is None else since.date(), Console(stderr=True))
    if found.problems:
        raise Failure(f"{found.problems:,} difference{plural(found.problems)} from what was sealed.")
    compared = "" if against is None else f" {len(kept):,} line{plural(len(kept))} kept outside compared."
    click.echo(
        f"All is as it was sealed: {found.seals:,} seal{plural(found.seals)}, {found.rows:,} rows,"
        f" up to number {found.number_to:,}.{compared}"
    )


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
