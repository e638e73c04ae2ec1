"""The load's record finds what may happen to books: each kind of damage is seen."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from tests.conftest import StartService
from tests.support.database import Connection
from tests.support.guards import unguarded
from tests.support.load import Load, check_books, database_problems, find_wallets

pytestmark = pytest.mark.anyio

_DAMAGE: tuple[tuple[str, LiteralString, str], ...] = (
    ("a lost row", "DELETE FROM wallet.transactions WHERE idempotency_key = %(key)s", "acknowledged and lost"),
    (
        "a lost entry",
        "DELETE FROM wallet.ledger_entries WHERE leg = 2 AND transaction_id = %(id)s",
        "has the entries [('DEBIT'",
    ),
    (
        "another amount",
        "UPDATE wallet.transactions SET amount = amount + 1 WHERE idempotency_key = %(key)s",
        "amount was answered as",
    ),
    (
        "another text",
        "UPDATE wallet.transactions SET description = 'x' WHERE idempotency_key = %(key)s",
        "description was answered as",
    ),
    (
        "another instant",
        "UPDATE wallet.transactions SET created_at = created_at + interval '1us' WHERE idempotency_key = %(key)s",
        "createdAt was answered as",
    ),
    (
        "one posted twice",
        "INSERT INTO wallet.transactions SELECT (jsonb_populate_record(t, jsonb_build_object('id',"
        " gen_random_uuid()))).* FROM wallet.transactions AS t"
        " WHERE idempotency_key = %(key)s",
        "posted 2 times",
    ),
    (
        "one nobody sent",
        "SELECT wallet.top_up(dest_account_id, asset_type_id, 1, 'nobody-sent-this') FROM wallet.transactions"
        " WHERE type = 'TOP_UP' LIMIT 1",
        "nobody-sent-this: was never sent",
    ),
    (
        "one that was refused",
        "SELECT wallet.top_up(dest_account_id, asset_type_id, 1, %(refused)s) FROM wallet.transactions"
        " WHERE type = 'TOP_UP' LIMIT 1",
        "posted although it was refused",
    ),
    (
        "another balance",
        "UPDATE wallet.accounts SET balance = balance + 1 WHERE id = %(wallet)s",
        "holds",
    ),
    (
        "a treasury off",
        "UPDATE wallet.accounts SET balance = balance + 1 WHERE account_type = 'TREASURY'",
        "trial balance of",
    ),
    (
        "a key without its row",
        "DELETE FROM wallet.idempotency_keys WHERE key = %(key)s",
        "check_idempotency_keys: 1 problems",
    ),
)


@pytest.fixture
def damaging(seeded_url: str) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with psycopg.connect(seeded_url) as connection:
        yield connection
        connection.rollback()


async def test_books_that_are_right_pass_and_damaged_ones_do_not(
    start_service: StartService, seeded_url: str, damaging: Connection
) -> None:
    """Posted for real over HTTP; then each damage alone is found by name."""
    with start_service(seeded_url) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(300)
            await load.pause()
            await check_books(seeded_url, load)
            load.resume()
            await load.until_acknowledged(100)
        await check_books(seeded_url, load)
        key = next(iter(load.acknowledged))
        names = {
            "key": key,
            "id": load.acknowledged[key].data["id"],
            "refused": next(iter(load.refused)),
            "wallet": load.wallets.wallets[0].account_id,
        }
        for what, statement, sentence in _DAMAGE:
            with unguarded(damaging):
                damaging.execute(statement, names)
            found = database_problems(damaging, load)
            assert any(sentence in one for one in found), f"{what}: {found}"
            damaging.rollback()
        assert database_problems(damaging, load) == []


async def test_answers_that_may_not_be_are_found(start_service: StartService, seeded_url: str) -> None:
    """A replay unlike the first answer, and an answer that is neither final nor 503."""
    with start_service(seeded_url) as service:
        async with Load([service.base_url], find_wallets(seeded_url), connections=4) as load:
            await load.until_acknowledged(20)
        key = next(iter(load.acknowledged))
        first = load.acknowledged[key]
        load.acknowledged[key] = type(first)(
            first.sent, first.body.replace(b'"success": true', b'"success":true') + b" "
        )
        with pytest.raises(AssertionError, match=f"{key}: replayed with 201"):
            await check_books(seeded_url, load)
        load.acknowledged[key] = first
        load.problems.clear()
        load._record(first.sent, 500, b"{}", False)
        with pytest.raises(AssertionError, match=f"{key}: answered 500"):
            await check_books(seeded_url, load)
