"""A client that holds every answer to the envelope, and gives its bytes as well as its values."""

import asyncio
import itertools
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import aiohttp

from tests.http.described import check_described

PREFIX = "/api/v1"
POSTINGS = ("top-up", "bonus", "spend")
CONTENT_TYPE = "application/json; charset=utf-8"
TEXTS = frozenset({"/metrics"})
"""The routes whose success is text, without an envelope."""
NOBODY = "00000000-0000-4000-8000-000000000000"
"""A UUID that nothing has."""

_KEYS = itertools.count(1)
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def new_key() -> str:
    """Give an idempotency key that was not used before."""
    return f"http-{next(_KEYS)}"


def decoded(body: bytes) -> Any:
    """Decode JSON; a number with a point or an exponent becomes a Decimal, digit for digit."""
    return json.loads(body, parse_float=Decimal)


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return decoded(self.body)

    @property
    def data(self) -> Any:
        """The `data` of a success."""
        assert 200 <= self.status < 300, (self.status, self.body)
        return self.json["data"]

    @property
    def refused(self) -> tuple[int, str]:
        """Status and code of a refusal; the status and an empty code of a success."""
        return self.status, self.json.get("code", "")

    @property
    def details(self) -> dict[str, list[str]]:
        """The details of a refusal."""
        return cast("dict[str, list[str]]", self.json["details"])

    @property
    def replayed(self) -> bool:
        """Whether the answer is marked as given before."""
        return self.headers.get("Idempotency-Replayed") == "true"


def check_envelope(status: int, content_type: str, body: bytes) -> None:
    """Hold an answer's body to the envelope of the contract."""
    assert content_type == CONTENT_TYPE
    value = decoded(body)
    if 200 <= status < 300:
        assert set(value) - {"success", "data"} in (set(), {"pagination"}, {"cursor", "hasMore"}), value
        assert value["success"] is True
        return
    assert value["success"] is False
    assert set(value) <= {"success", "error", "code", "details", "data"}, value
    assert isinstance(value["error"], str)
    assert value["error"]
    assert _CODE.fullmatch(value["code"]), value
    if value["code"] == "validation_failed":
        assert value["error"] == "Validation failed"
        assert value["details"], value
    for field, sentences in value.get("details", {}).items():
        assert isinstance(field, str)
        assert sentences
        assert all(isinstance(one, str) and one for one in sentences)


class Api:
    """The endpoints under /api/v1."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for raw sockets."""
        url = self.session._base_url
        assert url is not None
        assert url.host is not None
        assert url.port is not None
        return url.host, url.port

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; hold the answer to the envelope and to the description; give it.

        Args:
            method: the HTTP method.
            path: below /api/v1, or whole when it starts with `//`.
            body: sent as JSON unless None.
            content: sent as it is.
            headers: extra headers.
            params: the query.
        """
        url = path[1:] if path.startswith("//") else PREFIX + path
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.session.request(method, url, data=content, headers=sent, params=params) as response:
            answer = Answer(response.status, response.headers, await response.read())
            # As it was sent: without the dots in it.
            sent_path = response.url.raw_path
        assert answer.headers["X-Request-Id"]
        if path in TEXTS and answer.status == 200:
            assert answer.headers["Content-Type"].startswith("text/plain")
            return answer
        if method == "HEAD":
            assert answer.body == b""
            assert answer.headers["Content-Type"] == CONTENT_TYPE
        else:
            check_envelope(answer.status, answer.headers["Content-Type"], answer.body)
        check_described(
            method, sent_path, answer.status, answer.headers, json.loads(answer.body) if answer.body else None
        )
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        return answer

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """GET."""
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: object = None, key: str | None = None, **options: Any) -> Answer:
        """POST with an Idempotency-Key unless `key` is None."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.call("POST", path, body, headers=headers, **options)

    async def posting(self, kind: str, body: object, key: str | None = None) -> Answer:
        """POST to a posting endpoint: top-up, bonus or spend; under a key of its own unless one is given."""
        return await self.post(f"/transactions/{kind}", body, key or new_key())

    async def posting_raw(self, kind: str, content: bytes, key: str | None = None) -> Answer:
        """POST bytes to a posting endpoint, under a key of its own unless one is given."""
        return await self.post(f"/transactions/{kind}", None, key or new_key(), content=content)

    async def asset(self, symbol: str = "GC") -> str:
        """Give the id of an asset type."""
        (found,) = (one["id"] for one in (await self.get("/asset-types")).data if one["symbol"] == symbol)
        return str(found)

    async def wallet(self, symbol: str = "GC", balance: str | None = None) -> "Wallet":
        """Open a wallet, with a balance if one is given."""
        asset = await self.asset(symbol)
        account = (await self.post("/accounts", {"name": "Somebody", "assetTypeId": asset})).data
        wallet = Wallet(self, account["id"], asset)
        if balance is not None:
            assert (await wallet.top_up(balance)).status == 201
        return wallet


@dataclass(frozen=True)
class Wallet:
    """A wallet and its asset, with the calls tests make most."""

    api: Api
    id: str
    asset: str

    @property
    def uuid(self) -> uuid.UUID:
        """The id, for SQL."""
        return uuid.UUID(self.id)

    def body(self, amount: object = "1", **fields: object) -> dict[str, object]:
        """The body of a posting."""
        return {"accountId": self.id, "assetTypeId": self.asset, "amount": amount, **fields}

    def raw(self, amount: str, fields: str = "") -> bytes:
        """The body of a posting as bytes, with the amount as it stands, and further fields as they stand."""
        return f'{{"accountId":"{self.id}","assetTypeId":"{self.asset}","amount":{amount}{fields}}}'.encode()

    async def top_up(self, amount: object, key: str | None = None, **fields: object) -> Answer:
        """Top up."""
        return await self.api.posting("top-up", self.body(amount, **fields), key)

    async def spend(self, amount: object, key: str | None = None, **fields: object) -> Answer:
        """Spend."""
        return await self.api.posting("spend", self.body(amount, **fields), key)

    async def balance(self) -> Decimal:
        """The balance as the service tells it."""
        return Decimal((await self.api.get(f"/accounts/{self.id}/balance")).data["balance"])


async def exchange(address: tuple[str, int], request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes on a fresh socket and read all that comes until the server closes: status, headers, body."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
    finally:
        writer.close()
    return int(head[0].split(" ")[1]), headers, body


def is_uuid(text: object) -> bool:
    """Whether it is a UUID in its usual form: lower case, with dashes."""
    return isinstance(text, str) and text == str(uuid.UUID(text))
