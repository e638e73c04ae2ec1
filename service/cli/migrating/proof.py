"""The proof: what the wallet holds now, beside what the source held, figure by figure and wallet by wallet."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg

from service.cli.migrating.source import CHUNK_ROWS, Source, Totals

#: Wallets that differ are named up to this number.
DIFFERENCES_SHOWN_MAX: Final = 10

_TOTALS: Final = """
    SELECT
        t.id,
        count(*) FILTER (WHERE a.account_type = 'USER'),
        coalesce(sum(a.balance) FILTER (WHERE a.account_type = 'USER'), 0),
        coalesce(sum(a.balance) FILTER (WHERE a.account_type = 'REVENUE'), 0),
        coalesce(-sum(a.balance) FILTER (WHERE a.account_type = 'TREASURY'), 0)
    FROM wallet.asset_types AS t
    LEFT JOIN wallet.accounts AS a ON t.id = a.asset_type_id
    WHERE t.id = ANY(%s)
    GROUP BY t.id
"""

_KEY_COUNT: Final = """
    SELECT count(*)
    FROM jsonb_to_recordset(%s::jsonb) AS i (key text, answer json)
    JOIN wallet.idempotency_keys AS k ON i.key = k.key
    WHERE k.request ->> 'transactionId' = i.answer ->> 'id'
"""


@dataclass(frozen=True)
class Line:
    """A figure of the source, and the same of the wallet."""

    asset: str
    """The asset type's symbol, or `all`."""
    figure: str
    source: Decimal | int
    wallet: Decimal | int

    @property
    def equal(self) -> bool:
        """Whether the two are the same."""
        return self.source == self.wallet


@dataclass(frozen=True)
class Proof:
    """What was compared."""

    lines: list[Line]
    different_count: int
    """Wallets whose balance is another, or that only one side has."""
    differences: list[str]
    """The first of them, a sentence each."""

    @property
    def holds(self) -> bool:
        """Whether all is equal."""
        return self.different_count == 0 and all(line.equal for line in self.lines)


def prove(connection: psycopg.Connection[tuple[Any, ...]], source: Source) -> Proof:
    """Compare the wallet's balances with the source's.

    Args:
        connection: to the wallet's database, in a transaction with one snapshot and the rights to read the tables.
        source: the older service.

    Raises:
        psycopg.Error: a database is away or refuses.
    """
    asset_types = source.asset_types()
    of_source = source.totals()
    of_wallet = {row[0]: row[1:] for row in connection.execute(_TOTALS, [[one.id for one in asset_types]]).fetchall()}
    lines = []
    sums: dict[str, list[Decimal | int]] = {}
    for one in asset_types:
        pairs = zip(_figures(of_source[one.id]).items(), of_wallet.get(one.id, (0, 0, 0, 0)), strict=True)
        for (figure, expected), actual in pairs:
            lines.append(Line(one.symbol, figure, expected, actual))
            total = sums.setdefault(figure, [0, 0])
            total[0] += expected
            total[1] += actual
    lines += [Line("all", figure, expected, actual) for figure, (expected, actual) in sums.items()]
    key_count = sum(
        count
        for rows in source.key_rows()
        for (count,) in connection.execute(_KEY_COUNT, [f"[{','.join(rows)}]"]).fetchall()
    )
    lines.append(Line("all", "idempotency keys", source.key_count(), key_count))
    differences = list(_differences(connection, source, [one.id for one in asset_types]))
    return Proof(lines, len(differences), differences[:DIFFERENCES_SHOWN_MAX])


def _figures(totals: Totals) -> dict[str, Decimal | int]:
    """Name the figures of an asset type, in the order of _TOTALS."""
    return {
        "wallets": totals.wallet_count,
        "balances of wallets": totals.wallet_balance,
        "revenue": totals.revenue_balance,
        "issued by the treasury": totals.issued,
    }


def _differences(
    connection: psycopg.Connection[tuple[Any, ...]], source: Source, asset_type_ids: list[UUID]
) -> Iterator[str]:
    """Go through both sides by ascending id; say where they part."""
    expected = ((one.id, one.asset_type_id, one.balance) for chunk in source.wallets() for one in chunk)
    with connection.cursor("wallets") as cursor:
        cursor.itersize = CHUNK_ROWS
        actual = iter(
            cursor.execute(
                "SELECT a.id, a.asset_type_id, a.balance FROM wallet.accounts AS a"
                " WHERE a.account_type = 'USER' AND a.asset_type_id = ANY(%s) ORDER BY a.id",
                [asset_type_ids],
            )
        )
        left, right = next(expected, None), next(actual, None)
        while left or right:
            if right is None or (left and left[0] < right[0]):
                yield f"{left and left[0]} is not in the wallet."
                left = next(expected, None)
            elif left is None or right[0] < left[0]:
                yield f"{right[0]} is not in the source."
                right = next(actual, None)
            else:
                if left != right:
                    yield f"{left[0]} holds {left[2]} in the source, {right[2]} in the wallet."
                left, right = next(expected, None), next(actual, None)
