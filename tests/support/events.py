"""The event feed, called from SQL, and what it must show."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tests.support.database import Connection
from tests.support.ledger import decoded

Event = dict[str, Any]


def page_of(
    connection: Connection,
    after: object = None,
    limit: int = 100,
    *,
    types: Sequence[str] | None = None,
    account_id: UUID | None = None,
    assets: Sequence[UUID] | None = None,
) -> dict[str, Any]:
    """Call `wallet.list_events`: data, cursor, hasMore."""
    row = connection.execute(
        "SELECT wallet.list_events(%s, %s::integer, %s, %s, %s)::text",
        [
            None if after is None else str(after),
            limit,
            None if types is None else list(types),
            account_id,
            None if assets is None else list(assets),
        ],
    ).fetchone()
    assert row is not None
    page: dict[str, Any] = decoded(row[0])
    assert set(page) == {"data", "cursor", "hasMore"}
    return page


class Consumer:
    """Follows the feed, as another system would: what it has seen, and where it goes on."""

    def __init__(self, connection: Connection, after: object = None, **filters: Any) -> None:
        self.connection = connection
        self.cursor = after
        self.filters = filters
        self.events: list[Event] = []
        if after == "now":
            self.poll()

    def poll(self, limit: int = 100) -> list[Event]:
        """Read on to the end, page by page; give what is new."""
        found: list[Event] = []
        while True:
            page = page_of(self.connection, self.cursor, limit, **self.filters)
            found += page["data"]
            self.cursor = page["cursor"]
            if not page["hasMore"]:
                self.events += found
                return found

    @property
    def ids(self) -> list[UUID]:
        """The ids of the events, in the order they came."""
        return [UUID(one["id"]) for one in self.events]

    @property
    def types(self) -> list[str]:
        """The types of the events, in the order they came."""
        return [one["type"] for one in self.events]


def check_complete(connection: Connection, events: Sequence[Event]) -> None:
    """Hold what a consumer has seen to the tables: each thing once, and each account's entries in their order."""
    ids = [UUID(one["id"]) for one in events]
    assert len(ids) == len(set(ids)), "an event came twice"
    assert ids == sorted(ids), "the feed is not in order"
    for kind, query in {
        "transaction.posted": "SELECT id FROM wallet.transactions",
        "hold.created": "SELECT id FROM wallet.holds",
        "hold.voided": "SELECT void_id FROM wallet.holds WHERE void_id IS NOT NULL",
        "account.opened": "SELECT wallet.transaction_id(event_number, id) FROM wallet.accounts"
        " WHERE account_type = 'USER'",
        "hold.expired": "SELECT wallet.transaction_id(expiry_number, id) FROM wallet.holds WHERE state = 'EXPIRED'",
    }.items():
        expected = {row[0] for row in connection.execute(query.encode()).fetchall()}
        assert {UUID(one["id"]) for one in events if one["type"] == kind} == expected, kind
    changed = {
        (one["data"]["id"], int(one["data"]["number"])) for one in events if {"before", "after"} <= one["data"].keys()
    }
    rows = connection.execute("SELECT object_id::text, number FROM wallet.changes").fetchall()
    assert changed == set(rows)
    places = {one: place for place, one in enumerate(ids)}
    entries = connection.execute(
        "SELECT account_id, transaction_id FROM wallet.ledger_entries ORDER BY account_id, version"
    ).fetchall()
    seen: dict[UUID, int] = {}
    for account_id, transaction_id in entries:
        assert seen.get(account_id, -1) < places[transaction_id], "an account's entries are out of order"
        seen[account_id] = places[transaction_id]
