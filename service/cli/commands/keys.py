"""`wallet keys`: API keys."""

import json
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from service.cli.context import open_wallet, with_settings
from service.cli.output import print_first
from service.scopes import SCOPES
from service.settings import Settings


class _Duration(click.ParamType[timedelta]):
    """A duration such as 90d, 12h or 30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from service.cli.keys import parse_duration

        duration = parse_duration(value)
        if duration is None:
            self.fail(f"{value!r} is no duration such as 90d, 12h or 30m.", param, ctx)
        return duration


@click.group(epilog="Example: wallet keys list")
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
@with_settings
def create(
    settings: Settings, name: str, scopes: tuple[str, ...], symbols: tuple[str, ...], expires_in: timedelta | None
) -> None:
    """Make an API key and print its token: this once, for only a hash of it is kept."""
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli.keys import create_key, is_key_name

    if not is_key_name(name):
        raise click.BadParameter("a key's name has 1 to 255 characters, none of them a control character.")

    def keep(key_id: str, token: str) -> None:
        click.echo(f"This is the token of the key {key_id}, which is not shown again:", err=True)
        print_first(token, "no key was made")

    with open_wallet(settings) as url:
        create_key(url, name, scopes, symbols, expires_in, keep)


@keys.command("list", epilog="Example: wallet keys list --json")
@click.option("--json", "as_json", is_flag=True, help="Print the keys as JSON.")
@with_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List all API keys, also those that were revoked or have expired, without what could be used."""
    from service.cli.keys import list_keys, shown

    with open_wallet(settings) as url:
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
@with_settings
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke the API key ID for good. Services that run stop taking it within seconds."""
    from service.cli.keys import revoke_key

    with open_wallet(settings) as url:
        revoke_key(url, key_id)
    click.echo(f"The key {key_id} is revoked.")
