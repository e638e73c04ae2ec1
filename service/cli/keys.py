"""`wallet keys`: making, listing and revoking API keys, as a login that owns the schema."""

import re
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from service.api_keys import new_secret, secret_sha256, token_of
from service.cli.failure import Failure

#: Far enough for any key, and near enough for any calendar.
_DAYS_MAX: Final = 36_500

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}
_DURATION: Final = re.compile(r"([0-9]{1,8})([dhm])")

_LIST: Final = """
    SELECT
        k.id,
        k.name,
        CASE
            WHEN k.revoked_at IS NOT NULL THEN 'revoked'
            WHEN k.expires_at <= clock_timestamp() THEN 'expired'
            ELSE 'live'
        END AS state,
        k.scopes,
        (
            SELECT array_agg(t.symbol ORDER BY t.symbol) FROM wallet.asset_types AS t WHERE t.id = ANY(k.asset_type_ids)
        ) AS assets,
        k.created_at,
        k.created_by,
        k.expires_at,
        k.revoked_at
    FROM wallet.api_keys AS k
    ORDER BY k.created_at, k.id
"""


def parse_duration(text: str) -> timedelta | None:
    """Read a duration such as 90d, 12h or 30m; give None when it is none, or none that makes sense."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    try:
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        return None
    return duration if timedelta() < duration <= timedelta(days=_DAYS_MAX) else None


def is_key_name(name: str) -> bool:
    """Say whether a key may be called so."""
    return 1 <= len(name) <= 255 and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def create_key(
    url: str,
    name: str,
    scopes: Sequence[str],
    symbols: Sequence[str],
    expires_in: timedelta | None,
    keep: Callable[[str, str], None],
) -> None:
    """Make a key.

    Args:
        url: the database.
        name: what the key is for.
        scopes: what it may do.
        symbols: the only assets it reaches; none: all of them.
        expires_in: how long it lasts; None: until it is revoked.
        keep: gets its id and its token, which cannot be had again, before it is committed: when it raises, there is no
            key.

    Raises:
        Failure: there is no asset with such a symbol.
        psycopg.Error: the database is away or refused it.
    """
    secret = new_secret()
    with psycopg.connect(url, client_encoding="UTF8") as connection:
        rows = connection.execute(
            "SELECT symbol, id FROM wallet.asset_types WHERE symbol = ANY(%s)", [list(symbols)]
        ).fetchall()
        ids: dict[str, uuid.UUID] = dict(rows)
        for symbol in symbols:
            if symbol not in ids:
                raise Failure(f"There is no asset {symbol!r}.")
        row = connection.execute(
            "SELECT wallet.create_api_key(%s, %s, %s, %s, clock_timestamp() + %s::interval)",
            [name, secret_sha256(secret), sorted(set(scopes)), list(ids.values()) or None, expires_in],
        ).fetchone()
        assert row is not None  # a function call always gives a row
        keep(row[0], token_of(row[0], secret))


def list_keys(url: str) -> list[dict[str, Any]]:
    """Give every key there is or was, oldest first, without what could be used.

    Raises:
        psycopg.Error: the database is away or refused it.
    """
    with psycopg.connect(url, client_encoding="UTF8", row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(_LIST).fetchall()


def revoke_key(url: str, key_id: str) -> None:
    """Revoke a key; again changes nothing.

    Raises:
        Failure: there is no such key.
        psycopg.Error: the database is away or refused it.
    """
    with psycopg.connect(url, client_encoding="UTF8") as connection:
        row = connection.execute("SELECT wallet.revoke_api_key(%s)", [key_id]).fetchone()
    if row != (True,):
        raise Failure("There is no API key with this id: `wallet keys list` has them all.")


def shown(value: object) -> str:
    """A value of the list as text for people; instants in UTC, to the minute."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    return ", ".join(value) if isinstance(value, list) else str(value)
