"""Keys: the same request again, another request under a known key, and keys of accounts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger, Request
from tests.support.refusal import refused

DIFFERS = ["Differs from the first request with this idempotency key."]

Change = Callable[[Ledger, Request], dict[str, Any]]


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test takes a key and a wallet of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def asset(ledger: Ledger) -> UUID:
    return ledger.create_asset_type()


@pytest.fixture
def request_(ledger: Ledger, asset: UUID) -> Request:
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 100)
    return Request(
        key=ledger.new_key(),
        account_id=wallet,
        asset_type_id=asset,
        amount="5.5",
        reference_id="ref",
        description="desc",
        metadata={"a": 1, "b": None},
    )


@pytest.mark.parametrize("kind", ["TOP_UP", "BONUS", "SPEND"])
def test_the_same_request_again_gives_the_first_answer(ledger: Ledger, request_: Request, kind: str) -> None:
    """Replayed, word for word, and nothing is written."""
    first = ledger.call(replace(request_, type=kind))
    before = ledger.state()
    again = ledger.call(replace(request_, type=kind))
    assert (first.replayed, again.replayed) == (False, True)
    assert first.answer == again.answer
    assert ledger.state() == before


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "5.5000"},
        {"metadata": {"b": None, "a": 1}},
        {"metadata": {"b": None, "a": 1.0}},
    ],
)
def test_another_spelling_of_the_same_is_the_same(ledger: Ledger, request_: Request, change: dict[str, Any]) -> None:
    """Zeros at the end of an amount and the order of metadata's fields mean nothing."""
    ledger.call(request_)
    assert ledger.call(replace(request_, **change)).replayed


def test_a_spend_is_replayed_although_the_balance_is_gone(ledger: Ledger, request_: Request) -> None:
    """The key is looked at before the balance."""
    whole = replace(request_, type="SPEND", amount=100)
    first = ledger.call(whole)
    again = ledger.call(whole)
    assert again.replayed
    assert again.answer == first.answer


CHANGES: dict[str, Change] = {
    "type": lambda ledger, first: {"type": "BONUS"},
    "accountId": lambda ledger, first: {"account_id": ledger.create_wallet(ledger.create_asset_type())},
    "amount": lambda ledger, first: {"amount": "5.5001"},
    "referenceId": lambda ledger, first: {"reference_id": "other"},
    "description": lambda ledger, first: {"description": ""},
    "metadata": lambda ledger, first: {"metadata": {"a": 1}},
}


@pytest.mark.parametrize("field", CHANGES)
def test_another_request_under_the_key_names_the_field(ledger: Ledger, request_: Request, field: str) -> None:
    """idempotency_key_reused, with exactly the one field that differs."""
    changed = replace(request_, **CHANGES[field](ledger, request_))
    ledger.call(request_)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.call(changed)
    assert refusal.details == {field: DIFFERS}
    assert refusal.error == "The idempotency key was used for another request."


@pytest.mark.parametrize("field", ["referenceId", "description", "metadata"])
def test_a_field_that_is_left_out_differs_both_ways(ledger: Ledger, request_: Request, field: str) -> None:
    """NULL differs from a value, and a value from NULL."""
    name = {"referenceId": "reference_id"}.get(field, field)
    without = replace(request_, **{name: None})
    for first, second in ((request_, without), (without, request_)):
        key = ledger.new_key()
        ledger.call(replace(first, key=key))
        with refused(ledger, "idempotency_key_reused") as refusal:
            ledger.call(replace(second, key=key))
        assert refusal.details == {field: DIFFERS}


def test_another_asset_differs_by_account_and_asset(ledger: Ledger, request_: Request) -> None:
    """A wallet of another asset, named rightly."""
    other = ledger.create_asset_type("DM")
    changed = replace(request_, account_id=ledger.create_wallet(other), asset_type_id=other)
    ledger.call(request_)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.call(changed)
    assert refusal.details == {"accountId": DIFFERS, "assetTypeId": DIFFERS}


def test_a_spend_under_the_key_of_a_top_up_names_the_type_alone(ledger: Ledger, request_: Request) -> None:
    """The wallet is compared with the wallet, on whichever side it was."""
    ledger.call(request_)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.call(replace(request_, type="SPEND"))
    assert refusal.details == {"type": DIFFERS}


def test_everything_differs(ledger: Ledger, request_: Request) -> None:
    """All fields are named at once."""
    other = ledger.create_asset_type("DM")
    changed = Request(
        type="SPEND", key=request_.key, account_id=ledger.create_wallet(other), asset_type_id=other, amount=1
    )
    ledger.call(request_)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.call(changed)
    fields = ["type", "accountId", "assetTypeId", "amount", "referenceId", "description", "metadata"]
    assert refusal.details == dict.fromkeys(fields, DIFFERS)


def test_keys_are_compared_byte_by_byte(ledger: Ledger, request_: Request) -> None:
    """Upper and lower case are two keys."""
    assert request_.key is not None
    ledger.call(request_)
    assert not ledger.call(replace(request_, key=request_.key.upper())).replayed


def test_a_refused_request_keeps_no_key(ledger: Ledger, request_: Request) -> None:
    """The key may serve any other request later, also for an account."""
    for change in ({"amount": 0}, {"type": "SPEND", "amount": 101}, {"account_id": UUID(int=1)}):
        [answer] = ledger.post([replace(request_, **change)])
        assert answer.outcome == "REFUSED"
    posted = ledger.create_account("x", request_.asset_type_id, key=request_.key)
    assert not posted.replayed


def test_an_account_is_created_once_per_key(ledger: Ledger, asset: UUID) -> None:
    """The replay gives the first answer, although the balance has moved since."""
    key = ledger.new_key()
    arguments = ("Zoë", asset, f"ext-{key}", "zoe@example.com")
    first = ledger.create_account(*arguments, key=key)
    ledger.top_up(first.id, 7)
    before = ledger.state()
    again = ledger.create_account(*arguments, key=key)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.answer == again.answer
    assert first.answer["balance"] == 0
    assert ledger.state() == before


@pytest.mark.parametrize("field", ["name", "assetTypeId", "externalId", "email"])
@pytest.mark.parametrize("value", ["other", None])
def test_another_account_under_the_key_names_the_field(
    ledger: Ledger, asset: UUID, field: str, value: str | None
) -> None:
    """idempotency_key_reused, with exactly the one field that differs."""
    key = ledger.new_key()
    arguments: dict[str, Any] = {
        "name": "N", "assetTypeId": asset, "externalId": f"ext-{key}", "email": "n@example.com"
    }  # fmt: skip
    changed = {**arguments, field: ledger.create_asset_type("DM") if field == "assetTypeId" else value}
    ledger.create_account(*arguments.values(), key=key)
    if changed["name"] is None:
        with refused(ledger, "validation_failed") as refusal:
            ledger.create_account(*changed.values(), key=key)
        assert refusal.details == {"name": ["Must be 1 to 255 characters."]}
        return
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.create_account(*changed.values(), key=key)
    assert refusal.details == {field: DIFFERS}


def test_a_key_of_a_posting_serves_no_account_and_the_other_way(ledger: Ledger, request_: Request) -> None:
    """The endpoint differs."""
    ledger.call(request_)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.create_account("N", request_.asset_type_id, key=request_.key)
    assert refusal.details == {"endpoint": DIFFERS}
    key = ledger.new_key()
    ledger.create_account("N", request_.asset_type_id, key=key)
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.call(replace(request_, key=key))
    assert refusal.details == {"endpoint": DIFFERS}


def test_refusals_of_an_account_keep_no_key(ledger: Ledger, asset: UUID) -> None:
    """A bad field, a bad key, an unknown asset, a taken external id: all of them write nothing."""
    key = ledger.new_key()
    ledger.create_account("N", asset, external_id=f"taken-{key}")
    for arguments, code, details in (
        ((None, asset), "validation_failed", {"name": ["Must be 1 to 255 characters."]}),
        (("", None), "validation_failed", {"name": ["Must be 1 to 255 characters."], "assetTypeId": ["Is required."]}),
        (("x" * 256, asset, ""), "validation_failed", {
            "name": ["Must be 1 to 255 characters."], "externalId": ["Must be 1 to 255 characters."]
        }),
        (("N", asset, "x" * 256, "a"), "validation_failed", {
            "externalId": ["Must be 1 to 255 characters."], "email": ["Must be 3 to 320 characters."]
        }),
        (("N", UUID(int=1)), "asset_type_not_found", {}),
        (("N", asset, f"taken-{key}"), "external_id_taken", {}),
    ):  # fmt: skip
        with refused(ledger, code) as refusal:
            ledger.create_account(*arguments, key=key)
        assert refusal.details == details
    for bad in ("", " ", "é", "k" * 256):
        with refused(ledger, "idempotency_key_missing"):
            ledger.create_account("N", asset, key=bad)
    assert not ledger.create_account("N", asset, key=key).replayed
