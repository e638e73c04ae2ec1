"""Idempotency: the same request again gets the first answer, another request under the key is refused."""

import asyncio
from collections import Counter

import pytest

from tests.conftest import StartApp
from tests.http.api import NOBODY, POSTINGS, Answer, Api, new_key
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

TEXTS = {"referenceId": "r", "description": "d", "metadata": {"a": 1, "b": [{"c": "x"}]}}


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_replay_gets_the_first_answer(api: Api, books: Ledger, kind: str) -> None:
    """201, the same bytes, Idempotency-Replayed: true; nothing is written, however often and whatever moved since."""
    wallet = await api.wallet(balance="10")
    key = new_key()
    first = await api.posting(kind, wallet.body("10", **TEXTS), key)
    assert (first.status, first.replayed) == (201, False)
    assert "Idempotency-Replayed" not in first.headers
    assert (await wallet.top_up("3")).status == 201
    before = books.state()
    for _ in range(3):
        again = await api.posting(kind, wallet.body("10", **TEXTS), key)
        assert (again.status, again.replayed, again.body) == (201, True, first.body)
    assert books.state() == before


async def test_a_replay_of_a_spend_needs_no_balance(api: Api, books: Ledger) -> None:
    """The balance was spent by the first request; the replay is answered all the same."""
    wallet = await api.wallet(balance="10")
    first = await wallet.spend("10", "all")
    again = await wallet.spend("10", "all")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    assert await wallet.balance() == 0
    assert books.problems() == {}


async def test_the_same_request_may_be_written_otherwise(api: Api, books: Ledger) -> None:
    """Number or text, trailing zeros, case of ids, order and white space, null or left out: the same request."""
    wallet = await api.wallet()
    key = new_key()
    sent = '"metadata":{"a":1,"b":2},"description":null'
    first = await api.posting_raw("top-up", wallet.raw("1.5", "," + sent), key)
    assert first.status == 201
    others = [
        wallet.raw('"1.5000"', ',"metadata": {"b":2, "a":1}'),
        wallet.raw("15e-1", "," + sent + ',"referenceId":null,"unknown":1').replace(b":", b" : "),
        wallet.raw("1.50", "," + sent).replace(wallet.id.encode(), wallet.id.upper().encode()),
        b'{"metadata":{"\\u0061":1,"b":2},"amount":1.5,"assetTypeId":"%s","accountId":"%s"}'
        % (wallet.asset.encode(), wallet.id.encode()),
    ]
    before = books.state()
    for content in others:
        again = await api.posting_raw("top-up", content, key)
        assert (again.status, again.replayed, again.body) == (201, True, first.body), content
    assert books.state() == before


async def test_another_request_under_the_key_is_refused(api: Api, books: Ledger) -> None:
    """422 idempotency_key_reused; details name exactly what differs: each field, the account, the endpoint, all."""
    wallet, other = await api.wallet(balance="10"), await api.wallet(balance="10")
    key = new_key()
    body = wallet.body("1", **TEXTS)
    assert (await api.posting("top-up", body, key)).status == 201
    changes: list[tuple[str, dict[str, object], set[str]]] = [
        ("top-up", {"amount": "1.0001"}, {"amount"}),
        ("top-up", {"amount": "2"}, {"amount"}),
        ("top-up", {"referenceId": "R"}, {"referenceId"}),
        ("top-up", {"referenceId": None}, {"referenceId"}),
        ("top-up", {"referenceId": ""}, {"referenceId"}),
        ("top-up", {"description": "d "}, {"description"}),
        ("top-up", {"description": None}, {"description"}),
        ("top-up", {"metadata": None}, {"metadata"}),
        ("top-up", {"metadata": {}}, {"metadata"}),
        ("top-up", {"metadata": {"a": "1", "b": [{"c": "x"}]}}, {"metadata"}),
        ("top-up", {"accountId": other.id}, {"accountId"}),
        ("bonus", {}, {"type"}),
        ("spend", {}, {"type"}),
        ("bonus", {"amount": 3, "accountId": other.id}, {"type", "amount", "accountId"}),
        (
            "spend",
            {"accountId": other.id, "amount": 3, "referenceId": "", "description": "", "metadata": {}},
            {"type", "accountId", "amount", "referenceId", "description", "metadata"},
        ),
    ]
    before = books.state()
    for kind, change, fields in changes:
        answer = await api.posting(kind, {**body, **change}, key)
        assert answer.refused == (422, "idempotency_key_reused"), change
        assert set(answer.details) == fields, change
    assert books.state() == before


async def test_reuse_with_another_asset_names_asset_and_account(api: Api, books: Ledger) -> None:
    """A whole other wallet in another asset: assetTypeId is named; a mismatched asset is named as well."""
    gold, diamonds = await api.wallet("GC"), await api.wallet("DM")
    key = new_key()
    assert (await gold.top_up("1", key)).status == 201
    before = books.state()
    elsewhere = await diamonds.top_up("1", key)
    assert (elsewhere.refused, set(elsewhere.details)) == (
        (422, "idempotency_key_reused"),
        {"accountId", "assetTypeId"},
    )
    mismatched = await api.posting("top-up", {**gold.body("1"), "assetTypeId": diamonds.asset}, key)
    assert (mismatched.refused, set(mismatched.details)) == ((422, "idempotency_key_reused"), {"assetTypeId"})
    unknown = await api.posting("top-up", {**gold.body("1"), "accountId": NOBODY}, key)
    assert (unknown.refused, set(unknown.details)) == ((422, "idempotency_key_reused"), {"accountId"})
    assert books.state() == before


async def test_a_refused_request_keeps_no_key(api: Api, books: Ledger) -> None:
    """Refused for its balance, then posted under the same key, once there is enough; even with another body."""
    wallet = await api.wallet(balance="1")
    key = new_key()
    before = books.state()
    for _ in range(2):
        assert (await wallet.spend("5", key)).refused == (422, "insufficient_balance")
    assert books.state() == before
    assert (await wallet.top_up("4")).status == 201
    posted = await wallet.spend("5", key)
    assert (posted.status, posted.replayed) == (201, False)
    assert (await wallet.spend("5", key)).replayed
    assert await wallet.balance() == 0


async def test_many_at_once_with_one_key(api: Api, books: Ledger) -> None:
    """Fifty at once under one key: one posting, fifty equal answers, one of them not marked as replayed."""
    wallet = await api.wallet()
    answers = await asyncio.gather(*(wallet.top_up("1", "fifty") for _ in range(50)))
    assert_one_made(answers)
    assert await wallet.balance() == 1
    assert books.problems() == {}


async def test_many_at_once_with_one_key_on_two_apps(
    api: Api, seeded_url: str, start_app: StartApp, books: Ledger
) -> None:
    """The same with two applications on one database: the key holds between processes too."""
    wallet = await api.wallet(balance="1")
    async with start_app(seeded_url) as session:
        other = Api(session)
        answers = await asyncio.gather(
            *((api, other)[turn % 2].posting("spend", wallet.body("1"), "both") for turn in range(50))
        )
    assert_one_made(answers)
    assert await wallet.balance() == 0
    assert books.problems() == {}


def assert_one_made(answers: list[Answer]) -> None:
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {True: len(answers) - 1, False: 1}


async def test_many_different_requests_at_once_with_one_key(api: Api, books: Ledger) -> None:
    """Twenty different amounts at once under one key: one posted, the others refused for the amount."""
    wallet = await api.wallet()
    answers = await asyncio.gather(*(wallet.top_up(amount, "twenty") for amount in range(1, 21)))
    assert Counter(answer.refused for answer in answers) == {(201, ""): 1, (422, "idempotency_key_reused"): 19}
    assert all(set(answer.details) == {"amount"} for answer in answers if answer.status == 422)
    (posted,) = (answer.data["amount"] for answer in answers if answer.status == 201)
    assert await wallet.balance() == posted


async def test_keys_of_every_good_form(api: Api, books: Ledger) -> None:
    """1 and 255 characters, every visible ASCII character, spaces around: kept, returned and told apart by case."""
    wallet = await api.wallet()
    visible = "".join(map(chr, range(33, 127)))
    for key in ("k", "K", "k" * 255, "';DROP/**/TABLE/**/wallet.accounts;--", visible):
        first = await wallet.top_up("1", key)
        assert (first.status, first.replayed, first.data["idempotencyKey"]) == (201, False, key)
        padded = await wallet.top_up("1", f"  {key}\t ")
        assert (padded.status, padded.replayed, padded.body) == (201, True, first.body)
    assert await wallet.balance() == 5


async def test_an_account_is_replayed_with_its_first_answer(api: Api, books: Ledger) -> None:
    """POST /accounts again under its key: 201, replayed, the FIRST answer although the balance moved since."""
    body = {"name": "N", "assetTypeId": await api.asset(), "externalId": "x", "email": "a@b.example"}
    first = await api.post("/accounts", body, "account")
    assert (first.status, first.replayed) == (201, False)
    topped = await api.posting(
        "top-up", {"accountId": first.data["id"], "assetTypeId": body["assetTypeId"], "amount": 5}
    )
    assert topped.status == 201
    before = books.state()
    again = await api.post("/accounts", body, "account")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    upper = await api.post("/accounts", {**body, "assetTypeId": body["assetTypeId"].upper(), "unknown": 1}, "account")
    assert (upper.status, upper.replayed, upper.body) == (201, True, first.body)
    assert books.state() == before
    assert (await api.get(f"/accounts/{first.data['id']}")).data["balance"] == 5


async def test_another_account_under_the_key_is_refused(api: Api, books: Ledger) -> None:
    """422 naming exactly the fields that differ, one by one and together."""
    body: dict[str, object] = {"name": "N", "assetTypeId": await api.asset(), "externalId": "x", "email": "a@b.example"}
    changed: dict[str, object] = {"name": "M", "assetTypeId": await api.asset("DM"), "externalId": "y", "email": "c@d"}
    assert (await api.post("/accounts", body, "account")).status == 201
    before = books.state()
    for field, value in [*changed.items(), ("externalId", None), ("email", None)]:
        answer = await api.post("/accounts", {**body, field: value}, "account")
        assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), {field})
    answer = await api.post("/accounts", changed, "account")
    assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), set(changed))
    assert books.state() == before


async def test_a_key_is_shared_by_all_endpoints(api: Api, books: Ledger) -> None:
    """A posting's key on POST /accounts, and an account's key on each posting endpoint: 422 naming the endpoint."""
    wallet = await api.wallet(balance="10")
    account = {"name": "N", "assetTypeId": wallet.asset}
    assert (await api.post("/accounts", account, "of-an-account")).status == 201
    assert (await wallet.top_up("1", "of-a-posting")).status == 201
    before = books.state()
    for kind in POSTINGS:
        answer = await api.posting(kind, wallet.body("1"), "of-an-account")
        assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), {"endpoint"})
    answer = await api.post("/accounts", account, "of-a-posting")
    assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), {"endpoint"})
    assert books.state() == before


async def test_many_accounts_at_once_with_one_key(api: Api, books: Ledger) -> None:
    """Fifty at once under one key: one account, fifty equal answers. Without a key and external id: fifty accounts."""
    body = {"name": "N", "assetTypeId": await api.asset()}
    count = books.counts()["accounts"]
    assert_one_made(await asyncio.gather(*(api.post("/accounts", body, "fifty") for _ in range(50))))
    assert books.counts()["accounts"] == count + 1
    opened = await asyncio.gather(*(api.post("/accounts", body) for _ in range(50)))
    assert len({answer.data["id"] for answer in opened}) == 50


async def test_one_external_id_wanted_by_many_at_once(api: Api, books: Ledger) -> None:
    """Twenty at once, each under its own key, with one external id: one made, the others 409 and their keys free."""
    body = {"name": "N", "assetTypeId": await api.asset(), "externalId": "wanted"}
    keys = [new_key() for _ in range(20)]
    answers = await asyncio.gather(*(api.post("/accounts", body, key) for key in keys))
    assert Counter(answer.refused for answer in answers) == {(201, ""): 1, (409, "external_id_taken"): 19}
    free = {**body, "externalId": None}
    again = [await api.post("/accounts", free, key) for key in keys]
    assert Counter(answer.refused for answer in again) == {(201, ""): 19, (422, "idempotency_key_reused"): 1}
