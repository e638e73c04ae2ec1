"""Amounts: the digits sent are the digits kept, and what is no good amount is refused."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.api import POSTINGS, Api
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

LARGEST = "99999999999999.9999"

#: Amount as it stands in the body -> as it stands in the answers.
GOOD: Mapping[str, str] = {
    "90071992547409.0001": "90071992547409.0001",
    '"90071992547409.0001"': "90071992547409.0001",
    LARGEST: LARGEST,
    f'"{LARGEST}"': LARGEST,
    "12345678901234.5678": "12345678901234.5678",
    "0.1": "0.1",
    '"0.1"': "0.1",
    "0.0001": "0.0001",
    '"0.0001"': "0.0001",
    "0.3": "0.3",
    "1": "1",
    '"1"': "1",
    "1.0": "1",
    '"1.0000"': "1",
    "1.10": "1.1",
    "100": "100",
    "1e2": "100",
    "1E2": "100",
    "1e+2": "100",
    "1.5e3": "1500",
    "1e-4": "0.0001",
    "12500e-4": "1.25",
    "1e13": "10000000000000",
    "9.00719925474090001e13": "90071992547409.0001",
    '"\\u0031\\u002e5"': "1.5",
    ' "2" ': "2",
    " 2 ": "2",
}
BAD: Mapping[str, tuple[str, ...]] = {
    "zero": ("0", "0.0", "-0", "-0.0", "0e5", "0e-9", '"0"', '"0.0000"', '"00"', '"-0"'),
    "negative": ("-1", "-0.0001", '"-1"', "-1e2"),
    "not finite, as tokens that are no JSON": ("NaN", "Infinity", "-Infinity", "nan", "inf", "+1", "1.", ".5", "0x10"),
    "not finite, as text": tuple(f'"{text}"' for text in ("NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "∞")),
    "too many digits before the point": ("100000000000000", '"100000000000000"', "1e14", "9" * 40, f'"{"9" * 400}"'),
    "too many digits after the point": ("0.00001", '"0.00001"', "1.00001", '"1.00001"', "1e-5", "0.99999", "1e-400"),
    "too many zeros": ('"1.00000"', '"000000000000001"', f'"1.{"0" * 400}"'),
    "huge exponents": ("1e999999999", "1e-999999999", "1e99999999999999999999", "0e999999999", "1.5E+400000"),
    "text that is no plain decimal": tuple(
        f'"{text}"'
        for text in (
            *("", " ", "+1", " 1", "1 ", "1.", ".5", ".", "-", "0x10", "1_0", "1,5", "1e2", "1E2", "1e-1", "$1", "one"),
            *("1\\n", "\\t1", "1\\u0000", "\\u00001", "1.5.5", "1-", "(1)", "true", "null", "1L", "1d", "01 ", "--1"),
            # Digits of other scripts, wide digits, and a point of another script.
            *("\u0661", "\uff11", "\u0967\u0968", "1\u066b5", "\u00b2", "\u2460", "1\u00a0"),
        )
    ),
    "of another type": ("true", "false", "null", "[]", "[1]", "{}", '{"a":1}', '[1,"2"]', '""'),
    "malformed": ("", '"1', "1 2", "01", "1e", "1e+", "--1", "1_0", "1.e5", "1..2"),
}


@pytest.mark.parametrize("kind", POSTINGS)
async def test_the_digits_sent_are_the_digits_kept(api: Api, books: Ledger, kind: str) -> None:
    """Each good amount is in every answer digit for digit, and is that very number in the row."""
    for sent, kept in GOOD.items():
        wallet = await api.wallet(balance=LARGEST if kind == "spend" else None)
        posted = await api.posting_raw(kind, wallet.raw(sent))
        assert posted.status == 201, (sent, posted.body)
        token = b'"amount":%s,' % kept.encode()
        assert token in posted.body, sent
        assert token in (await api.get(f"/transactions/{posted.data['id']}")).body, sent
        assert token in (await api.get("/transactions", {"limit": "1"})).body, sent
        ledger = (await api.get(f"/accounts/{wallet.id}/ledger", {"limit": "1"})).body
        assert token in ledger, sent
        left = plain(Decimal(LARGEST) - Decimal(kept) if kind == "spend" else Decimal(kept))
        assert b'"balanceAfter":%s,' % left in ledger, sent
        assert b'"balance":%s,' % left in (await api.get(f"/accounts/{wallet.id}")).body, sent
        assert b'"balance":%s,' % left in (await api.get(f"/accounts/{wallet.id}/balance")).body, sent
        row = books.connection.execute("SELECT amount FROM wallet.transactions WHERE id = %s", [posted.data["id"]])
        assert row.fetchone() == (Decimal(kept),), sent
    assert books.problems() == {}


@pytest.mark.parametrize("kind", POSTINGS)
async def test_what_is_no_good_amount_is_refused(api: Api, books: Ledger, kind: str) -> None:
    """Each bad amount gets 400 validation_failed, never another status; nothing is written."""
    wallet = await api.wallet(balance=LARGEST)
    before = books.state()
    got = {
        (why, amount): await api.posting_raw(kind, wallet.raw(amount))
        for why, amounts in BAD.items()
        for amount in amounts
    }
    assert {name: answer.refused for name, answer in got.items()} == dict.fromkeys(got, (400, "validation_failed"))
    named = {name: set(answer.details) for name, answer in got.items()}
    assert {name: fields for name, fields in named.items() if fields not in ({"amount"}, {"body"})} == {}
    # Only what is no JSON may be blamed on the body as a whole.
    assert {why for (why, _), fields in named.items() if fields == {"body"}} <= {
        "not finite, as tokens that are no JSON",
        "malformed",
    }
    assert books.state() == before


async def test_a_tenth_ten_times_is_one(api: Api) -> None:
    """0.1, as a number and as text, ten times: exactly 1, and it can be spent to exactly 0."""
    wallet = await api.wallet()
    for turn in range(10):
        assert (await api.posting_raw("top-up", wallet.raw("0.1" if turn % 2 else '"0.1"'))).status == 201
    assert b'"balance":1,' in (await api.get(f"/accounts/{wallet.id}/balance")).body
    assert (await wallet.spend("1")).status == 201
    assert b'"balance":0,' in (await api.get(f"/accounts/{wallet.id}/balance")).body


async def test_balances_go_beyond_the_largest_amount(api: Api, books: Ledger) -> None:
    """A balance has more digits than an amount; the treasury goes as far below zero, digit for digit."""
    wallet = await api.wallet("DM")
    treasury = books.treasury(UUID(wallet.asset))
    for _ in range(20):
        assert (await wallet.top_up(LARGEST)).status == 201
    assert b'"balance":1999999999999999.998,' in (await api.get(f"/accounts/{wallet.id}/balance")).body
    assert b'"balance":-2000000000000074.998,' in (await api.get(f"/accounts/{treasury}/balance")).body


@pytest.mark.parametrize(("decimals", "good", "bad"), [(0, "7", "7.5"), (2, "7.25", "7.255"), (4, "7.2555", "7.25555")])
async def test_an_asset_may_have_fewer_decimals(api: Api, books: Ledger, decimals: int, good: str, bad: str) -> None:
    """At most the asset's number of decimals, as number and as text."""
    books.create_asset_type("FEW", decimals)
    wallet = await api.wallet("FEW")
    for text in (good, f'"{good}"'):
        assert (await api.posting_raw("top-up", wallet.raw(text))).status == 201
    before = books.state()
    for text in (bad, f'"{bad}"'):
        answer = await api.posting_raw("top-up", wallet.raw(text))
        assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {"amount"})
    assert books.state() == before
    assert await wallet.balance() == 2 * Decimal(good)


def plain(number: Decimal) -> bytes:
    """The shortest plain form: no exponent, no trailing zeros."""
    return f"{number.normalize():f}".encode()


AMOUNTS = st.decimals("0.0001", LARGEST, places=4, allow_nan=False) | st.decimals("0.0001", "2", places=4)
STEPS = st.lists(st.tuples(AMOUNTS, st.sampled_from(POSTINGS), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_balances_are_the_exact_sums(api: Api, steps: list[tuple[Decimal, str, bool]]) -> None:
    """Random postings of random amounts: each answer and each balance is that of exact decimal arithmetic."""
    wallet = await api.wallet()
    expected = Decimal(0)
    for amount, kind, as_text in steps:
        answer = await api.posting_raw(kind, wallet.raw(f'"{amount}"' if as_text else str(amount)))
        if kind == "spend" and amount > expected:
            assert answer.refused == (422, "insufficient_balance")
            continue
        assert answer.status == 201
        assert b'"amount":%s,' % plain(amount) in answer.body
        expected += -amount if kind == "spend" else amount
        assert b'"balance":%s,' % plain(expected) in (await api.get(f"/accounts/{wallet.id}/balance")).body
