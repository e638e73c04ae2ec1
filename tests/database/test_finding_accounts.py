"""Finding accounts, an owner's balances, and what a key made."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.test_finding import walk
from tests.database.test_lifecycles import World as Wallets
from tests.database.test_lifecycles import change, change_asset, hold
from tests.database.test_lists import buffers, one_json
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger


class Row(NamedTuple):
    """An account, as the table has it."""

    id: UUID
    external_id: str | None
    owner_id: str | None
    asset_type_id: UUID
    status: str
    account_type: str


class World(NamedTuple):
    """All accounts, newest first."""

    connection: Connection
    rows: list[Row]

    def expected(self, **filters: object) -> list[str]:
        """Give the ids a list has to show, newest first."""
        return [str(row.id) for row in self.rows if all(getattr(row, name) == value for name, value in filters.items())]


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: only `world` writes to it."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture(scope="module")
def world(database_url: str) -> Iterator[World]:
    """30,000 wallets in three assets: most of them active, some frozen, few closed, many made at one instant."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        for symbol in ("AA", "BB", "CC"):
            ledger.create_asset_type(symbol)
        ledger.connection.execute("SELECT wallet.set_stripes('BB', 3)")
        connection.execute(
            """
            INSERT INTO wallet.accounts (
                asset_type_id, asset_decimals, name, external_id, owner_id, status, created_at, updated_at
            )
            SELECT
                t.id, t.decimals, 'W' || n, CASE WHEN n % 3 = 0 THEN 'X' || n END,
                CASE WHEN n % 2 = 0 THEN 'P' || n % 4000 END,
                CASE
                    WHEN n % 5000 = 4999 THEN 'CLOSED' WHEN n % 100 = 50 THEN 'FROZEN' ELSE 'ACTIVE'
                END::wallet.account_status,
                now() - make_interval(secs => n / 10), now()
            FROM generate_series(1, 30000) AS n
            JOIN (SELECT a.*, row_number() OVER (ORDER BY a.symbol) AS place FROM wallet.asset_types AS a) AS t
                ON t.place = CASE WHEN n % 50 = 0 THEN 3 ELSE 1 + n % 2 END
            """
        )
        connection.execute("VACUUM ANALYZE wallet.accounts")
        rows = connection.execute(
            "SELECT id, external_id, owner_id, asset_type_id, status::text, account_type::text FROM wallet.accounts"
            " WHERE stripe = 0 ORDER BY created_at DESC, id DESC"
        ).fetchall()
        yield World(connection, [Row(*row) for row in rows])


def page(world: World, **arguments: object) -> Any:
    """Call `wallet.list_accounts` with the filters of a row and its own."""
    if "asset_type_id" in arguments:
        arguments["asset_type_ids"] = [arguments.pop("asset_type_id")]
    named = ", ".join(f"p_{name} => %s" for name in arguments)
    return one_json(world.connection, f"wallet.list_accounts({named})", *arguments.values())


def some_filters(world: World, seed: int) -> dict[str, object]:
    choice = random.Random(seed)
    row = choice.choice(world.rows)
    names = choice.sample(["owner_id", "asset_type_id", "status", "account_type", "external_id"], choice.randint(1, 3))
    drawn = {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    if seed % 3 == 0:
        drawn["status"] = choice.choice(["FROZEN", "CLOSED"])
    if seed % 7 == 0:
        drawn["account_type"] = choice.choice(["TREASURY", "REVENUE", "CONVERSION"])
    return drawn


@pytest.mark.parametrize("seed", range(40))
def test_a_list_shows_all_that_match_and_nothing_else(world: World, seed: int) -> None:
    """By cursor all of them, newest first; by page too, with their number, up to 10,000 of them."""
    filters = some_filters(world, seed)
    expected = world.expected(**filters)
    shown = page(world, **filters, page=2, limit=5)
    assert [row["id"] for row in shown["data"]] == expected[5:10]
    assert shown["pagination"]["total"] == min(len(expected), 10_000)
    if len(expected) <= 2000:
        limit = 100 if len(expected) > 100 else 3
        assert walk(lambda cursor: page(world, **filters, limit=limit, cursor=cursor))[0] == expected


def test_every_account_is_reached_by_cursor(world: World) -> None:
    """Without a filter: 30,000 wallets, many of one instant, and the system accounts, each once."""
    ids, pages = walk(lambda cursor: page(world, limit=100, cursor=cursor))
    assert ids == world.expected()
    assert pages == -(-len(ids) // 100)


def test_a_row_is_the_account(world: World) -> None:
    for row in page(world, limit=3)["data"]:
        assert row == one_json(world.connection, "wallet.get_account(%s)", row["id"])


@pytest.mark.parametrize(("name", "value"), [("status", "GONE"), ("account_type", "WALLET"), ("cursor", "x")])
def test_wrong_filters_are_named(world: World, name: str, value: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        page(world, **{name: value})
    assert raised.value.sqlstate == "WL001"
    (field,) = json.loads(raised.value.diag.message_detail or "")
    assert field == {"account_type": "accountType"}.get(name, name)


def test_a_page_costs_the_same_wherever_it_is(world: World) -> None:
    """Deep in the list or at its beginning, of many or of few: about the same blocks, and few of all there are."""
    table = Ledger(world.connection)._value("SELECT relpages FROM pg_class WHERE oid = 'wallet.accounts'::regclass")
    assert table > 400
    deep = Ledger(world.connection)._value("SELECT wallet.cursor_text('a', %s)", UUID(world.expected()[-2000]))
    asset = world.rows[100].asset_type_id
    for filters, arguments in (
        ("", ()),
        ("p_status => 'FROZEN', ", ()),
        ("p_status => 'CLOSED', ", ()),
        ("p_account_type => 'USER', ", ()),
        ("p_account_type => 'TREASURY', ", ()),
        ("p_asset_type_ids => ARRAY[%s::uuid], ", (asset,)),
        ("p_asset_type_ids => ARRAY[%s::uuid], p_status => 'FROZEN', ", (asset,)),
        ("p_owner_id => 'P88', ", ()),
        ("p_external_id => 'X300', ", ()),
    ):
        call = f"wallet.list_accounts({filters}p_cursor => %s)"
        first = buffers(world.connection, call, *arguments, "")
        last = buffers(world.connection, call, *arguments, deep)
        assert first < 200, filters
        assert last < 250, filters


# --- owners


def test_what_a_person_has_in_all_wallets(databases: Databases) -> None:
    """Sums per asset, holds that ran out left out; the wallets, newest first; other owners' not; nobody's refused."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        gold, gems = ledger.create_asset_type("GC"), ledger.create_asset_type("DM")
        mine = [
            ledger._keyed("create_account", "n", asset, None, None, None, "me/1 ü").id for asset in (gold, gold, gems)
        ]
        other = ledger._keyed("create_account", "n", gold, None, None, None, "you").id
        for number, wallet in enumerate([*mine, other]):
            ledger.top_up(wallet, 10 + number)
        hold(ledger, Wallets(gold, mine[0], mine[1]), 4)
        found = one_json(connection, "wallet.owner_balances('me/1 ü')")
        assert found["ownerId"] == "me/1 ü"
        assert found["balances"] == [
            {"assetTypeId": str(gems), "symbol": "DM", "accountCount": 1, "balance": 12, "held": 0, "available": 12},
            {"assetTypeId": str(gold), "symbol": "GC", "accountCount": 2, "balance": 21, "held": 4, "available": 17},
        ]
        assert [one["accountId"] for one in found["accounts"]] == [str(one) for one in reversed(mine)]
        assert found["accounts"][2] == {
            "accountId": str(mine[0]), "balance": 10, "held": 4, "available": 6, "assetTypeId": str(gold)
        }  # fmt: skip
        only = one_json(connection, "wallet.owner_balances('me/1 ü', ARRAY[%s::uuid])", gems)
        assert [one["symbol"] for one in only["balances"]] == ["DM"]
        assert len(only["accounts"]) == 1
        for nobody in ("me", "", None):
            with pytest.raises(psycopg.Error) as raised:
                one_json(connection, "wallet.owner_balances(%s)", nobody)
            assert raised.value.sqlstate == "WL032"


# --- keys


def test_what_was_made_under_a_key(databases: Databases) -> None:
    """The first answer of whatever it was, as a replay would give it; what was refused made nothing."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        gold = ledger.create_asset_type("GC")
        wallet = ledger.create_account("n", gold, key="account").id
        empty = ledger.create_wallet(gold)
        made = {
            "TOP_UP": ledger.top_up(wallet, 10, "top-up"),
            "SPEND": ledger.spend(wallet, 1, "spend"),
            "TRANSFER": ledger._keyed("transfer", wallet, empty, gold, 2, "transfer", None, None, None),
            "HOLD": ledger._keyed("hold", wallet, gold, 3, "hold", None, None, None, None, None),
        }
        made["VOID"] = ledger._keyed("void", made["HOLD"].id, "void")
        made["REFUND"] = ledger._keyed("refund", made["SPEND"].id, "refund", None, None, None, None, None)
        made["CHANGE_ACCOUNT"] = change(ledger, wallet, {"status": "FROZEN"}, key="change")
        made["CHANGE_ASSET_TYPE"] = change_asset(ledger, gold, {"name": "G"}, key="asset")
        made["CREATE_ASSET_TYPE"] = ledger._keyed(
            "create_asset_type_as", Jsonb({"symbol": "NW", "name": "New"}), "new", "role:me"
        )
        keys = ["top-up", "spend", "transfer", "hold", "void", "refund", "change", "asset", "new"]
        for key, (operation, posted) in zip(keys, made.items(), strict=True):
            found = one_json(connection, "wallet.get_idempotency_key(%s)", key)
            assert (found["idempotencyKey"], found["operation"]) == (key, operation)
            assert found["answer"] == posted.answer, operation
            assert found["assetTypeId"] == (str(gold) if operation != "CREATE_ASSET_TYPE" else posted.answer["id"])
        found = one_json(connection, "wallet.get_idempotency_key('account')")
        assert (found["operation"], found["answer"]["id"], found["answer"]["balance"]) == (
            "CREATE_ACCOUNT",
            str(wallet),
            0,
        )
        with pytest.raises(psycopg.Error):
            ledger.spend(wallet, 1000, "refused")
        for nothing in ("refused", "TOP-UP", str(uuid4()), "", None):
            with pytest.raises(psycopg.Error) as raised:
                one_json(connection, "wallet.get_idempotency_key(%s)", nothing)
            assert raised.value.sqlstate == "WL031"
