"""Every row of the contract's table of refusals, wherever it applies; a refused request has written nothing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.http.api import NOBODY, POSTINGS, Answer, Api, Wallet, new_key
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def nothing_written(books: Ledger) -> AsyncIterator[None]:
    """What happens inside changes no row of any table."""
    before = books.state()
    yield
    assert books.state() == before


async def post_body(api: Api, path: str, content: bytes) -> Answer:
    """POST bytes under a fresh key."""
    return await api.post(path, None, new_key(), content=content)


def mutating_paths() -> list[str]:
    return ["/accounts", *(f"/transactions/{kind}" for kind in POSTINGS)]


@pytest.fixture
async def wallet(api: Api) -> Wallet:
    """A wallet with 10 Gold Coins."""
    return await api.wallet(balance="10")


def good_body(wallet: Wallet, path: str, **changes: object) -> dict[str, object]:
    """A good body for the path, with changes."""
    if path == "/accounts":
        return {"name": "N", "assetTypeId": wallet.asset, "externalId": "x", "email": "a@b.example", **changes}
    fields: dict[str, object] = {"referenceId": "r", "description": "d", "metadata": {"m": 1}}
    return wallet.body("1", **{**fields, **changes})


@pytest.mark.parametrize("path", mutating_paths())
async def test_the_good_body_is_good(api: Api, wallet: Wallet, path: str) -> None:
    """What the tests below spoil is accepted when it is not spoilt."""
    assert (await api.post(path, good_body(wallet, path), new_key())).status == 201


MALFORMED: Mapping[str, bytes] = {
    "nothing": b"",
    "spaces": b"  \n",
    "no JSON": b"hello",
    "cut off": b'{"name": "N", ',
    "two values": b"{} {}",
    "a comma too many": b'{"name":"N",}',
    "single quotes": b"{'name':'N'}",
    "a comment": b'{"name":"N"/*x*/}',
    "bare control character": b'{"name":"a\nb"}',
    "bad UTF-8": b'{"name":"\xff"}',
    "overlong UTF-8": b'{"name":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "bad UTF-8 in an unknown field": b'{"unknown":"\xff"}',
    "bad UTF-8 in a name": b'{"\xff":1}',
    "UTF-16": '{"name":"N"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name":"N"}',
    "an array": b"[]",
    "an array of bodies": b'[{"name":"N"}]',
    "a string": b'"text"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "not a number": b"NaN",
    "50,000 brackets": b"[" * 50_000,
    "50,000 closed brackets": b"[" * 25_000 + b"]" * 25_000,
    "10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep in an unknown field": b'{"unknown":' + b"[" * 25_000 + b"]" * 25_000 + b"}",
    "deep in every field": b",".join(
        b'"%s":%s' % (name, b"[" * 5_000 + b"]" * 5_000)
        for name in (b"accountId", b"assetTypeId", b"amount", b"metadata", b"name", b"email")
    ).join((b"{", b"}")),
    "lone high surrogate": b'{"name":"\\ud800"}',
    "lone low surrogate": b'{"name":"\\udc00"}',
    "two high surrogates": b'{"name":"\\ud800\\ud800"}',
    "surrogates the wrong way round": b'{"name":"\\udc00\\ud800"}',
    "bad escape": b'{"name":"\\x41"}',
    "bad unicode escape": b'{"name":"\\u00zz"}',
    "number with a leading zero": b'{"name":01}',
}


@pytest.mark.parametrize("path", mutating_paths())
async def test_malformed_bodies_are_refused(api: Api, books: Ledger, wallet: Wallet, path: str) -> None:
    """400 validation_failed for everything that is no JSON object in UTF-8; nothing is written, the key stays free."""
    key = new_key()
    async with nothing_written(books):
        answers = {name: await api.post(path, None, key, content=content) for name, content in MALFORMED.items()}
    refusals = {name: answer.refused for name, answer in answers.items()}
    assert refusals == dict.fromkeys(MALFORMED, (400, "validation_failed"))
    good = await api.post(path, good_body(wallet, path), key)
    assert (good.status, good.replayed) == (201, False)


async def test_malformed_text_in_good_bodies_is_refused(api: Api, books: Ledger, wallet: Wallet) -> None:
    """Bytes that are no UTF-8 and lone surrogates are refused in every text field and inside metadata."""
    bad = [b'"\xff"', b'"\\ud800"', b'"\\udc00"', b'"\\ud800x"', b'"\\ud83d\\u0041"', b'"\xed\xa0\x80"']
    spoilt: dict[str, bytes] = {}
    for text in bad:
        for field in ("referenceId", "description"):
            spoilt[f"{field} {text!r}"] = wallet.raw("1").replace(b"}", b',"%s":%s}' % (field.encode(), text))
        for metadata in (b'{"a":%s}' % text, b"{%s:1}" % text, b'{"a":[{"b":%s}]}' % text):
            spoilt[f"metadata {metadata!r}"] = wallet.raw("1")[:-1] + b',"metadata":%s}' % metadata
    async with nothing_written(books):
        got = {name: (await api.posting_raw("top-up", content)).refused for name, content in spoilt.items()}
    assert got == dict.fromkeys(spoilt, (400, "validation_failed"))
    accounts = {
        f"{field!r} {text!r}": b'{"name":"N","assetTypeId":"%s","%s":%s}' % (wallet.asset.encode(), field, text)
        for text in bad
        for field in (b"name", b"externalId", b"email")
    }
    async with nothing_written(books):
        got = {name: (await post_body(api, "/accounts", content)).refused for name, content in accounts.items()}
    assert got == dict.fromkeys(accounts, (400, "validation_failed"))


@pytest.mark.parametrize("path", mutating_paths())
async def test_missing_fields_are_all_named_at_once(api: Api, books: Ledger, path: str) -> None:
    """An empty object, and one of nulls: every required field is named in one answer."""
    required = {"name", "assetTypeId"} if path == "/accounts" else {"accountId", "assetTypeId", "amount"}
    async with nothing_written(books):
        empty = await api.post(path, {}, new_key())
        nulls = await api.post(path, dict.fromkeys(required), new_key())
    for answer in (empty, nulls):
        assert answer.refused == (400, "validation_failed")
        assert set(answer.details) == required


@pytest.mark.parametrize("path", mutating_paths())
async def test_wrong_fields_are_all_named_at_once(api: Api, books: Ledger, path: str) -> None:
    """Every field of the wrong type, and one of a wrong value beside them: one answer names them all."""
    if path == "/accounts":
        wrong: dict[str, object] = {"name": 5, "assetTypeId": "x", "externalId": [], "email": False}
    else:
        wrong = {
            "accountId": "x",
            "assetTypeId": 7,
            "amount": "-1",
            "referenceId": {},
            "description": 1.5,
            "metadata": [],
        }
    async with nothing_written(books):
        answer = await api.post(path, wrong, new_key())
        texts = await api.post(path, {**wrong, **dict.fromkeys(("email", "description"), "a\0b")}, new_key())
    assert answer.refused == (400, "validation_failed")
    assert set(answer.details) == set(wrong)
    assert set(texts.details) == set(wrong)


WRONG_TYPES: list[object] = [0, 1, 1.5, True, [], ["x"], {}, {"a": "b"}]
BAD_IDS: list[object] = [
    *WRONG_TYPES,
    "",
    " ",
    "nonsense",
    NOBODY[:-1],
    NOBODY + "0",
    NOBODY + " ",
    " " + NOBODY,
    "{" + NOBODY + "}",
    "urn:uuid:" + NOBODY,
    NOBODY.replace("0", "g"),
    NOBODY.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    NOBODY.replace("-", "_"),
    "00000000-0000-0000-00000000-00000000",
]


@pytest.mark.parametrize("path", mutating_paths())
async def test_each_wrong_field_is_named(api: Api, books: Ledger, wallet: Wallet, path: str) -> None:
    """Each field with each value of a wrong type or form: 400 naming that field and no other."""
    texts = [("name", 255), ("externalId", 255), ("email", 320)] if path == "/accounts" else []
    wrong: list[tuple[str, object]] = [("assetTypeId", value) for value in BAD_IDS]
    wrong += [(field, value) for field, _ in texts for value in WRONG_TYPES]
    wrong += [(field, "x" * (length + 1)) for field, length in texts]
    wrong += [(field, "🪙" * (length + 1)) for field, length in texts]
    wrong += [(field, "") for field, _ in texts]
    wrong += [(field, "a\0b") for field, _ in texts]
    if path == "/accounts":
        wrong += [("name", None), ("email", "ab")]
    else:
        wrong += [("accountId", value) for value in [*BAD_IDS, None]]
        wrong += [(field, value) for field in ("referenceId", "description") for value in [*WRONG_TYPES, "\0", "a\0"]]
        wrong += [("metadata", value) for value in [0, 1.5, True, [], ["x"], "text", "", "{}", [{"a": 1}]]]
    async with nothing_written(books):
        named = []
        for field, value in wrong:
            answer = await api.post(path, good_body(wallet, path, **{field: value}), new_key())
            named.append((field, value, answer.refused, set(answer.json.get("details", ()))))
    assert named == [(field, value, (400, "validation_failed"), {field}) for field, value in wrong]


@pytest.mark.parametrize("path", mutating_paths())
async def test_optional_fields_may_be_null(api: Api, wallet: Wallet, path: str) -> None:
    """null is the same as not given for every optional field."""
    names = ("externalId", "email") if path == "/accounts" else ("referenceId", "description", "metadata")
    answer = await api.post(path, good_body(wallet, path, **dict.fromkeys(names)), new_key())
    assert answer.status == 201
    assert [answer.data[name] for name in names] == [None] * len(names)


def nested(levels: int, *, array: bool = False) -> dict[str, Any]:
    """An object of so many levels, of objects or of arrays within one."""
    value: Any = 1
    for _ in range(levels - 1):
        value = [value] if array else {"a": value}
    return {"a": value}


GOOD_METADATA: Mapping[str, str] = {
    "empty": "{}",
    "32 levels": json.dumps(nested(32)),
    "32 levels of arrays": json.dumps(nested(32, array=True)),
    "text that looks like NUL": '{"a":"\\\\u0000","\\\\u0000":1}',
    "empty name": '{"":1}',
    "a pair of surrogates": '{"\\ud83e\\ude99":"\\ud83e\\ude99"}',
    "control characters": '{"a":"\\u0001\\u001f\\u007f\\b\\f"}',
    "300 digits": '{"a":' + "9" * 300 + "}",
    "many digits after the point": '{"a":0.' + "1" * 250 + "}",
    "exponents": '{"a":1e200,"b":-1.5E-200,"c":0e0}',
    "beyond double": '{"a":12345678901234567890.123456789012345678901234567890}',
    "minus zero": '{"a":-0}',
    "duplicate names": '{"a":1,"a":2}',
    "white space": ' { "a" : [ ] } ',
    "names of SQL and Python": '{"__proto__":{},"constructor":null,"\'; DROP TABLE":"%s %(a)s $1 {}"}',
}


async def test_any_metadata_that_can_be_kept_is_kept(api: Api, books: Ledger, wallet: Wallet) -> None:
    """Good metadata comes back with equal values: numbers digit for digit, of duplicate names the last."""
    for name, text in GOOD_METADATA.items():
        answer = await api.posting_raw("top-up", wallet.raw("1", f',"metadata":{text}'))
        assert answer.status == 201, name
        assert answer.data["metadata"] == json.loads(text, parse_float=Decimal), name
        assert (await api.get(f"/transactions/{answer.data['id']}")).data == answer.data, name
    assert books.problems() == {}


BAD_METADATA: Mapping[str, str] = {
    "33 levels": json.dumps(nested(33)),
    "33 levels of arrays": json.dumps(nested(33, array=True)),
    "many levels": '{"a":' * 5000 + "1" + "}" * 5000,
    "NUL in a value": '{"a":"x\\u0000"}',
    "NUL in a name": '{"\\u0000":1}',
    "NUL in a name deep down": '{"a":[{"b":{"c\\u0000":1}}]}',
    "NUL in a value deep down": '{"a":[1,{"b":["\\u0000"]}]}',
    "NUL after a backslash": '{"a":"\\\\\\u0000"}',
    "huge exponent": '{"a":1e999999999}',
    "huge negative exponent": '{"a":1e-999999999}',
    "huge exponent of zero": '{"a":0e999999999999}',
    "exponent beyond numeric": '{"a":1e131072}',
    "exponent deep down": '{"a":[[{"b":-9.9E+400000}]]}',
    "many digits": '{"a":' + "9" * 301 + "}",
    "very many digits": '{"a":' + "9" * 10_000 + "}",
    "very many digits after the point": '{"a":0.' + "1" * 10_000 + "}",
    "NaN": '{"a":NaN}',
    "Infinity": '{"a":-Infinity}',
    "an array": "[]",
    "a string": '"{}"',
    "a number": "1",
    "false": "false",
}


async def test_metadata_that_cannot_be_kept_is_refused(api: Api, books: Ledger, wallet: Wallet) -> None:
    """400, never a 5xx; nothing is written and the key stays free."""
    key = new_key()
    async with nothing_written(books):
        got = {
            name: await api.posting_raw("spend", wallet.raw("1", f',"metadata":{text}'), key)
            for name, text in BAD_METADATA.items()
        }
    refusals = {name: answer.refused for name, answer in got.items()}
    assert refusals == dict.fromkeys(BAD_METADATA, (400, "validation_failed"))
    # It is our check that refuses, by the field's name, and not the second belt behind the database.
    blamed = {name for name, answer in got.items() if set(answer.details) != {"metadata"}}
    assert blamed == {"NaN", "Infinity", "many levels"}, "these are no JSON, or none that can be read"
    assert (await wallet.spend(1, key)).status == 201


async def test_of_duplicate_fields_the_last_counts(api: Api, wallet: Wallet) -> None:
    """A body with a field twice is JSON; the last one is meant, also when the first was wrong."""
    answer = await api.posting_raw("top-up", wallet.raw("1", ',"amount":"2","description":"a","description":"b"'))
    assert (answer.status, answer.data["amount"], answer.data["description"]) == (201, 2, "b")
    bad_last = await api.posting_raw("top-up", wallet.raw("1", ',"amount":"-2"'))
    assert (bad_last.status, set(bad_last.details)) == (400, {"amount"})


BAD_KEYS: list[str] = ["", " ", "\t", "a b", "x" * 256, "x" * 20_000, "ключ", "é", "a\tb", "🪙"]


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_posting_needs_a_key(api: Api, books: Ledger, wallet: Wallet, kind: str) -> None:
    """400 idempotency_key_missing for no key and for every bad one, also when the body is bad too."""
    path = f"/transactions/{kind}"
    async with nothing_written(books):
        assert (await api.post(path, wallet.body("1"))).refused == (400, "idempotency_key_missing")
        for key in BAD_KEYS:
            for body in (wallet.body("1"), {}):
                assert (await api.post(path, body, key)).refused == (400, "idempotency_key_missing"), key[:9]


async def test_an_account_needs_no_key_but_a_bad_one_is_refused(api: Api, books: Ledger) -> None:
    """POST /accounts: no key is fine; a blank one, or one that could not be kept, is refused."""
    body = {"name": "N", "assetTypeId": await api.asset()}
    assert (await api.post("/accounts", body)).status == 201
    async with nothing_written(books):
        for key in BAD_KEYS:
            assert (await api.post("/accounts", body, key)).refused == (400, "idempotency_key_missing"), key[:9]


@pytest.mark.parametrize("path", ["/accounts", *(f"/transactions/{kind}" for kind in POSTINGS)])
async def test_several_keys_are_refused(api: Api, books: Ledger, wallet: Wallet, path: str) -> None:
    """Two Idempotency-Key headers in one request: nobody can know which one is meant."""
    body = json.dumps(good_body(wallet, path)).encode()
    async with nothing_written(books):
        reader, writer = await asyncio.open_connection(*api.address)
        writer.write(
            f"POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"idempotency_key_missing"' in answer


@pytest.mark.parametrize("kind", POSTINGS)
async def test_unknown_things_are_not_found(api: Api, books: Ledger, wallet: Wallet, kind: str) -> None:
    """404 account_not_found and asset_type_not_found on postings; the key stays free."""
    key = new_key()
    path = f"/transactions/{kind}"
    async with nothing_written(books):
        for body in ({"accountId": NOBODY}, {"accountId": NOBODY, "assetTypeId": NOBODY}):
            assert (await api.post(path, good_body(wallet, path, **body), key)).refused == (404, "account_not_found")
        unknown_asset = await api.post(path, good_body(wallet, path, assetTypeId=NOBODY), key)
        assert unknown_asset.refused == (404, "asset_type_not_found")
    assert (await api.post(path, good_body(wallet, path), key)).status == 201


async def test_an_account_of_an_unknown_asset_is_refused(api: Api, books: Ledger, wallet: Wallet) -> None:
    """404 asset_type_not_found on POST /accounts; the key stays free."""
    key = new_key()
    async with nothing_written(books):
        answer = await api.post("/accounts", good_body(wallet, "/accounts", assetTypeId=NOBODY), key)
        assert answer.refused == (404, "asset_type_not_found")
    assert (await api.post("/accounts", good_body(wallet, "/accounts"), key)).status == 201


READS = ("/accounts/{}", "/accounts/{}/balance", "/accounts/{}/ledger", "/transactions/{}")


async def test_reads_of_unknown_and_of_bad_ids(api: Api) -> None:
    """404 with the code of what was asked for; 400 naming the id when it is no UUID."""
    for path in READS:
        what = "transaction_not_found" if path.startswith("/transactions") else "account_not_found"
        assert (await api.get(path.format(NOBODY))).refused == (404, what)
        for bad in ("nonsense", "1", "-", "%20", "%00", "%FF", "%ED%A0%80", NOBODY + "0", NOBODY[1:], "%D9%A1" * 32):
            answer = await api.call("GET", path.format(bad))
            assert answer.refused == (400, "validation_failed"), (path, bad)
            assert set(answer.details) == {"id"}


async def test_an_external_id_is_taken_once(api: Api, books: Ledger, wallet: Wallet) -> None:
    """409 external_id_taken, also for a system account's; nothing is written, the key stays free."""
    key = new_key()
    body = {"name": "N", "assetTypeId": wallet.asset, "externalId": "mine"}
    assert (await api.post("/accounts", body)).status == 201
    async with nothing_written(books):
        for taken in ("mine", "USER_ALICE_GC", "SYSTEM_TREASURY_GC"):
            again = await api.post("/accounts", {**body, "externalId": taken}, key)
            assert again.refused == (409, "external_id_taken")
    assert (await api.post("/accounts", {**body, "externalId": "Mine"}, key)).status == 201, "case counts"


async def test_too_small_a_balance_is_refused(api: Api, books: Ledger, wallet: Wallet) -> None:
    """422 insufficient_balance naming what is available and what was asked; to the last unit it is not refused."""
    key = new_key()
    async with nothing_written(books):
        answer = await wallet.spend("10.0001", key)
        assert answer.refused == (422, "insufficient_balance")
        assert "10.0001" in answer.json["error"]
        assert " 10 " in answer.json["error"]
    assert (await wallet.spend("10", key)).status == 201
    assert await wallet.balance() == 0
    async with nothing_written(books):
        assert "0 available, 0.0001 asked" in (await wallet.spend("0.0001")).json["error"]


@pytest.mark.parametrize("kind", POSTINGS)
async def test_the_account_must_be_of_the_asset(api: Api, books: Ledger, wallet: Wallet, kind: str) -> None:
    """422 asset_mismatch; the key stays free."""
    key = new_key()
    async with nothing_written(books):
        answer = await api.posting(kind, {**wallet.body("1"), "assetTypeId": await api.asset("DM")}, key)
        assert answer.refused == (422, "asset_mismatch")
    assert (await api.posting(kind, wallet.body("1"), key)).status == 201


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_system_account_is_no_wallet(api: Api, books: Ledger, wallet: Wallet, kind: str) -> None:
    """422 not_a_wallet for treasury, revenue and conversion accounts, of the right asset and of another."""
    rows = books.connection.execute("SELECT id FROM wallet.accounts WHERE account_type <> 'USER'").fetchall()
    assert len(rows) == 9
    async with nothing_written(books):
        for (account,) in rows:
            answer = await api.posting(kind, {**wallet.body("1"), "accountId": str(account)})
            assert answer.refused == (422, "not_a_wallet")


@pytest.mark.parametrize("kind", POSTINGS)
async def test_an_asset_that_is_switched_off(api: Api, books: Ledger, wallet: Wallet, kind: str) -> None:
    """422 asset_inactive while it is off; what was posted before replays; once on again, the key works."""
    key, earlier = new_key(), new_key()
    first = await api.posting(kind, wallet.body("2"), earlier)
    books.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE WHERE id = %s", [wallet.asset])
    async with nothing_written(books):
        assert (await api.posting(kind, wallet.body("1"), key)).refused == (422, "asset_inactive")
        again = await api.posting(kind, wallet.body("2"), earlier)
        assert (again.status, again.replayed, again.body) == (201, True, first.body)
    books.connection.execute("UPDATE wallet.asset_types SET is_active = TRUE WHERE id = %s", [wallet.asset])
    assert (await api.posting(kind, wallet.body("1"), key)).status == 201


async def test_unknown_filter_values_are_refused(api: Api) -> None:
    """400 naming the filter: a type, a status or an account id that is none; all that are wrong at once."""
    for field in ("type", "status"):
        for value in ("", "top_up", "TOPUP", "TOP_UP ", "USER", "a\0b", "é", "🪙", "x" * 5000):
            answer = await api.get("/transactions", {field: value})
            assert answer.refused == (400, "validation_failed"), (field, value[:9])
    assert set((await api.get("/transactions", {"type": "x", "status": "y"})).details) == {"type", "status"}
    for value in ("", "nonsense", NOBODY[1:], "\0"):
        answer = await api.get("/transactions", {"accountId": value})
        assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {"accountId"})
    for raw in ("type=%FF", "type=%ED%A0%80", "status=%00", "accountId=%FF"):
        assert (await api.call("GET", f"/transactions?{raw}")).refused == (400, "validation_failed"), raw
