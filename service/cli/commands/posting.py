"""`wallet post` and `wallet import`: postings from the shell, one or a file of them."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec

import click
import msgspec
from rich.console import Console

from service.cli.context import open_wallet, progress, with_settings
from service.cli.lookup import account_text, asset_of, connect, decoded
from service.cli.tables import shown
from service.settings import Settings

P = ParamSpec("P")


@click.command("import", epilog="Example: wallet import --errors refused.ndjson postings.ndjson")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--errors",
    "errors_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the refused lines to this file: line number, code and error, as JSON, one a line.",
)
@with_settings
def import_postings(settings: Settings, file: BinaryIO, errors_path: Path | None) -> None:
    """Post the lines of FILE; - is standard input.

    Each line is a JSON object with type (TOP_UP, BONUS or SPEND), idempotencyKey, accountId, assetTypeId, amount and,
    if wanted, referenceId, description and metadata. BATCH_SIZE lines at a time are posted straight to the database;
    the service may run meanwhile. Importing a file again posts nothing twice. Exit code 1 when a line was refused.
    """
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli.importing import import_file, open_errors

    with contextlib.ExitStack() as stack:
        url = stack.enter_context(open_wallet(settings))
        # Last, for it forgets the refusals of an earlier import.
        errors = None if errors_path is None else stack.enter_context(open_errors(errors_path, file))
        counts = import_file(url, file, settings.batch_size, errors, Console(stderr=True))
    click.echo(f"The file is imported: {counts}.")
    if counts.refused:
        raise SystemExit(1)


def _metadata(ctx: click.Context, param: click.Parameter, value: str | None) -> msgspec.Raw | None:
    if value is None:
        return None
    try:
        msgspec.json.decode(value, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise click.BadParameter(f"it is no JSON object: {error}.") from error
    # As it is: its numbers keep their digits.
    return msgspec.Raw(value.encode())


def _posting_options(command: Callable[P, None]) -> Callable[P, None]:
    """Add the options that every kind of posting has."""
    options = (
        click.option("--key", metavar="TEXT", help="The idempotency key; made and printed unless given."),
        click.option("--reference", "referenceId", metavar="TEXT", help="Your own reference."),
        click.option("--metadata", metavar="JSON", callback=_metadata, help="A JSON object to keep with it."),
        click.option("--dry-run", is_flag=True, help="Post nothing, and say what it would be."),
        click.option("--json", "as_json", is_flag=True, help="Print the transaction as JSON."),
    )
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


_description = click.option("--description", metavar="TEXT", help="Text for people.")
_campaign = click.option("--campaign", metavar="NAME", help="The campaign whose budget it draws on.")


@click.group(epilog="Example: wallet post top-up USER_ALICE_GC 25.50 GC --key order-1001")
def post() -> None:
    """Post one transaction, by the function that the service posts by.

    An account is named by its id or its external id. The idempotency key is printed before anything is posted: the same
    command with that --key posts once, however often it is run.
    """


@post.command("top-up", epilog="Example: wallet post top-up USER_ALICE_GC 25.50 GC --key order-1001")
@click.argument("account", metavar="ACCOUNT")
@click.argument("amount", metavar="AMOUNT")
@click.argument("asset", metavar="ASSET")
@_description
@_campaign
@_posting_options
@with_settings
def top_up(settings: Settings, /, **options: Any) -> None:
    """Credit ACCOUNT with AMOUNT of ASSET, a symbol, from its treasury."""
    _post(settings, "TOP_UP", ("account",), **options)


@post.command(epilog="Example: wallet post bonus USER_ALICE_GC 5 GC --description Birthday")
@click.argument("account", metavar="ACCOUNT")
@click.argument("amount", metavar="AMOUNT")
@click.argument("asset", metavar="ASSET")
@_description
@_campaign
@_posting_options
@with_settings
def bonus(settings: Settings, /, **options: Any) -> None:
    """Credit ACCOUNT with AMOUNT of ASSET, a symbol, as a gift of the house."""
    _post(settings, "BONUS", ("account",), **options)


@post.command(epilog="Example: wallet post spend USER_ALICE_GC 5 GC --dry-run")
@click.argument("account", metavar="ACCOUNT")
@click.argument("amount", metavar="AMOUNT")
@click.argument("asset", metavar="ASSET")
@_description
@_posting_options
@with_settings
def spend(settings: Settings, /, **options: Any) -> None:
    """Debit ACCOUNT by AMOUNT of ASSET, a symbol, to its revenue account."""
    _post(settings, "SPEND", ("account",), **options)


@post.command(epilog="Example: wallet post transfer USER_ALICE_GC USER_BOB_GC 12.5 GC")
@click.argument("from_account", metavar="FROM")
@click.argument("to_account", metavar="TO")
@click.argument("amount", metavar="AMOUNT")
@click.argument("asset", metavar="ASSET")
@_description
@_posting_options
@with_settings
def transfer(settings: Settings, /, **options: Any) -> None:
    """Move AMOUNT of ASSET, a symbol, from the wallet FROM to the wallet TO."""
    _post(settings, "TRANSFER", ("from_account", "to_account"), **options)


@post.command(epilog="Example: wallet post refund 00000000-0000-8007-9f3a-0242ac120000 --reason Broken")
@click.argument("transaction", metavar="TRANSACTION")
@click.argument("amount", metavar="AMOUNT", required=False)
@click.option("--reason", metavar="TEXT", help="Why; the description of the refund.")
@click.option(
    "--on-shortfall",
    "onShortfall",
    type=click.Choice(["refuse", "debt"]),
    help="When the wallet to be debited holds less: refuse, or take it into debt as far as its limit allows.",
)
@_posting_options
@with_settings
def refund(settings: Settings, /, transaction: str, **options: Any) -> None:
    """Give TRANSACTION, an id, back, or AMOUNT of it: all that has not been given back unless given."""
    _post(settings, "REFUND", (), transactionId=transaction, **options)


def _post(
    settings: Settings,
    type_: str,
    accounts: tuple[str, ...],
    *,
    key: str | None,
    dry_run: bool,
    as_json: bool,
    asset: str | None = None,
    **fields: Any,
) -> None:
    """Post what a command line says; `accounts` are the options that name accounts."""
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli import posting

    with open_wallet(settings) as url:
        with connect(url) as connection:
            if asset is not None:
                fields["assetTypeId"] = asset_of(connection, asset)["id"]
            for name in accounts:
                field = {"account": "accountId", "from_account": "fromAccountId", "to_account": "toAccountId"}[name]
                fields[field] = decoded(account_text(connection, fields.pop(name)))["id"]
        key = posting.new_key() if key is None else key
        progress(f"Idempotency key: {key}")
        answer = posting.post(url, {"type": type_, "idempotencyKey": key, **fields}, dry_run=dry_run)
    if answer.outcome == "REPLAYED":
        progress("It was posted under this key before: nothing was posted now.")
    text = answer.answer.decode()
    if as_json:
        click.echo(text)
        return
    made = decoded(text)
    what = f"{made['type']} of {shown(made['amount'])}"
    click.echo(f"It would be posted: {what}." if made["id"] is None else f"{made['id']}: {what}.")
