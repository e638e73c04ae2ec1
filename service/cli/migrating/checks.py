"""What is looked at before anything is brought over: the older service's books, and whether the wallet has room."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from service.cli.migrating.source import SENDABLE, Source

_EXAMPLES_MAX: Final = 3


@dataclass(frozen=True)
class Finding:
    """Something about the source that somebody should know."""

    weight: str
    """stops: nothing is brought over until it is mended. choose: --balances says what counts. note: good to know."""
    count: int
    sentence: str
    """What was counted, in the plural."""
    examples: tuple[str, ...]

    def __str__(self) -> str:
        examples = f" (for example {'; '.join(self.examples)})" if self.examples else ""
        return f"{self.weight}: {self.sentence}: {self.count:,}{examples}"


class _Check(NamedTuple):
    """What is looked for in the source: the query gives an example per row."""

    weight: str
    sentence: str
    query: str


_CHECKS: Final = (
    _Check(
        "stops",
        "asset types whose symbol is not 1 to 16 of A-Z and 0-9, a letter first, or not the only one",
        """
        SELECT format('%s %s', t.id, t.symbol) AS example
        FROM asset_types AS t
        WHERE
            t.symbol !~ '^[A-Z][A-Z0-9]{0,15}$'
            OR (SELECT count(*) FROM asset_types AS o WHERE o.symbol = t.symbol) > 1
        """,
    ),
    _Check(
        "stops",
        "asset types without a name of 1 to 255 characters",
        """
        SELECT format('%s %s', t.id, t.symbol) AS example
        FROM asset_types AS t
        WHERE length(t.name) BETWEEN 1 AND 255 IS NOT TRUE
        """,
    ),
    _Check(
        "stops",
        "accounts of an asset type that is not there",
        "SELECT a.id::text AS example FROM account AS a WHERE a.symbol IS NULL",
    ),
    _Check(
        "stops",
        "external ids that several accounts have, or that are kept for system accounts",
        """
        SELECT a.external_id AS example
        FROM account AS a
        WHERE a.external_id IS NOT NULL
        GROUP BY a.external_id
        HAVING count(*) > 1 OR bool_or(a.role = 'USER' AND a.external_id IN (
            SELECT p.prefix || t.symbol
            FROM asset_types AS t
            CROSS JOIN (VALUES ('SYSTEM_TREASURY_'), ('SYSTEM_REVENUE_')) AS p (prefix)
        ))
        """,
    ),
    _Check(
        "stops",
        "accounts with a balance that are neither of a user nor the treasury or revenue account of their asset type",
        """
        SELECT format('%s %s', a.id, a.external_id) AS example
        FROM account AS a
        WHERE a.role = 'OTHER' AND a.balance <> 0
        """,
    ),
    _Check(
        "stops",
        "balances with more than 14 digits before the point or 4 after it, or that are no number",
        """
        SELECT format('%s %s', a.id, a.balance) AS example
        FROM account AS a
        WHERE a.role IN ('USER', 'REVENUE') AND (
            a.balance::text IN ('NaN', 'Infinity', '-Infinity')
            OR a.balance <> round(a.balance, 4)
            OR abs(a.balance) >= 100000000000000
        )
        """,
    ),
    _Check(
        "stops",
        "balances below zero of users or revenue accounts",
        """
        SELECT format('%s %s', a.id, a.balance) AS example
        FROM account AS a
        WHERE a.role IN ('USER', 'REVENUE') AND a.balance < 0
        """,
    ),
    _Check(
        "stops",
        "transactions of an asset type that is not there",
        """
        SELECT t.id::text AS example
        FROM transactions AS t
        WHERE NOT EXISTS (SELECT 1 FROM asset_types AS y WHERE y.id = t.asset_type_id)
        """,
    ),
    _Check(
        "choose",
        "accounts whose balance is not the sum of their entries",
        """
        SELECT format('%s %s: balance %s, entries %s', a.id, a.external_id, a.cached, a.entries) AS example
        FROM account AS a
        WHERE a.cached <> a.entries
        """,
    ),
    _Check(
        "choose",
        "entries without their account or transaction",
        """
        SELECT format('transaction %s, account %s', e.transaction_id, e.account_id) AS example
        FROM ledger_entries AS e
        WHERE
            NOT EXISTS (SELECT 1 FROM transactions AS t WHERE t.id = e.transaction_id)
            OR NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.id = e.account_id)
        """,
    ),
    _Check(
        "choose",
        "transactions whose entries are not a debit and a credit of the amount, or that have any and are not completed",
        """
        SELECT format('%s %s %s', t.id, t.type, t.status) AS example
        FROM transactions AS t
        LEFT JOIN (
            SELECT
                e.transaction_id, count(*) AS entries, count(*) FILTER (WHERE e.entry_type::text = 'DEBIT') AS debits,
                min(e.amount) AS amount_min, max(e.amount) AS amount_max
            FROM ledger_entries AS e
            GROUP BY e.transaction_id
        ) AS s ON t.id = s.transaction_id
        WHERE CASE t.status::text
            WHEN 'COMPLETED'
                THEN (s.entries, s.debits, s.amount_min, s.amount_max) IS DISTINCT FROM (2, 1, t.amount, t.amount)
            ELSE s.entries IS NOT NULL
        END
        """,
    ),
    _Check(
        "choose",
        "transactions on an account of another asset type than theirs",
        """
        SELECT format('%s %s', t.id, t.type) AS example
        FROM transactions AS t
        WHERE EXISTS (
            SELECT 1 FROM accounts AS a
            WHERE a.id IN (t.source_account_id, t.dest_account_id) AND a.asset_type_id <> t.asset_type_id
        )
        """,
    ),
    _Check(
        "choose",
        "asset types whose balances do not add up to zero",
        """
        SELECT format('%s %s', a.symbol, sum(a.balance)) AS example
        FROM account AS a
        GROUP BY a.symbol
        HAVING sum(a.balance) <> 0
        """,
    ),
    _Check(
        "note",
        "transactions whose idempotency key no request can carry, so that it is not kept",
        f"SELECT t.id::text AS example FROM transactions AS t WHERE ({SENDABLE}) IS NOT TRUE",
    ),
)


def check_source(source: Source) -> list[Finding]:
    """Look at the books of the older service, and whether the balances that count are such as the wallet can hold.

    Raises:
        psycopg.Error: the source is away or refuses.
    """
    found = []
    for check in _CHECKS:
        (row,) = source.rows(
            f"SELECT count(*) AS count, (array_agg(q.example ORDER BY q.example))[1:{_EXAMPLES_MAX}] AS examples"
            f" FROM ({check.query}) AS q"
        )
        if row["count"]:
            found.append(Finding(check.weight, row["count"], check.sentence, tuple(row["examples"])))
    return found


def check_target(connection: psycopg.Connection[tuple[Any, ...]], source: Source) -> list[Finding]:
    """Look whether everything fits beside what the wallet has already. What was brought over before is no finding.

    Raises:
        psycopg.Error: a database is away or refuses.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for problem, example in _target_problems(connection, source):
        counts[problem] += 1
        examples.setdefault(problem, [])
        if counts[problem] <= _EXAMPLES_MAX:
            examples[problem].append(example)
    return [Finding("stops", count, problem, tuple(examples[problem])) for problem, count in counts.items()]


def _target_problems(connection: psycopg.Connection[tuple[Any, ...]], source: Source) -> Iterator[tuple[str, str]]:
    for asset_type in source.asset_types():
        rows = connection.execute(
            "SELECT t.symbol FROM wallet.asset_types AS t WHERE (t.symbol = %s) <> (t.id = %s)",
            [asset_type.symbol, asset_type.id],
        ).fetchall()
        if rows:
            yield "asset types that the wallet has under another id or symbol", f"{asset_type.id} {asset_type.symbol}"
    for accounts in source.wallets():
        rows = connection.execute(
            "SELECT p.account_id::text, p.problem FROM wallet.import_problems(%s) AS p",
            [Jsonb([account.fields() for account in accounts])],
        ).fetchall()
        yield from ((f"accounts with a wrong {problem}", account_id) for account_id, problem in rows)
    for keys in source.key_rows():
        rows = connection.execute(
            "SELECT k.key FROM jsonb_to_recordset(%s::jsonb) AS i (key text, answer json)"
            " JOIN wallet.idempotency_keys AS k ON i.key = k.key"
            " WHERE k.request ->> 'transactionId' IS DISTINCT FROM i.answer ->> 'id'",
            [f"[{','.join(keys)}]"],
        ).fetchall()
        yield from (("idempotency keys that made something else in the wallet", key) for (key,) in rows)
