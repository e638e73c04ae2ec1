"""Two ways to the wallet with the same methods: over SQL and over HTTP. Answers are brought into one form."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from tests.support import operations
from tests.support.database import Connection
from tests.support.ledger import Ledger, Request, decoded
from tests.support.model import AccountRequest, Json, body_of
from tests.support.operations import TYPES, Operation
from tests.support.statements import instant_text, lines_of, psql_statement

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Refusal:
    """A refusal, as it was told."""

    code: str
    error: str
    fields: frozenset[str]


@dataclass(frozen=True)
class Made:
    """What a keyed operation answered."""

    replayed: bool
    answer: Json


Answer = Made | Refusal


class UnavailableError(Exception):
    """The service could not say what became of the request: it is to be sent again."""


class Caller(Protocol):
    """A way to the wallet."""

    over_http: bool
    """Whether it goes through the service, which looks at a request before the database does."""

    def create_account(self, request: AccountRequest) -> Answer:
        """Open a wallet."""

    def post(self, request: Operation) -> Answer:
        """Post one request, alone."""

    def post_batch(self, requests: Sequence[Operation]) -> list[Answer]:
        """Post a batch; give an answer per request."""

    def post_atomic(self, requests: Sequence[Operation]) -> list[Answer] | tuple[int, Refusal]:
        """Post a batch whole or not at all: the answers, or the index of the refused item and why."""

    def account(self, account_id: UUID) -> Json | Refusal:
        """Read an account."""

    def balance(self, account_id: UUID) -> Json | Refusal:
        """Read a balance."""

    def transaction(self, transaction_id: UUID) -> Json | Refusal:
        """Read a transaction."""

    def change_account(self, account_id: UUID, values: Json) -> Json | Refusal:
        """Change settings of a wallet."""

    def hold(self, hold_id: UUID) -> Json | Refusal:
        """Read a hold."""

    def list_holds(self, account_id: UUID | None, status: str | None, page: int, limit: int) -> Json | Refusal:
        """Read a page of holds."""

    def ledger_page(self, account_id: UUID, page: int, limit: int) -> Json | Refusal:
        """Read a page of an account's entries."""

    def statement(self, account_id: UUID, from_at: str, to_at: str) -> Json | Refusal:
        """Read a statement: `{from, to, opening, closing, lines}`."""

    def list_transactions(
        self, account_id: UUID | None, type_: str | None, status: str | None, page: int, limit: int
    ) -> Json | Refusal:
        """Read a page of transactions."""

    def asset_types(self) -> list[Json]:
        """Read all asset types."""


_NAMES = tuple(one.name for one in fields(Request))
_FIELDS = tuple(one.name for one in fields(Operation) if one.name not in ("type", "key"))


class SqlCaller:
    """The functions, called over one connection with the rights of a role."""

    over_http = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ledger = Ledger(connection)
        rows = connection.execute("SELECT sqlstate, code FROM wallet.refusals()").fetchall()
        self._codes: dict[str, str] = dict(rows)

    def create_account(self, request: AccountRequest) -> Answer:
        try:
            made = self._ledger.create_account(
                request.name, request.asset_type_id, request.external_id, request.email, key=request.key
            )
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        return Made(made.replayed, made.answer)

    def post(self, request: Operation) -> Answer:
        if request.type not in TYPES:
            return self.post_batch([request])[0]
        try:
            posted = operations.call(self._ledger, request)
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        return Made(posted.replayed, posted.answer)

    def post_batch(self, requests: Sequence[Operation]) -> list[Answer]:
        if all(one.type in ("TOP_UP", "BONUS", "SPEND") for one in requests):
            answers = self._ledger.post([Request(**{name: getattr(one, name) for name in _NAMES}) for one in requests])
        else:
            answers = operations.post(self._ledger, requests)
        assert [one.ordinal for one in answers] == list(range(1, len(requests) + 1))
        ids = [one.transaction_id for one in answers if one.transaction_id is not None]
        # As it was made, whatever has become of it: so it is answered to the single functions and over HTTP.
        rows = self.connection.execute(
            "SELECT i.id, coalesce((SELECT wallet.transaction_json(t, NULL) FROM wallet.transactions AS t"
            " WHERE t.id = i.id), wallet.hold_answer_json(i.id))::text FROM unnest(%s::uuid[]) AS i (id)",
            [ids],
        ).fetchall()
        transactions = {id_: decoded(text) for id_, text in rows}
        return [
            Made(one.outcome == "REPLAYED", transactions[one.transaction_id])
            if one.code is None
            else Refusal(one.code, one.error or "", frozenset(one.details or ()))
            for one in answers
        ]

    def post_atomic(self, requests: Sequence[Operation]) -> list[Answer] | tuple[int, Refusal]:
        items = [
            {"type": one.type, "idempotency_key": one.key, **{name: getattr(one, name) for name in _FIELDS}}
            for one in requests
        ]
        try:
            rows = self.connection.execute(
                "SELECT outcome, answer::text FROM wallet.post_atomic_json(%s)", [json.dumps(items, default=str)]
            ).fetchall()
        except psycopg.DatabaseError as error:
            if error.sqlstate != "WL013":
                raise
            detail = json.loads(error.diag.message_detail or "")
            return detail["index"], Refusal(detail["code"], detail["error"], frozenset(detail.get("details", ())))
        return [Made(outcome == "REPLAYED", decoded(text)) for outcome, text in rows]

    def account(self, account_id: UUID) -> Json | Refusal:
        return self._read("SELECT wallet.get_account(%s)::text", account_id)

    def balance(self, account_id: UUID) -> Json | Refusal:
        rows = self.connection.execute(
            "SELECT b.answer::text, wallet.get_balance(b.id) FROM wallet.read_balances(ARRAY[%s]) AS b", [account_id]
        ).fetchall()
        if not rows:
            return self._read("SELECT wallet.get_balance(%s)::text", account_id)
        answer: Json = decoded(rows[0][0])
        assert answer["balance"] == rows[0][1]
        return answer

    def transaction(self, transaction_id: UUID) -> Json | Refusal:
        return self._read("SELECT wallet.get_transaction(%s)::text", transaction_id)

    def change_account(self, account_id: UUID, values: Json) -> Json | Refusal:
        return self._read(
            "SELECT answer::text FROM wallet.change_account(%s, %s, 'a reason')",
            account_id,
            Jsonb(values, dumps=lambda value: json.dumps(value, default=float)),
        )

    def hold(self, hold_id: UUID) -> Json | Refusal:
        return self._read("SELECT wallet.get_hold(%s)::text", hold_id)

    def list_holds(self, account_id: UUID | None, status: str | None, page: int, limit: int) -> Json | Refusal:
        return self._read("SELECT wallet.list_holds(%s, %s, %s, %s)::text", account_id, status, page, limit)

    def ledger_page(self, account_id: UUID, page: int, limit: int) -> Json | Refusal:
        return self._read("SELECT wallet.list_ledger_entries(%s, %s, %s)::text", account_id, page, limit)

    def statement(self, account_id: UUID, from_at: str, to_at: str) -> Json | Refusal:
        try:
            rows = psql_statement(self.connection, account_id, from_at, to_at)
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        opening, closing = ({"version": row["version"], "balance": row["balance"]} for row in (rows[0], rows[-1]))
        from_told, to_told = (instant_text(row["created_at"].astimezone(UTC)) for row in (rows[0], rows[-1]))
        return {"from": from_told, "to": to_told, "opening": opening, "closing": closing, "lines": lines_of(rows)}

    def list_transactions(
        self, account_id: UUID | None, type_: str | None, status: str | None, page: int, limit: int
    ) -> Json | Refusal:
        return self._read(
            "SELECT wallet.list_transactions(%s, %s, %s, %s, %s)::text", account_id, type_, status, page, limit
        )

    def balance_at(self, account_id: UUID, at: str) -> Decimal | Refusal:
        """The balance at an instant."""
        try:
            row = self.connection.execute("SELECT wallet.balance_at(%s, %s)", [account_id, at]).fetchone()
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        assert row is not None
        return Decimal(row[0])

    def set_stripes(self, symbol: str, count: int) -> Refusal | None:
        """Keep an asset's system accounts in more rows: only the owner may."""
        try:
            self.connection.execute("SELECT wallet.set_stripes(%s, %s)", [symbol, count])
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        return None

    def asset_types(self) -> list[Json]:
        row = self.connection.execute("SELECT wallet.list_asset_types()::text").fetchone()
        assert row is not None
        found: list[Json] = decoded(row[0])
        return found

    def _read(self, query: str, *arguments: object) -> Json | Refusal:
        try:
            row = self.connection.execute(query.encode(), arguments).fetchone()
        except psycopg.DatabaseError as error:
            return self._refusal(error)
        assert row is not None
        answer: Json = decoded(row[0])
        return answer

    def _refusal(self, error: psycopg.DatabaseError) -> Refusal:
        if error.sqlstate not in self._codes:
            raise error
        diagnosis = error.diag
        details = json.loads(diagnosis.message_detail) if diagnosis.message_detail else {}
        return Refusal(self._codes[error.sqlstate], diagnosis.message_primary or "", frozenset(details))


_PATHS = {
    "TOP_UP": "/transactions/top-up",
    "BONUS": "/transactions/bonus",
    "SPEND": "/transactions/spend",
    "TRANSFER": "/transactions/transfer",
    "JOURNAL": "/transactions/journal",
    "REFUND": "/transactions/{}/refund",
    "HOLD": "/holds",
    "CAPTURE": "/holds/{}/capture",
    "VOID": "/holds/{}/void",
    "CONVERSION": "/transactions/convert",
}


class HttpCaller:
    """A running service, over one connection that is kept open."""

    over_http = True

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def create_account(self, request: AccountRequest) -> Answer:
        return self._keyed("/accounts", request.json(), request.key)

    def post(self, request: Operation) -> Answer:
        path = _PATHS.get(request.type or "")
        if path is None or ("{" in path and request.related_id is None):
            return self.post_batch([request])[0]
        body = {name: value for name, value in body_of(request).items() if name not in ("transactionId", "holdId")}
        return self._keyed(path.format(request.related_id), body, request.key)

    def post_batch(self, requests: Sequence[Operation]) -> list[Answer]:
        status, _, body = self._call("POST", "/transactions/batch", {"items": _items(requests)})
        assert status == 207, body
        return _item_answers(body)

    def post_atomic(self, requests: Sequence[Operation]) -> list[Answer] | tuple[int, Refusal]:
        status, _, body = self._call("POST", "/transactions/batch", {"items": _items(requests), "atomic": True})
        if status == 409:
            assert body["code"] == "batch_refused"
            return body["details"]["index"], _refusal(body["details"]["body"])
        assert status == 207, body
        return _item_answers(body)

    def account(self, account_id: UUID) -> Json | Refusal:
        return self._data(f"/accounts/{account_id}")

    def balance(self, account_id: UUID) -> Json | Refusal:
        return self._data(f"/accounts/{account_id}/balance")

    def transaction(self, transaction_id: UUID) -> Json | Refusal:
        return self._data(f"/transactions/{transaction_id}")

    def change_account(self, account_id: UUID, values: Json) -> Json | Refusal:
        status, _, answer = self._call("PATCH", f"/accounts/{account_id}", {**values, "reason": "a reason"})
        if status != 200:
            return _refusal(answer)
        data: Json = answer["data"]
        return data

    def hold(self, hold_id: UUID) -> Json | Refusal:
        return self._data(f"/holds/{hold_id}")

    def list_holds(self, account_id: UUID | None, status: str | None, page: int, limit: int) -> Json | Refusal:
        query = {"accountId": account_id, "status": status, "page": page, "limit": limit}
        return self._page("/holds", {name: value for name, value in query.items() if value is not None})

    def ledger_page(self, account_id: UUID, page: int, limit: int) -> Json | Refusal:
        return self._page(f"/accounts/{account_id}/ledger", {"page": page, "limit": limit})

    def statement(self, account_id: UUID, from_at: str, to_at: str) -> Json | Refusal:
        found = self._data(f"/accounts/{account_id}/statement?" + urlencode({"from": from_at, "to": to_at}))
        if isinstance(found, Refusal):
            return found
        return {name: found[name] for name in ("from", "to", "opening", "closing", "lines")}

    def list_transactions(
        self, account_id: UUID | None, type_: str | None, status: str | None, page: int, limit: int
    ) -> Json | Refusal:
        query = {"accountId": account_id, "type": type_, "status": status, "page": page, "limit": limit}
        return self._page("/transactions", {name: value for name, value in query.items() if value is not None})

    def asset_types(self) -> list[Json]:
        status, _, answer = self._call("GET", "/asset-types")
        assert status == 200
        found: list[Json] = answer["data"]
        return found

    def _keyed(self, path: str, body: Json, key: str | None) -> Answer:
        status, replayed, answer = self._call("POST", path, body, key)
        if status != 201:
            return _refusal(answer)
        return Made(replayed, answer["data"])

    def _data(self, path: str) -> Json | Refusal:
        status, _, answer = self._call("GET", path)
        if status != 200:
            return _refusal(answer)
        data: Json = answer["data"]
        return data

    def _page(self, path: str, query: Json) -> Json | Refusal:
        status, _, answer = self._call("GET", f"{path}?{urlencode(query)}")
        if status != 200:
            return _refusal(answer)
        return {"data": answer["data"], "pagination": answer["pagination"]}

    def _call(self, method: str, path: str, body: object = None, key: str | None = None) -> tuple[int, bool, Any]:
        headers = {} if key is None else {"Idempotency-Key": key}
        content = None if body is None else json.dumps(body, default=str).encode()
        self._connection.request(method, f"/api/v1{path}", content, headers)
        with self._connection.getresponse() as response:
            status, text = response.status, response.read()
            replayed = response.headers["Idempotency-Replayed"] == "true"
        if status == 503:
            raise UnavailableError(text.decode())
        assert status < 500, text
        return status, replayed, decoded(text.decode())


def _items(requests: Sequence[Operation]) -> list[Json]:
    return [{"type": one.type, "idempotencyKey": one.key, **body_of(one)} for one in requests]


def _item_answers(body: Json) -> list[Answer]:
    assert [one["index"] for one in body["data"]] == list(range(len(body["data"])))
    if any(one["status"] >= 500 for one in body["data"]):
        assert all(one["status"] in (503, *range(200, 500)) for one in body["data"]), body
        raise UnavailableError(str(body))
    return [
        Made(one.get("replayed", False), one["body"]["data"]) if one["status"] == 201 else _refusal(one["body"])
        for one in body["data"]
    ]


def _refusal(body: Json) -> Refusal:
    return Refusal(body["code"], body["error"], frozenset(body.get("details", ())))
