"""Webhooks as the tests make them, and the clock of their retries, which the tests set."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.http.api import Api
from tests.http.waiting import until
from tests.support.database import Connection


@dataclass(frozen=True)
class Hooks:
    """Makes webhooks, reads what became of them, and moves their clock."""

    api: Api
    rows: Connection

    async def create(self, url: str, **fields: object) -> Any:
        """Make a webhook; give it, with its secret."""
        return (await self.api.post("/webhooks", {"url": url, **fields})).data

    async def get(self, webhook: Any) -> Any:
        """The webhook as it is."""
        return (await self.api.get(f"/webhooks/{webhook['id']}")).data

    async def deliveries(self, webhook: Any, status: str | None = None) -> Any:
        """The deliveries of a webhook, newest first."""
        params = {} if status is None else {"status": status}
        return (await self.api.get(f"/webhooks/{webhook['id']}/deliveries", params)).data

    async def until(self, webhook: Any, status: str, count: int = 1) -> Any:
        """Wait until so many deliveries have a status; give them."""
        found: Any = []

        async def are_there() -> bool:
            nonlocal found
            found = await self.deliveries(webhook, status)
            return len(found) == count

        await until(are_there, f"{count} {status}")
        return found

    async def until_at_rest(self, webhook: Any) -> None:
        """Wait until everything posted so far is sent or put aside, and nobody sends."""
        query = """
            SELECT w.lease_until <= clock_timestamp() AND NOT wallet.has_webhook_work(w)
            FROM wallet.webhooks AS w WHERE w.id = %s"""

        async def is_at_rest() -> bool:
            return self.rows.execute(query, [webhook["id"]]).fetchone() == (True,)

        await until(is_at_rest, "the webhook is at rest")

    def feed(self) -> Any:
        """All events there are."""
        row = self.rows.execute("SELECT wallet.list_events(p_limit => 1000)::text").fetchone()
        assert row is not None
        return json.loads(row[0], parse_float=Decimal)["data"]

    def make_due(self) -> None:
        """Let the time come for everything that is to be tried again."""
        self.rows.execute(
            "UPDATE wallet.webhook_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'PENDING'"
        )

    def end_leases(self) -> None:
        """Let the leases run out."""
        self.rows.execute("UPDATE wallet.webhooks SET lease_until = clock_timestamp()")
