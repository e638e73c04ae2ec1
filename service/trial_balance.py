"""The trial balance: it reads every entry, so there is one at a time, and those who wait for the same one share it."""

import uuid
from collections.abc import Sequence

from service.batching import Batcher
from service.database import STATEMENT_TIMEOUT_SECONDS, Pool, borrow
from service.refusals import is_timeout, unavailable

#: The asset types that a trial balance is asked for; None: all.
Assets = frozenset[uuid.UUID] | None

#: A question and its answer: JSON text, an array.
TrialBalances = Batcher[Assets, bytes]

_ASKED_TOGETHER_MAX = 500


def trial_balances(pool: Pool, queue_max: int) -> TrialBalances:
    """Asks `wallet.list_trial_balance`. Gives `unavailable` when that takes longer than a statement may."""

    async def send(asked: Sequence[Assets]) -> Sequence[bytes | Exception]:
        answers = {assets: await _ask(pool, assets) for assets in dict.fromkeys(asked)}
        return [answers[assets] for assets in asked]

    return Batcher("trial balance", send, _ASKED_TOGETHER_MAX, queue_max)


async def _ask(pool: Pool, assets: Assets) -> bytes | Exception:
    try:
        async with borrow(pool) as connection:
            cursor = await connection.execute(
                "SELECT wallet.list_trial_balance(%s)", [None if assets is None else list(assets)]
            )
            row = await cursor.fetchone()
    except Exception as error:
        if is_timeout(error):
            return unavailable(
                f"The trial balance takes longer than {STATEMENT_TIMEOUT_SECONDS} seconds;"
                " ask the database itself: SELECT * FROM wallet.trial_balance()."
            )
        return error
    assert row is not None  # a function call always gives a row
    answer: bytes = row[0]
    return answer
