"""A trusted job: a monthly bonus for many wallets, from SQL, in batches. May be stopped and run again at any time.

Run it against a database:  DATABASE_URL="$(wallet url)" python examples/monthly_bonus.py
"""

import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

MONTH = "2026-11"
AMOUNT = "10"
BATCH_SIZE = 500  # wallet.post takes 1,000 at most; shorter calls hold the locks for less time
ATTEMPTS_MAX = 10

POST = """
    SELECT a.outcome, a.code
    FROM wallet.post(ARRAY(
        SELECT r FROM json_populate_recordset(NULL::wallet.posting_request, %s) AS r
    )) AS a
"""

WALLETS = """
    SELECT a.id, a.asset_type_id, a.external_id
    FROM wallet.accounts AS a
    JOIN wallet.asset_types AS t ON a.asset_type_id = t.id
    WHERE t.symbol = 'LP' AND a.account_type = 'USER'
    ORDER BY a.external_id
"""


def requests() -> Iterator[dict[str, Any]]:
    """Give one request per wallet. The key is made from what the posting is for, so a second run posts nothing."""
    # Finance's role may read the tables, the jobs' role may post: this job is given both.
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("SET ROLE wallet_auditor")
        for account_id, asset_type_id, external_id in connection.execute(WALLETS):
            yield {
                "type": "BONUS",
                "idempotency_key": f"monthly-bonus:{MONTH}:{external_id}",
                "account_id": str(account_id),
                "asset_type_id": str(asset_type_id),
                "amount": AMOUNT,
                "description": f"Monthly bonus {MONTH}",
            }


def post(connection: psycopg.Connection[Any], batch: Sequence[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Post a batch in a transaction of its own, again while it loses a race; return outcome and code per request."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return connection.execute(POST, [json.dumps(batch)]).fetchall()
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            if attempt == ATTEMPTS_MAX:
                raise
            time.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise AssertionError("not reached")


def main() -> None:
    """Post all batches and say what became of the requests."""
    outcomes: Counter[str] = Counter()
    waiting = requests()
    # Autocommit: one call, one transaction. An open transaction would hold the locks of everyone's postings.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET ROLE wallet_jobs")
        while batch := list(itertools.islice(waiting, BATCH_SIZE)):
            outcomes.update(code or outcome for outcome, code in post(connection, batch))
    print(outcomes.pop("POSTED", 0) + outcomes.pop("REPLAYED", 0), "wallets have their bonus")
    for code, count in sorted(outcomes.items()):
        print(count, "refused:", code)


if __name__ == "__main__":
    main()
