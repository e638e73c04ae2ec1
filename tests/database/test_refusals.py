"""Every refusal of the single functions: its SQLSTATE, its words, its precedence, and that nothing was written."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger, Request
from tests.support.refusal import refused

KINDS = ("TOP_UP", "BONUS", "SPEND")

NUMBERS = itertools.count(1)

AMOUNT_SENTENCE = (
    "Must be more than zero, with at most 14 digits before the point and at most the asset's number of"
    " decimals after it."
)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: a refusal leaves it as it was."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def asset(ledger: Ledger) -> UUID:
    return ledger.create_asset_type(f"A{next(NUMBERS)}")


@pytest.fixture
def good(ledger: Ledger, asset: UUID) -> Request:
    """A request that is accepted, whatever its type."""
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 100)
    return Request(key=ledger.new_key(), account_id=wallet, asset_type_id=asset, amount=5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_request_is_accepted(ledger: Ledger, good: Request, kind: str) -> None:
    """What the other tests change in one place is right in all others."""
    ledger.call(replace(good, type=kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [None, "", " ", "a b", "tab\there", "é", "\x7f", "k" * 256, "line\n"])
def test_bad_keys(ledger: Ledger, good: Request, kind: str, key: str | None) -> None:
    """1 to 255 visible ASCII characters."""
    with refused(ledger, "idempotency_key_missing") as refusal:
        ledger.call(replace(good, type=kind, key=key))
    assert refusal.error == "An idempotency key of 1 to 255 visible ASCII characters is required."


@pytest.mark.parametrize("key", ["k", "k" * 255, "!~", "'\"\\%"])
def test_good_keys(ledger: Ledger, good: Request, key: str) -> None:
    """Every visible ASCII character, 1 to 255 of them."""
    assert ledger.call(replace(good, key=key)).answer["idempotencyKey"] == key


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"account_id": None}, {"accountId": ["Is required."]}),
        ({"asset_type_id": None}, {"assetTypeId": ["Is required."]}),
        ({"amount": None}, {"amount": [AMOUNT_SENTENCE]}),
        ({"amount": 0}, {"amount": [AMOUNT_SENTENCE]}),
        ({"metadata": []}, {"metadata": ["Must be a JSON object of at most 64 KiB and 32 levels."]}),
        ({"metadata": "text"}, {"metadata": ["Must be a JSON object of at most 64 KiB and 32 levels."]}),
        ({"metadata": {"long": "m" * 65536}}, {"metadata": ["Must be a JSON object of at most 64 KiB and 32 levels."]}),
        ({"reference_id": "r" * 65537}, {"referenceId": ["Must be at most 65536 characters."]}),
        ({"description": "d" * 65537}, {"description": ["Must be at most 65536 characters."]}),
    ],
)
def test_wrong_fields(
    ledger: Ledger, good: Request, kind: str, change: dict[str, object], details: dict[str, list[str]]
) -> None:
    """validation_failed names the field."""
    with refused(ledger, "validation_failed") as refusal:
        ledger.call(replace(good, type=kind, **change))  # type: ignore[arg-type]
    assert refusal.error == "Validation failed"
    assert refusal.details == details
    assert refusal.code == "validation_failed"


def test_texts_at_the_limit(ledger: Ledger, good: Request) -> None:
    """65,536 characters are kept."""
    long = "t" * 65536
    answer = ledger.call(replace(good, reference_id=long, description=long)).answer
    assert (answer["referenceId"], answer["description"]) == (long, long)


@pytest.mark.parametrize("shape", ["objects", "lists", "both"])
def test_metadata_is_at_most_32_levels_deep(ledger: Ledger, good: Request, shape: str) -> None:
    """As over HTTP: what is 32 levels deep is kept, a level more is refused, two hundred too; breadth is no depth."""

    def nested(levels: int) -> dict[str, object]:
        value: object = "scalars are no level"
        for level in range(levels - 1):
            value = [value, 1] if shape == "lists" or (shape == "both" and level % 2) else {"a": value, "b": 1}
        return {"a": value}

    broad: dict[str, object] = {"a": [{"b": [1, 2, 3]}] * 1000}
    for good_one in (nested(32), broad):
        assert ledger.call(replace(good, metadata=good_one, key=ledger.new_key())).answer["metadata"] == good_one
    for bad in (nested(33), nested(200)):
        with refused(ledger, "validation_failed") as refusal:
            ledger.call(replace(good, metadata=bad, key=ledger.new_key()))
        assert refusal.details == {"metadata": ["Must be a JSON object of at most 64 KiB and 32 levels."]}
        [answer] = ledger.post([replace(good, metadata=bad, key=ledger.new_key())])
        assert (answer.outcome, answer.code) == ("REFUSED", "validation_failed")


def test_an_unknown_type_is_refused(ledger: Ledger, good: Request) -> None:
    """Only a batch can name one."""
    for kind in (None, "", "top_up"):
        before = ledger.state()
        [answer] = ledger.post([replace(good, type=kind)])
        assert (answer.outcome, answer.code) == ("REFUSED", "validation_failed")
        assert answer.details == {"type": ["Is no kind of operation."]}
        assert ledger.state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_account(ledger: Ledger, good: Request, kind: str) -> None:
    """account_not_found."""
    with refused(ledger, "account_not_found") as refusal:
        ledger.call(replace(good, type=kind, account_id=uuid4()))
    assert refusal.error == "Account not found."


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_asset_type(ledger: Ledger, good: Request, kind: str) -> None:
    """asset_type_not_found."""
    with refused(ledger, "asset_type_not_found") as refusal:
        ledger.call(replace(good, type=kind, asset_type_id=uuid4()))
    assert refusal.error == "Asset type not found."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["treasury", "revenue"])
def test_a_system_account(ledger: Ledger, good: Request, asset: UUID, kind: str, side: str) -> None:
    """not_a_wallet: nobody tops up the treasury or spends the revenue."""
    with refused(ledger, "not_a_wallet") as refusal:
        ledger.call(replace(good, type=kind, account_id=getattr(ledger, side)(asset)))
    assert refusal.error == "The account is a system account, not a wallet."


@pytest.mark.parametrize("kind", KINDS)
def test_another_asset(ledger: Ledger, good: Request, kind: str) -> None:
    """asset_mismatch: coins stay coins."""
    other = ledger.create_asset_type("DM")
    with refused(ledger, "asset_mismatch") as refusal:
        ledger.call(replace(good, type=kind, asset_type_id=other))
    assert refusal.error == "The account holds another asset than assetTypeId names."


@pytest.mark.parametrize("kind", KINDS)
def test_an_asset_that_is_switched_off(ledger: Ledger, good: Request, asset: UUID, kind: str) -> None:
    """asset_inactive; what was posted before is still replayed."""
    first = ledger.call(replace(good, type=kind))
    ledger.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE WHERE id = %s", [asset])
    with refused(ledger, "asset_inactive") as refusal:
        ledger.call(replace(good, type=kind, key=f"another-{first.id}"))
    assert refusal.error == "The asset type is switched off."
    again = ledger.call(replace(good, type=kind))
    assert again.replayed
    assert again.answer == first.answer


def test_too_small_a_balance(ledger: Ledger, good: Request) -> None:
    """insufficient_balance names what is available and what was asked; the key stays free."""
    too_much = replace(good, type="SPEND", amount="100.0001")
    with refused(ledger, "insufficient_balance") as refusal:
        ledger.call(too_much)
    assert refusal.error == "Insufficient balance: 100 available, 100.0001 asked for."
    assert good.account_id is not None
    ledger.top_up(good.account_id, "0.0001")
    assert not ledger.call(too_much).replayed


@pytest.mark.parametrize(
    ("function", "code", "error"),
    [
        ("get_account", "account_not_found", "Account not found."),
        ("get_balance", "account_not_found", "Account not found."),
        ("list_ledger_entries", "account_not_found", "Account not found."),
        ("get_transaction", "transaction_not_found", "Transaction not found."),
    ],
)
def test_reading_what_is_not_there(ledger: Ledger, function: str, code: str, error: str) -> None:
    """The reads by id raise their own code."""
    with refused(ledger, code) as refusal:
        ledger.connection.execute(f"SELECT wallet.{function}(gen_random_uuid())".encode())
    assert refusal.error == error


def test_the_balance_at_an_instant_of_no_account(ledger: Ledger) -> None:
    """account_not_found."""
    with refused(ledger, "account_not_found"):
        ledger.connection.execute("SELECT wallet.balance_at(gen_random_uuid(), now())")


def test_precedence(ledger: Ledger, good: Request, asset: UUID) -> None:
    """Of several things that are wrong the first of this order is told."""
    other = ledger.create_asset_type("OFF", decimals=2)
    other_wallet = ledger.create_wallet(other)
    ledger.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE WHERE id = %s", [other])
    known = replace(good, key="known")
    ledger.call(known)
    worst = Request(type="SPEND", key="", account_id=None, asset_type_id=uuid4(), amount="0.00001", metadata={})
    for change, code in (
        ({}, "idempotency_key_missing"),
        # A wrong request is told what is wrong with it, also under a known key …
        ({"key": "known"}, "validation_failed"),
        ({"account_id": uuid4()}, "validation_failed"),
        # … but before the state of the world is looked at, the key is.
        ({"amount": "1000.001"}, "idempotency_key_reused"),
        ({"key": "fresh"}, "account_not_found"),
        ({"account_id": ledger.treasury(asset)}, "asset_type_not_found"),
        ({"asset_type_id": other}, "not_a_wallet"),
        ({"account_id": good.account_id}, "asset_mismatch"),
        ({"account_id": other_wallet}, "validation_failed"),
        ({"amount": 1000}, "asset_inactive"),
        ({"account_id": good.account_id, "asset_type_id": asset}, "insufficient_balance"),
    ):
        worst = replace(worst, **change)
        with refused(ledger, code):
            ledger.call(worst)


@pytest.mark.parametrize("size", [0, 1001])
def test_the_size_of_a_batch(ledger: Ledger, good: Request, size: int) -> None:
    """1 to 1000 requests."""
    with refused(ledger, "validation_failed") as refusal:
        ledger.post([replace(good, key=f"k{number}") for number in range(size)])
    assert refusal.details == {"requests": ["Must be 1 to 1000 requests."]}


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_batch_that_is_all_or_nothing(ledger: Ledger, good: Request, bad: int) -> None:
    """batch_refused names the first refused item by its place and code; nothing of the batch is posted."""
    items = [
        {
            "type": "SPEND",
            "idempotency_key": ledger.new_key(),
            "account_id": str(good.account_id),
            "asset_type_id": str(good.asset_type_id),
            "amount": "1",
        }
        for _ in range(3)
    ]
    amounts = [{**item, "amount": "1000"} if place >= bad else item for place, item in enumerate(items)]
    with refused(ledger, "batch_refused") as refusal:
        ledger.connection.execute("SELECT wallet.post_atomic_json(%s::json)", [json.dumps(amounts)])
    assert (refusal.details["index"], refusal.details["code"]) == (bad, "insufficient_balance")
    assert refusal.code == "batch_refused"
    answers = ledger.connection.execute(
        "SELECT outcome FROM wallet.post_atomic_json(%s::json)", [json.dumps(items)]
    ).fetchall()
    assert answers == [("POSTED",)] * 3


def test_no_batch_at_all(ledger: Ledger) -> None:
    """NULL is an empty batch."""
    with refused(ledger, "validation_failed"):
        ledger.connection.execute("SELECT wallet.post(NULL)")


def test_a_batch_of_values_of_another_type(ledger: Ledger) -> None:
    """post_json raises PostgreSQL's own error for what is no UUID."""
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        ledger.connection.execute("""SELECT wallet.post_json('[{"account_id": "x"}]')""")


@pytest.mark.parametrize(
    ("kind", "details"), [("type", ["Is no transaction type."]), ("status", ["Is no transaction status."])]
)
def test_unknown_filters(ledger: Ledger, kind: str, details: list[str]) -> None:
    """list_transactions refuses a type or status that does not exist."""
    for value in ("", "spend", "GIFT"):
        with refused(ledger, "validation_failed") as refusal:
            ledger.connection.execute(f"SELECT wallet.list_transactions(p_{kind} => %s)".encode(), [value])
        assert refusal.details == {kind: details}


@pytest.mark.parametrize(
    ("symbol", "name", "decimals"),
    [("gc", "x", 4), ("", "x", 4), ("1A", "x", 4), ("A" * 17, "x", 4), ("GC", "", 4), ("GC", "x" * 256, 4),
     ("GC", "x", 5), ("GC", "x", -1)],
)  # fmt: skip
def test_bad_asset_types(ledger: Ledger, symbol: str, name: str, decimals: int) -> None:
    """A CHECK refuses them, and no system account is left behind."""
    before = ledger.state()
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.connection.execute("SELECT wallet.create_asset_type(%s, %s, NULL, %s)", [symbol, name, decimals])
    assert ledger.state() == before


def test_the_lost_version_check(ledger: Ledger, good: Request) -> None:
    """An account whose version moves under a posting, past its lock, makes the posting fail with 40001."""
    ledger.connection.execute("""
        CREATE FUNCTION pg_temp.meddle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE wallet.accounts SET version = version + 1;
            RETURN NULL;
        END $$;
        CREATE TRIGGER meddle AFTER INSERT ON wallet.idempotency_keys
        FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.meddle()""")
    before = ledger.state()
    with pytest.raises(psycopg.errors.SerializationFailure, match="moved while it was locked"):
        ledger.call(good)
    assert ledger.state() == before
