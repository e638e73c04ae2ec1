"""Statements over HTTP: JSON and CSV, what they are refused for, and that a large one costs little."""

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from types import ModuleType
from typing import Any
from uuid import UUID

import aiohttp
import psutil
import psycopg
import pytest

from service import statements
from service.http import server
from service.http.handlers import statements as handlers
from tests.conftest import Connect, StartApp, StartService
from tests.http.api import NOBODY, Api, Wallet, decoded
from tests.http.keyed import Keys, calling
from tests.http.test_unavailability import refusing
from tests.http.waiting import until
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.statements import be_patient, check_arithmetic, fill

pytestmark = pytest.mark.anyio

TICK = timedelta(microseconds=1)
CSV = {"Accept": "text/csv"}
LARGE_LINES = 60_000
"""Some 25 MB of JSON."""


async def statement_of(wallet: Wallet, **params: str) -> dict[str, Any]:
    """GET the statement; hold it to its own arithmetic; give its data."""
    data: dict[str, Any] = (await wallet.api.get(f"/accounts/{wallet.id}/statement", params)).data
    lines = data["lines"]
    check_arithmetic(data, lines)
    sums = {
        name: sum((one["amount"] for one in lines if one["entryType"] == side), Decimal(0))
        for name, side in (("debits", "DEBIT"), ("credits", "CREDIT"))
    }
    assert data["totals"] == {**sums, "lines": len(lines)}
    return data


async def csv_of(wallet: Wallet, **params: str) -> list[list[str]]:
    """GET the statement as CSV; give its rows."""
    url = f"/api/v1/accounts/{wallet.id}/statement"
    async with wallet.api.session.get(url, headers=CSV, params=params) as response:
        assert response.status == 200
        text = (await response.read()).decode()
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


async def test_a_statement(api: Api) -> None:
    """Opening, lines, closing and totals, of the entries after the one instant and up to the other."""
    wallet = await api.wallet()
    posted = [
        (await wallet.top_up("10.5", referenceId="order-1", description="Ten")).data,
        (await wallet.spend("0.25", metadata={"not": "shown"})).data,
        (await wallet.top_up("3")).data,
        (await wallet.spend("1")).data,
    ]
    data = await statement_of(wallet, **{"from": posted[0]["createdAt"], "to": posted[2]["createdAt"]})
    line = {"referenceId": None, "description": None}
    assert data == {
        "accountId": wallet.id,
        "assetTypeId": wallet.asset,
        "from": posted[0]["createdAt"],
        "to": posted[2]["createdAt"],
        "isFinal": True,
        "opening": {"version": 1, "balance": Decimal("10.5")},
        "closing": {"version": 3, "balance": Decimal("13.25")},
        "lines": [
            {
                "id": posted[1]["id"][:-2] + "01",
                "transactionId": posted[1]["id"],
                "version": 2,
                "type": "SPEND",
                "entryType": "DEBIT",
                "amount": Decimal("0.25"),
                "balanceAfter": Decimal("10.25"),
                "createdAt": posted[1]["createdAt"],
                "counterpartyAccountIds": [posted[1]["destAccountId"]],
                **line,
            },
            {
                "id": posted[2]["id"][:-2] + "02",
                "transactionId": posted[2]["id"],
                "version": 3,
                "type": "TOP_UP",
                "entryType": "CREDIT",
                "amount": 3,
                "balanceAfter": Decimal("13.25"),
                "createdAt": posted[2]["createdAt"],
                "counterpartyAccountIds": [posted[2]["sourceAccountId"]],
                **line,
            },
        ],
        "totals": {"debits": Decimal("0.25"), "credits": 3, "lines": 2},
    }
    whole = await statement_of(wallet)
    assert (whole["from"], whole["opening"]) == (None, {"version": 0, "balance": 0})
    assert (whole["totals"]["lines"], whole["closing"]["balance"]) == (4, await wallet.balance())
    assert (whole["lines"][0]["referenceId"], whole["lines"][0]["description"]) == ("order-1", "Ten")


async def test_the_balance_at_an_instant(api: Api) -> None:
    """The ends of statements, alone: at an entry's instant, just before it, now, and in the future."""
    wallet = await api.wallet()
    assert (await balance_at(wallet, "2020-01-01T00:00:00Z"))["version"] == 0
    posted = [(await wallet.top_up(amount)).data["createdAt"] for amount in ("1.5", "2", "4")]
    before = datetime.fromisoformat(posted[1]) - TICK
    for at, version, balance in (
        (posted[0], 1, "1.5"),
        (before.isoformat(), 1, "1.5"),
        (posted[1], 2, "3.5"),
        ("2999-12-31T23:59:59+01:00", 3, "7.5"),
    ):
        found = await balance_at(wallet, at)
        assert set(found) == {"accountId", "at", "version", "balance", "isFinal", "assetTypeId"}
        assert (found["accountId"], found["assetTypeId"]) == (wallet.id, wallet.asset)
        assert (found["version"], found["balance"], found["isFinal"]) == (version, Decimal(balance), True)
        told = datetime.fromisoformat(found["at"])
        assert told == min(datetime.fromisoformat(at), told)
        assert told <= datetime.now(UTC)
        ending = await statement_of(wallet, to=at)
        assert ending["closing"] == {"version": version, "balance": Decimal(balance)}
    assert (await balance_at(wallet, posted[1]))["at"] == posted[1]


async def balance_at(wallet: Wallet, at: str) -> dict[str, Any]:
    data: dict[str, Any] = (await wallet.api.get(f"/accounts/{wallet.id}/balance", {"at": at})).data
    return data


async def test_amounts_are_exact(api: Api) -> None:
    """Digit for digit, in JSON and in CSV, also the sums."""
    wallet = await api.wallet()
    for amount in ("90071992547409.0001", "90071992547409.0003"):
        await wallet.top_up(amount)
    body = (await api.get(f"/accounts/{wallet.id}/statement")).body
    for text in (
        b'"amount":90071992547409.0003,"balanceAfter":180143985094818.0004,',
        b'"closing":{"version":2,"balance":180143985094818.0004}',
        b'"totals":{"debits":0,"credits":180143985094818.0004,"lines":2}}}',
    ):
        assert text in body
    assert [row[7:9] for row in (await csv_of(wallet))[1:]] == [
        ["", "0"],
        ["90071992547409.0001", "90071992547409.0001"],
        ["90071992547409.0003", "180143985094818.0004"],
        ["", "180143985094818.0004"],
    ]


TEXTS = [
    "plain",
    'with "quotes", commas; and\r\nlines\n',
    "Ünïcode 🎲",
    " spaces ",
    "=1+1",
    "+49 1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "'quoted'",
    "'=1",
    "a=1",
]


def meant(cell: str) -> str | None:
    """The text in a cell, by the documented rule: an apostrophe in front is taken off."""
    return cell.removeprefix("'") or None


async def test_csv_says_what_json_says(api: Api) -> None:
    """Row by row, with any text; no cell from outside begins like a formula."""
    wallet = await api.wallet()
    for text in TEXTS:
        await wallet.top_up("2.5", description=text, referenceId=text[::-1])
    await wallet.spend("0.0001")
    data = await statement_of(wallet)
    header, opening, *rows, closing = await csv_of(wallet, to=data["to"])
    assert header == [
        *("record", "version", "createdAt", "id", "transactionId", "type", "debit", "credit", "balance"),
        *("referenceId", "description", "counterpartyAccountIds"),
    ]
    assert opening == ["OPENING", "0", "", *[""] * 5, "0", "", "", ""]
    assert closing == ["CLOSING", "19", data["to"], *[""] * 5, "44.9999", "", "", ""]
    assert [
        row[9:11] for row in rows if row[9][:1] in set("=+-@\t\r\n\uff1d") or row[10][:1] in set("=+-@\t\r\n\uff1d")
    ] == []
    found = [
        {
            "id": row[3],
            "transactionId": row[4],
            "version": int(row[1]),
            "type": row[5],
            "entryType": "DEBIT" if row[6] else "CREDIT",
            "amount": Decimal(row[6] or row[7]),
            "balanceAfter": Decimal(row[8]),
            "createdAt": row[2],
            "referenceId": meant(row[9]),
            "description": meant(row[10]),
            "counterpartyAccountIds": row[11].split(" "),
        }
        for row in rows
    ]
    assert [row[0] for row in rows] == ["ENTRY"] * 19
    assert all(bool(row[6]) != bool(row[7]) for row in rows)
    assert found == data["lines"]


async def test_headers(api: Api) -> None:
    """Types, names, the request's id; HEAD says what GET says and sends nothing."""
    wallet = await api.wallet(balance="1")
    path = f"/api/v1/accounts/{wallet.id}/statement"
    span = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T12:00:00Z"}
    for accept, params, content_type, name in (
        ("*/*", {}, "application/json; charset=utf-8", None),
        ("application/json", {}, "application/json; charset=utf-8", None),
        ("text/html, Text/CSV;q=0.9", span, "text/csv; charset=utf-8; header=present", "-2026-11-01-2026-11-02"),
    ):
        for method in ("GET", "HEAD"):
            async with api.session.request(
                method, path, params=params, headers={"Accept": accept, "X-Request-Id": "mine"}
            ) as response:
                assert response.status == 200
                assert response.headers["Content-Type"] == content_type
                assert response.headers["Vary"] == "Accept"
                assert response.headers.getall("X-Request-Id") == ["mine"]
                disposition = response.headers.get("Content-Disposition")
                assert disposition == (name and f'attachment; filename="statement-{wallet.id}{name}.csv"')
                body = await response.read()
                assert bool(body) == (method == "GET")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-01"}, "from"),
        ({"from": "2026-11-01T00:00:00"}, "from"),
        ({"to": ""}, "to"),
        ({"to": "2026-13-01T00:00:00Z"}, "to"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T23:59:59.999999Z"}, "from"),
        ({"from": "2026-11-01T00:00:00+00:00", "to": "2026-11-01T00:00:00+00:01"}, "from"),
        ({"to": "2026-11-01T00:00:00Z\x00"}, "to"),
    ],
)
async def test_bad_instants_are_refused(api: Api, params: dict[str, str], field: str) -> None:
    """400, naming the parameter, whatever is accepted, and also for HEAD."""
    wallet = await api.wallet()
    path = f"/accounts/{wallet.id}/statement"
    for headers in ({}, CSV):
        answer = await api.call("GET", path, params=params, headers=headers)
        assert answer.refused == (400, "validation_failed")
        assert set(answer.details) == {field}
    assert (await api.call("HEAD", path, params=params)).status == 400
    if len(params) == 1:
        for at in params.values():
            refused = await api.get(f"/accounts/{wallet.id}/balance", {"at": at})
            assert (refused.refused, set(refused.details)) == ((400, "validation_failed"), {"at"})


async def test_instants_at_the_ends_of_the_calendar(api: Api) -> None:
    """They are answered, not failed on."""
    wallet = await api.wallet(balance="1")
    ends = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00")
    data = await statement_of(wallet, **dict(zip(("from", "to"), ends, strict=True)))
    assert (data["from"], data["totals"]["lines"]) == ("0001-01-01T00:00:00.000000Z", 1)
    assert (await statement_of(wallet, to=ends[0]))["to"] == "0001-01-01T00:00:00.000000Z"
    assert (await statement_of(wallet, **{"from": ends[1]}))["totals"]["lines"] == 0
    assert [(await balance_at(wallet, at))["balance"] for at in ends] == [0, 1]


@pytest.mark.parametrize("path", ["/accounts/{}/statement", "/accounts/{}/balance?at=2026-01-01T00:00:00Z"])
async def test_no_such_account(api: Api, books: Ledger, path: str) -> None:
    """404 for an unknown account and for a stripe's own id; 400 for what is no id; 405 for what it cannot do."""
    books.connection.execute("SELECT wallet.set_stripes('GC', 2)")
    row = books.connection.execute("SELECT id::text FROM wallet.accounts WHERE stripe = 1").fetchone()
    assert row is not None
    for account_id, refusal in (
        (NOBODY, (404, "account_not_found")),
        (row[0], (404, "account_not_found")),
        ("alice", (400, "validation_failed")),
    ):
        assert (await api.get(path.format(account_id))).refused == refusal
    assert (await api.post(path.format(NOBODY))).refused == (405, "method_not_allowed")


async def test_keys_that_may_not_read(seeded_url: str, start_app: StartApp) -> None:
    """403 for a key of another asset type, and for one without the scope, whatever is asked for and in which form."""
    keys = Keys(seeded_url)
    async with start_app(seeded_url, api_keys="required") as session:
        async with calling(session, keys.create("admin")) as admin:
            wallet = await admin.wallet("GC", "5")
        paths = (f"/accounts/{wallet.id}/statement", f"/accounts/{wallet.id}/balance?at=2026-01-01T00:00:00Z")
        for token, refusal in (
            (keys.create("read", assets=["GC"]), None),
            (keys.create("read", assets=["DM"]), (403, "asset_forbidden")),
            (keys.create("accounts"), (403, "forbidden")),
        ):
            async with calling(session, token) as api:
                for path in paths:
                    answer = await api.get(path)
                    assert answer.status == 200 if refusal is None else answer.refused == refusal
                if refusal is not None:
                    assert (await api.call("GET", paths[0], headers=CSV)).refused == refusal


async def test_statements_that_are_read_while_postings_go_on(api: Api, books: Ledger) -> None:
    """Each begins where the one before ended: they abut, all are final, and together they are the whole history."""
    be_patient(books.connection)
    wallet = await api.wallet()
    done = asyncio.Event()
    found: list[dict[str, Any]] = []

    async def post_on() -> None:
        for n in range(40):
            await (wallet.spend("0.5") if n % 3 == 2 else wallet.top_up("1"))

    async def read_on() -> None:
        ended = False
        while not ended:
            ended = done.is_set()
            found.append(await statement_of(wallet, **({"from": found[-1]["to"]} if found else {})))

    reading = asyncio.create_task(read_on())
    await asyncio.gather(*(post_on() for _ in range(6)))
    done.set()
    await reading
    assert sum(bool(one["lines"]) for one in found) > 3
    for one, following in pairwise(found):
        assert one["isFinal"]
        assert one["closing"] == following["opening"]
    whole = await statement_of(wallet)
    assert [line for one in found for line in one["lines"]] == whole["lines"]
    assert whole["totals"]["lines"] == 240


# --- large ones


@pytest.fixture(scope="module")
def large_database(databases: Databases) -> Iterator[tuple[str, UUID]]:
    """A database with a wallet of many lines; and the wallet's id."""
    with databases.fresh(MIGRATED) as url, psycopg.connect(url, autocommit=True) as connection:
        ledger = Ledger(connection)
        account_id = ledger.create_wallet(ledger.create_asset_type())
        fill(connection, account_id, LARGE_LINES)
        yield url, account_id


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_a_large_statement_takes_little_memory(
    large_database: tuple[str, UUID], start_service: StartService, accept: str
) -> None:
    """The process never holds more than a few pages, though the caller does not read as fast as it could send."""
    url, account_id = large_database
    with start_service(url) as service:
        process = psutil.Process(service.process.pid)
        async with aiohttp.ClientSession(service.base_url, read_bufsize=2**12) as session:
            headers = {"Accept": accept}
            path = f"/api/v1/accounts/{account_id}/statement"
            # What is loaded once is not counted.
            async with session.get(path, headers=headers, params={"to": "2026-01-01T00:20:00Z"}) as response:
                await response.read()
            before = highest = process.memory_info().rss
            size, lines = 0, 0
            async with session.get(path, headers=headers) as response:
                assert response.status == 200
                async for chunk in response.content.iter_chunked(2**16):
                    size += len(chunk)
                    lines += chunk.count(b"order-")
                    highest = max(highest, process.memory_info().rss)
    assert lines >= LARGE_LINES * 0.99, "a word may lie across two chunks"
    assert size > 10_000_000
    assert highest - before < 8_000_000


class Slow:
    """A caller on a bare socket that has read the head of its answer, and reads on only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def rest(self) -> bytes:
        """Read the body to the end of the connection."""
        body = bytearray()
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(60):
                while chunk := await self._reader.read(2**16):
                    body += chunk
        return bytes(body)


@contextlib.asynccontextmanager
async def slow_caller(api: Api, account_id: UUID) -> AsyncIterator[Slow]:
    """Ask for the statement of a large account: more than sockets hold for one who does not read."""
    reader, writer = await asyncio.open_connection(*api.address, limit=2**12)
    try:
        path = f"/api/v1/accounts/{account_id}/statement"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        yield Slow(reader, writer)
    finally:
        writer.transport.abort()


def is_whole(body: bytes) -> bool:
    """Whether a chunked body came to its end."""
    return body.endswith(b"\r\n0\r\n\r\n")


def dechunked(body: bytes) -> bytes:
    """The content of a chunked body."""
    content, place = bytearray(), 0
    while size := int(body[place : (end := body.index(b"\r\n", place))], 16):
        content += body[end + 2 : end + 2 + size]
        place = end + 4 + size
    return bytes(content)


async def test_a_caller_that_does_not_read_holds_no_connection(
    large_database: tuple[str, UUID], start_app: StartApp
) -> None:
    """With one connection to the database others are answered meanwhile; the caller gets it all once it reads on."""
    url, account_id = large_database
    async with start_app(url, pool_size=1) as session:
        api = Api(session)
        async with slow_caller(api, account_id) as slow:
            for _ in range(5):
                assert (await api.get(f"/accounts/{account_id}/balance")).data["balance"] == LARGE_LINES
                short = await api.get(f"/accounts/{account_id}/statement", {"to": "2026-01-01T00:00:01Z"})
                assert short.data["totals"]["lines"] == 1
            body = await slow.rest()
        assert is_whole(body)
        data = decoded(dechunked(body))["data"]
        assert len(data["lines"]) == LARGE_LINES
        check_arithmetic(data, data["lines"])


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement at a time in applications that are started."""
    monkeypatch.setattr(statements, "STATEMENTS_MAX", 1)


@pytest.mark.usefixtures("one_place")
async def test_one_statement_too_many_is_refused(
    large_database: tuple[str, UUID], start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, after a wait; the next finds a place once a caller has gone away half-way."""
    monkeypatch.setattr(statements, "CONNECT_TIMEOUT_SECONDS", 0.05)
    url, account_id = large_database
    path = f"/accounts/{account_id}/statement"
    async with start_app(url) as session:
        api = Api(session)
        async with slow_caller(api, account_id):
            for headers in ({}, CSV):
                assert (await api.call("GET", path, headers=headers)).refused == (503, "unavailable")
            assert (await api.get(f"/accounts/{account_id}/ledger")).status == 200
        await until(lambda: is_answered(api, path), "a place is free again")


async def is_answered(api: Api, path: str) -> bool:
    """Whether a short statement is answered 200 now."""
    return (await api.get(path, {"to": "2026-01-01T00:00:01Z"})).status == 200


@pytest.mark.usefixtures("one_place")
@pytest.mark.parametrize(("module", "bound"), [(server, "READING_SECONDS_MAX"), (handlers, "SENDING_SECONDS_MAX")])
async def test_who_reads_too_slowly_is_cut_off(
    large_database: tuple[str, UUID],
    start_app: StartApp,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    bound: str,
) -> None:
    """Nothing read for too long, or all of it taking too long: the line is cut, the place is free, others go on."""
    url, account_id = large_database
    async with start_app(url) as session:
        api = Api(session)
        monkeypatch.setattr(module, bound, 0.3)
        async with slow_caller(api, account_id) as slow:
            await until(lambda: is_answered(api, f"/accounts/{account_id}/statement"), "a place is free again")
            assert not is_whole(await slow.rest())


async def test_a_database_that_goes_away_half_way(
    large_database: tuple[str, UUID], start_app: StartApp, connect: Connect, databases: Databases
) -> None:
    """What has begun is broken off, not to be taken for whole; what has not is 503; then all is well again."""
    url, account_id = large_database
    async with start_app(url) as session:
        api = Api(session)
        async with slow_caller(api, account_id) as slow:
            with refusing(connect(databases.url("postgres")), url):
                body, answer = await asyncio.gather(slow.rest(), api.get(f"/accounts/{account_id}/statement"))
                assert answer.refused == (503, "unavailable")
            assert len(body) > 100_000
            assert not is_whole(body)
        await until(lambda: is_answered(api, f"/accounts/{account_id}/statement"), "it is answered again")


async def test_the_service_ends_though_a_statement_is_not_read(
    large_database: tuple[str, UUID], start_app: StartApp
) -> None:
    """The statement is broken off when the time for what is in flight is over."""
    url, account_id = large_database
    async with contextlib.AsyncExitStack() as stack:
        async with start_app(url) as session:
            slow = await stack.enter_async_context(slow_caller(Api(session), account_id))
        assert not is_whole(await slow.rest())
