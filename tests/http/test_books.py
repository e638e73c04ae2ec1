"""The reads over the books: a transaction's entries, the trial balance, and what is known of the doctor."""

import asyncio
from decimal import Decimal

import pytest

from tests.conftest import Connect, StartApp
from tests.http.api import NOBODY, Api
from tests.http.keyed import Keys, calling
from tests.http.operations import Scene, conversion, made, make_scene
from tests.http.waiting import until_waiting
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

STRIPES = 3

BIG = "90071992547409.0001"
"""An amount that binary floating point cannot hold."""

ENTRY = {
    "id",
    "transactionId",
    "accountId",
    "assetTypeId",
    "entryType",
    "amount",
    "balanceAfter",
    "version",
    "createdAt",
}


@pytest.fixture
async def scene(api: Api, books: Ledger) -> Scene:
    """One of every kind of transaction, with the system accounts in stripes."""
    books.connection.execute("SELECT wallet.set_stripes(symbol, %s) FROM wallet.asset_types", [STRIPES])
    return await make_scene(api, books)


async def test_the_entries_of_every_transaction_are_those_of_the_ledgers(api: Api, scene: Scene) -> None:
    """Each as its account's ledger shows it, also where the account is kept in stripes; debits equal credits."""
    accounts = (await api.get("/accounts", {"limit": "100"})).data
    ledgers = {
        entry["id"]: {**entry, "assetTypeId": account["assetTypeId"]}
        for account in accounts
        for entry in (await api.get(f"/accounts/{account['id']}/ledger", {"limit": "100"})).data
    }
    transactions = [one for one in (await api.get("/transactions", {"limit": "100"})).data if one["type"] != "HOLD"]
    assert {one["type"] for one in transactions} >= {"TOP_UP", "SPEND", "REFUND", "JOURNAL", "CONVERSION", "CAPTURE"}
    seen = set()
    for transaction in transactions:
        entries = (await api.get(f"/transactions/{transaction['id']}/entries")).data
        assert len(entries) >= 2
        for entry in entries:
            assert set(entry) == ENTRY
            assert entry == ledgers[entry["id"]]
            assert entry["transactionId"] == transaction["id"]
        for asset in {entry["assetTypeId"] for entry in entries}:
            sums = {"DEBIT": Decimal(0), "CREDIT": Decimal(0)}
            for entry in entries:
                if entry["assetTypeId"] == asset:
                    sums[entry["entryType"]] += entry["amount"]
            assert sums["DEBIT"] == sums["CREDIT"]
        assert [entry["id"] for entry in entries] == sorted(entry["id"] for entry in entries)
        seen |= {entry["id"] for entry in entries}
    assert seen == set(ledgers)


async def test_entries_keep_every_digit(api: Api) -> None:
    wallet = await api.wallet()
    top_up = await wallet.top_up(BIG)
    answer = await api.get(f"/transactions/{top_up.data['id']}/entries")
    assert answer.body.count(f'"amount":{BIG},'.encode()) == 2
    assert f'"balanceAfter":{BIG},'.encode() in answer.body


async def test_a_hold_has_no_entries_and_nothing_has_none(api: Api, scene: Scene) -> None:
    for hold in (scene.hold, scene.captured, scene.voided):
        assert (await api.get(f"/transactions/{hold}/entries")).data == []
    assert (await api.get(f"/transactions/{NOBODY}/entries")).refused == (404, "transaction_not_found")
    answer = await api.get("/transactions/x/entries")
    assert answer.refused == (400, "validation_failed")
    assert set(answer.details) == {"id"}
    assert (await api.call("HEAD", f"/transactions/{scene.spend}/entries")).status == 200


async def test_a_key_for_one_asset_is_shown_its_entries_only(api: Api, seeded_url: str) -> None:
    """Of a conversion it is shown the side it may see; of another asset's transaction, nothing."""
    source, target = await api.wallet("GC", "10"), await api.wallet("DM")
    converted = await made(api, "/transactions/convert", conversion(source, target))
    top_up = str((await target.top_up("1")).data["id"])
    async with calling(api.session, Keys(seeded_url).create("read", assets=["GC"])) as limited:
        entries = (await limited.get(f"/transactions/{converted}/entries")).data
        assert len(entries) == 2
        assert {entry["assetTypeId"] for entry in entries} == {source.asset}
        assert (await limited.get(f"/transactions/{top_up}/entries")).refused == (403, "asset_forbidden")
    assert len((await api.get(f"/transactions/{converted}/entries")).data) == 4


async def test_the_trial_balance_is_that_of_the_function(api: Api, books: Ledger, scene: Scene) -> None:
    """A row per asset, equal to wallet.trial_balance(); it follows a posting, and balances."""
    before = {row["symbol"]: row for row in (await api.get("/trial-balance")).data}
    await scene.bob.top_up("0.0001")
    rows = (await api.get("/trial-balance")).data
    expected = books.connection.execute(
        "SELECT t.id::text, b.symbol, b.debits, b.credits, b.treasury_balance, b.revenue_balance, b.wallet_balance,"
        " b.conversion_balance, b.balance_sum FROM wallet.trial_balance() AS b"
        " JOIN wallet.asset_types AS t ON t.symbol = b.symbol ORDER BY b.symbol"
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == expected
    assert list(rows[0]) == [
        "assetTypeId",
        "symbol",
        "debits",
        "credits",
        "treasuryBalance",
        "revenueBalance",
        "walletBalance",
        "conversionBalance",
        "balanceSum",
    ]
    (gold,) = (row for row in rows if row["symbol"] == "GC")
    assert gold["debits"] == gold["credits"] == before["GC"]["debits"] + Decimal("0.0001")
    assert gold["walletBalance"] == before["GC"]["walletBalance"] + Decimal("0.0001")
    assert gold["balanceSum"] == 0
    assert (await api.call("HEAD", "/trial-balance")).status == 200


async def test_the_trial_balance_keeps_every_digit(api: Api) -> None:
    wallet = await api.wallet("LP")
    await wallet.top_up(BIG)
    assert b'"walletBalance" : 90071992548109.0001,' in (await api.get("/trial-balance")).body


async def test_a_key_for_one_asset_is_shown_its_row_only(api: Api, seeded_url: str) -> None:
    """Also while others, who may see all, ask at the same time."""
    async with calling(api.session, Keys(seeded_url).create("read", assets=["DM"])) as limited:
        answers = await asyncio.gather(*((api, limited)[number % 2].get("/trial-balance") for number in range(20)))
    shown = [[row["symbol"] for row in answer.data] for answer in answers]
    assert shown == [["DM", "GC", "LP"], ["DM"]] * 10


async def test_those_who_wait_for_the_trial_balance_share_one(api: Api, seeded_url: str, connect: Connect) -> None:
    """It reads every entry: however many ask, one runs at a time, and the rest share the next."""
    holder, looker = connect(seeded_url), connect(seeded_url)
    # So that none of them has to open a connection below, and they arrive in the order in which they are sent.
    await asyncio.gather(*(api.get("/asset-types") for _ in range(25)))
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE wallet.ledger_entries IN ACCESS EXCLUSIVE MODE")
    asked = [asyncio.create_task(api.get("/trial-balance"))]
    await until_waiting(looker, "wallet.ledger_entries")
    asked += [asyncio.create_task(api.get("/trial-balance")) for _ in range(20)]
    for _ in range(3):
        assert (await api.get("/asset-types")).status == 200
    waiting = looker.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'wallet.ledger_entries'::regclass AND NOT granted"
    ).fetchone()
    holder.execute("ROLLBACK")
    answers = await asyncio.gather(*asked)
    assert waiting == (1,)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


async def test_a_trial_balance_that_takes_too_long_is_refused_in_words(
    api: Api, seeded_url: str, connect: Connect
) -> None:
    """Not as a database that is away: another try would not help, and the sentence says what does."""
    # The lock is given up first (5 s), by a database whose entries somebody rewrites.
    holder = connect(seeded_url)
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE wallet.ledger_entries IN ACCESS EXCLUSIVE MODE")
    answer = await api.get("/trial-balance")
    holder.execute("ROLLBACK")
    assert answer.refused == (503, "unavailable")
    assert "wallet.trial_balance()" in answer.json["error"]


async def test_the_doctor_lists_its_checks_and_runs_none(api: Api, books: Ledger) -> None:
    """No clean run before there was one; then the newest. A guard that is off changes nothing: nothing is looked at."""
    answer = await api.get("/doctor")
    assert answer.data["lastCleanRun"] is None
    expected = books.connection.execute(
        "SELECT json_agg(json_build_object('name', check_name, 'severity', severity, 'meaning', meaning,"
        " 'remedy', remedy)) FROM wallet.doctor_checks()"
    ).fetchone()
    assert (answer.data["checks"],) == expected
    books.connection.execute("SELECT wallet.record_clean_run(1), wallet.record_clean_run(wallet.settled_number())")
    run = (await api.get("/doctor")).data["lastCleanRun"]
    assert books.connection.execute(
        "SELECT number, checked_at = %s::timestamptz FROM wallet.clean_point()", [run["checkedAt"]]
    ).fetchone() == (run["number"], True)
    assert run["number"] > 1
    books.connection.execute("ALTER TABLE wallet.transactions DISABLE TRIGGER ALL")
    assert (await api.get("/doctor")).data["lastCleanRun"] == run
    assert (await api.call("HEAD", "/doctor")).status == 200


async def test_a_key_for_one_asset_reads_the_doctor(seeded_url: str, start_app: StartApp) -> None:
    """Nothing in it is of an asset."""
    async with start_app(seeded_url, api_keys="required") as closed:
        async with calling(closed, Keys(seeded_url).create("read", assets=["DM"])) as limited:
            assert (await limited.get("/doctor")).data["checks"]
        assert (await Api(closed).get("/doctor")).refused == (401, "unauthorized")
