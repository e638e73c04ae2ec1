"""A small world for the tests of transfers, journals, refunds, holds and conversions, and its whole state."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from tests.http.api import Answer, Api, Wallet, new_key
from tests.support.ledger import Ledger

Body = dict[str, object]


def whole_state(books: Ledger) -> dict[str, str]:
    """Give a fingerprint of every table of the schema: equal before and after, nothing at all was written."""
    tables = [
        name
        for (name,) in books.connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'wallet'::regnamespace AND relkind = 'r'"
        ).fetchall()
    ]
    assert {"accounts", "holds", "refund_totals", "transactions", "idempotency_keys"} <= set(tables)
    found = {}
    for table in tables:
        row = books.connection.execute(
            sql.SQL("SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} AS t").format(
                sql.Identifier("wallet", table)
            )
        ).fetchone()
        assert row is not None
        found[table] = str(row[0])
    return found


def set_account(books: Ledger, wallet: Wallet, **columns: object) -> None:
    """Change columns of a wallet's row as its owner would."""
    for name, value in columns.items():
        books.connection.execute(
            sql.SQL("UPDATE wallet.accounts SET {} = %s WHERE id = %s").format(sql.Identifier(name)),
            [value, wallet.uuid],
        )


def let_run_out(books: Ledger, hold_id: str) -> None:
    """Move a hold into the past, so that it has run out a second ago; nothing is booked."""
    changed = books.connection.execute(
        "UPDATE wallet.holds SET created_at = created_at - interval '30 days',"
        " expires_at = clock_timestamp() - interval '1 second' WHERE id = %s",
        [UUID(hold_id)],
    )
    assert changed.rowcount == 1


def transfer(source: Wallet, target: Wallet, amount: object = "1", **fields: object) -> Body:
    """The body of a transfer."""
    return {
        "fromAccountId": source.id,
        "toAccountId": target.id,
        "assetTypeId": source.asset,
        "amount": amount,
        **fields,
    }


def journal(asset: str, debits: Mapping[str, object], credited: Mapping[str, object], **fields: object) -> Body:
    """The body of a journal, from amounts by account."""
    entries = [{"accountId": one, "entryType": "DEBIT", "amount": amount} for one, amount in debits.items()]
    entries += [{"accountId": one, "entryType": "CREDIT", "amount": amount} for one, amount in credited.items()]
    return {"assetTypeId": asset, "entries": entries, **fields}


def conversion(source: Wallet, target: Wallet, amount: object = "1", rate: object = "2", **fields: object) -> Body:
    """The body of a conversion."""
    return {"fromAccountId": source.id, "toAccountId": target.id, "amount": amount, "rate": rate, **fields}


async def send(api: Api, path: str, body: object = None, key: str | None = None, *, dry: bool = False) -> Answer:
    """POST under a key of its own unless one is given."""
    return await api.post(path, body, key or new_key(), params={"dryRun": "true"} if dry else None)


async def made(api: Api, path: str, body: object = None, key: str | None = None) -> str:
    """POST what must succeed; give the id of what was made."""
    answer = await send(api, path, body, key)
    assert answer.status == 201, answer.body
    return str(answer.data["id"])


@dataclass
class Scene:
    """Wallets and what happened between them: one of everything that an operation can meet."""

    api: Api
    books: Ledger
    alice: Wallet
    """115 gold, of which 11 are held."""
    bob: Wallet
    """49 gold."""
    eve: Wallet
    diamonds: Wallet
    """30 diamonds."""
    frozen: Wallet
    """5 gold; no debits, no credits."""
    closed: Wallet
    full: Wallet
    """13 gold, and room for 1 more."""
    whole: Wallet
    """7 of an asset without decimals."""
    off: Wallet
    """9 of an asset that was switched off."""
    treasury: str
    gold: str
    spend: str
    """Transactions, by id: a spend of 20 by alice."""
    top_up: str
    """5 gold to bob, who has more than that."""
    emptied: str
    """3 gold to a wallet that has spent them since."""
    refund: str
    conversion: str
    journal: str
    spend_off: str
    """In the asset that was switched off."""
    spend_whole: str
    hold: str
    """10 of alice's gold."""
    captured: str
    voided: str
    expired: str
    """5 of eve's 5 gold."""
    hold_for_closed: str
    """1 gold of alice's, for the closed wallet."""


async def make_scene(api: Api, books: Ledger) -> Scene:
    """Make one of everything."""
    books.create_asset_type("WH", 0)
    books.create_asset_type("OFF", 4)
    gold = await api.asset("GC")
    alice, bob = await api.wallet(balance="140"), await api.wallet(balance="45")
    diamonds, frozen, full = await api.wallet("DM", "31"), await api.wallet(balance="5"), await api.wallet(balance="10")
    whole, off, closed = await api.wallet("WH", "10"), await api.wallet("OFF", "10"), await api.wallet()
    spent, eve = await api.wallet(), await api.wallet(balance="5")
    emptied = (await spent.top_up("3")).data["id"]
    assert (await spent.spend("3")).status == 201
    scene = Scene(
        api=api,
        books=books,
        alice=alice,
        bob=bob,
        eve=eve,
        diamonds=diamonds,
        frozen=frozen,
        closed=closed,
        full=full,
        whole=whole,
        off=off,
        treasury=str(books.treasury(UUID(gold))),
        gold=gold,
        spend=(await alice.spend("20")).data["id"],
        top_up=(await bob.top_up("5")).data["id"],
        emptied=emptied,
        refund="",
        conversion=await made(api, "/transactions/convert", conversion(diamonds, alice, "1", "1")),
        journal=await made(api, "/transactions/journal", journal(gold, {alice.id: "2", bob.id: "1"}, {full.id: "3"})),
        spend_off=(await off.spend("1")).data["id"],
        spend_whole=(await whole.spend("3")).data["id"],
        hold=await made(api, "/holds", alice.body("10")),
        captured=await made(api, "/holds", alice.body("5")),
        voided=await made(api, "/holds", alice.body("5")),
        expired=await made(api, "/holds", eve.body("5")),
        hold_for_closed=await made(api, "/holds", alice.body("1", toAccountId=closed.id)),
    )
    scene.refund = await made(api, f"/transactions/{scene.spend}/refund", {"amount": "1"})
    await made(api, f"/holds/{scene.captured}/capture")
    await made(api, f"/holds/{scene.voided}/void")
    let_run_out(books, scene.expired)
    set_account(books, frozen, status="FROZEN", credits_allowed=False)
    set_account(books, closed, status="CLOSED")
    set_account(books, full, balance_max=14)
    books.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE WHERE symbol = 'OFF'")
    return scene
