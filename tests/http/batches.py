"""Calls of POST /transactions/batch, and a database that lets nothing be posted for a while."""

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from psycopg import sql

from tests.http.api import CONTENT_TYPE, PREFIX, Answer, Api, Wallet, new_key
from tests.support.database import Connection

PATH = f"{PREFIX}/transactions/batch"
KINDS = {"TOP_UP": "top-up", "BONUS": "bonus", "SPEND": "spend"}

Item = dict[str, Any]


def item(wallet: Wallet, amount: object = "1", kind: str = "TOP_UP", key: str | None = None, **fields: object) -> Item:
    """Make a good item, under a key of its own unless one is given."""
    return {"type": kind, "idempotencyKey": key or new_key(), **wallet.body(amount, **fields)}


class ItemAnswer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One item's answer."""

    index: int
    status: int
    body: msgspec.Raw
    """The bytes, to be compared with those of a posting endpoint."""
    replayed: bool = False

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(bytes(self.body))

    @property
    def refused(self) -> tuple[int, str]:
        """Status and code of a refusal; the status and an empty code of a success."""
        return self.status, self.json.get("code", "")


class _Answers(msgspec.Struct, forbid_unknown_fields=True):
    success: bool
    data: list[ItemAnswer]


async def send(api: Api, content: object) -> Answer:
    """Post a body, as JSON unless it is bytes."""
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    # A stream, because aiohttp warns of large bytes.
    async with api.session.post(
        PATH, data=io.BytesIO(encoded), headers={"Content-Type": "application/json"}
    ) as response:
        assert response.headers["Content-Type"] == CONTENT_TYPE
        assert response.headers["X-Request-Id"]
        return Answer(response.status, response.headers, await response.read())


async def post(api: Api, items: Sequence[object], atomic: bool = False) -> list[ItemAnswer]:
    """Post a batch that is answered 207, and give its items' answers."""
    return answers_of(await send(api, {"items": items, "atomic": atomic}))


def answers_of(answer: Answer) -> list[ItemAnswer]:
    """The items' answers of a 207, which come in order."""
    assert answer.status == 207, answer.body
    decoded = msgspec.json.decode(answer.body, type=_Answers)
    assert decoded.success is True
    assert [one.index for one in decoded.data] == list(range(len(decoded.data)))
    return decoded.data


async def alone(api: Api, one: Item) -> Answer:
    """Send an item to the posting endpoint of its type."""
    body = {name: value for name, value in one.items() if name not in ("type", "idempotencyKey")}
    return await api.posting(KINDS[one["type"]], body, one["idempotencyKey"])


@contextlib.contextmanager
def gate_held(connection: Connection) -> Iterator[None]:
    """Keep every posting waiting: whoever posts has to pass the gate."""
    with connection.transaction():
        connection.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
        yield


@contextlib.contextmanager
def away(administration: Connection, url: str) -> Iterator[None]:
    """Let the database refuse connections, and end those it has."""
    name = url.rpartition("/")[2]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    administration.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
    try:
        administration.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
    finally:
        administration.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
