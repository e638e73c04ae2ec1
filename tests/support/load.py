"""Load over real HTTP with a record of what was acknowledged, and the books held to that record."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from types import TracebackType
from typing import Any
from uuid import UUID

import aiohttp
import psycopg

from tests.support.database import Connection

_ENDPOINTS = {"TOP_UP": "top-up", "BONUS": "bonus", "SPEND": "spend"}
_KINDS = ("TOP_UP", "TOP_UP", "BONUS", "SPEND", "SPEND")
_TWICE_SHARE = 0.1
_REPLAY_SHARE = 0.1
_BACKOFF_SECONDS_MIN = 0.02
_BACKOFF_SECONDS_MAX = 0.5
_ATTEMPT_SECONDS = 60.0
_WAIT_SECONDS = 90.0
_REPLAY_SAMPLE = 100
_PROBLEMS_SHOWN = 20

LOST = "lost"
UNREACHED = "unreached"
TIMEOUT = "timeout"


@dataclass(frozen=True)
class Wallet:
    """A wallet the load posts to."""

    account_id: UUID
    asset_type_id: UUID
    decimals: int


@dataclass(frozen=True)
class Wallets:
    """The wallets of a database, and what it held before the load."""

    wallets: Sequence[Wallet]
    balances_before: Mapping[UUID, Decimal]
    keys_before: frozenset[str]


def find_wallets(database_url: str) -> Wallets:
    """Look up every wallet, its balance, and the keys of what was posted already."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT id, asset_type_id, asset_decimals, balance FROM wallet.accounts"
            " WHERE account_type = 'USER' ORDER BY id"
        ).fetchall()
        keys = connection.execute("SELECT idempotency_key FROM wallet.transactions").fetchall()
    assert rows, "the database has no wallets"
    return Wallets(
        [Wallet(account_id, asset, decimals) for account_id, asset, decimals, _ in rows],
        {account_id: balance for account_id, _, _, balance in rows},
        frozenset(key for (key,) in keys),
    )


@dataclass(frozen=True)
class Sent:
    """A posting as the load asks for it."""

    key: str
    type: str
    wallet: Wallet
    amount: Decimal
    reference_id: str | None
    description: str | None
    metadata: dict[str, object] | None = field(hash=False)

    @property
    def body(self) -> dict[str, object]:
        """The JSON body."""
        return {
            "accountId": str(self.wallet.account_id),
            "assetTypeId": str(self.wallet.asset_type_id),
            "amount": str(self.amount),
            "referenceId": self.reference_id,
            "description": self.description,
            "metadata": self.metadata,
        }

    @property
    def change(self) -> Decimal:
        """What it does to the wallet's balance."""
        return -self.amount if self.type == "SPEND" else self.amount


@dataclass(frozen=True)
class Acknowledged:
    """A posting that was answered 201, and that answer's bytes."""

    sent: Sent
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The transaction as it was acknowledged; numbers are Decimals."""
        found: dict[str, Any] = json.loads(self.body, parse_float=Decimal, parse_int=Decimal)["data"]
        return found


class Load:
    """Clients that post top-ups, bonuses and spends, and send each again under its key until it has a final answer.

    A 2xx or a 4xx is final; a 503, a lost connection and a timeout are not. One key in ten is sent twice at once, and
    one request in ten is a replay of something acknowledged, whose answer must be the first one to the byte.

    Use it as an asynchronous context manager: it runs inside, and at the end sees every request to its final answer.

    Args:
        base_urls: roots of the services, as http://127.0.0.1:PORT; a test may change the list while the load runs.
        wallets: what `find_wallets` gave before the load.
        connections: clients, each with one request at a time (two, where a key is sent twice at once).
        seed: of all random choices; printed.
    """

    def __init__(
        self, base_urls: Sequence[str], wallets: Wallets, connections: int = 32, seed: int | None = None
    ) -> None:
        self.base_urls = list(base_urls)
        self.wallets = wallets
        self.seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        self.acknowledged: dict[str, Acknowledged] = {}
        """By key: what was posted, and the exact answer."""
        self.refused: dict[str, tuple[Sent, int, bytes]] = {}
        """By key: what had a final 4xx, its status and body."""
        self.sent: dict[str, Sent] = {}
        """By key: everything that was ever sent."""
        self.answers: Counter[int | str] = Counter()
        """How many attempts ended with each status; or `LOST` (sent, the connection broke), `UNREACHED`, `TIMEOUT`."""
        self.problems: list[str] = []
        """Answers that may never be: a status that is neither final nor 503, a replay unlike the first answer, …"""
        self.latency_max_seconds = 0.0
        """The longest an attempt took, however it ended. A test may set it back to 0."""
        self.in_flight = 0
        """Attempts that wait for their answer now."""
        self._connections = connections
        self._prefix = f"load-{self.seed:08x}"
        self._numbers = itertools.count(1)
        self._keys: list[str] = []
        self._made: set[str] = set()
        self._running = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy = 0
        self._stopping = False
        self._waiters: list[tuple[int, asyncio.Event]] = []
        self._clients: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Load":
        print(f"load: seed {self.seed}")
        self._open_session()
        self._running.set()
        self._idle.set()
        self._clients = [asyncio.create_task(self._client(number)) for number in range(self._connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.stop()
        finally:
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            assert self._session is not None
            await self._session.close()
            print(f"load: {self.summary}")

    @property
    def summary(self) -> str:
        """What was sent and answered, in a line."""
        return (
            f"seed {self.seed}, {len(self.sent)} keys, {len(self.acknowledged)} acknowledged, "
            f"{len(self.refused)} refused, answers {dict(self.answers)}, "
            f"slowest {self.latency_max_seconds:.2f} s"
        )

    async def stop(self) -> None:
        """Begin nothing new, and wait until everything sent has its final answer."""
        self._stopping = True
        self._running.set()
        async with asyncio.timeout(_WAIT_SECONDS):
            await asyncio.gather(*self._clients)

    async def pause(self) -> None:
        """Begin nothing new, and wait until everything sent has its final answer; `resume` goes on."""
        self._running.clear()
        await self._wait(self._idle)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._running.set()

    async def until_acknowledged(self, count: int) -> None:
        """Wait until `count` more postings are acknowledged than at the call; fails when that takes too long."""
        reached = asyncio.Event()
        self._waiters.append((len(self.acknowledged) + count, reached))
        await self._wait(reached)

    async def replay(self, key: str) -> None:
        """Send an acknowledged request again; an answer that is not the first one is noted in `problems`."""
        acknowledged = self.acknowledged[key]
        status, body, replayed = await self._deliver(acknowledged.sent)
        if (status, body, replayed) != (201, acknowledged.body, True):
            self.problems.append(f"{key}: replayed with {status} {body!r}, first answered {acknowledged.body!r}")

    async def replay_sample(self) -> None:
        """Replay some of what was acknowledged, also when the load has ended."""
        keys = sorted(self.acknowledged)
        sample = random.Random(self.seed).sample(keys, min(_REPLAY_SAMPLE, len(keys)))
        ended = self._session is None or self._session.closed
        if ended:
            self._open_session()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await asyncio.gather(*(self.replay(key) for key in sample))
        finally:
            if ended:
                assert self._session is not None
                await self._session.close()

    def _open_session(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=_ATTEMPT_SECONDS)
        )

    async def _wait(self, event: asyncio.Event) -> None:
        waiter = asyncio.create_task(event.wait())
        try:
            done, _ = await asyncio.wait(
                {waiter, *self._clients}, timeout=_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for client in done - {waiter}:
                await client  # a client ends early only by failing: this raises what it failed with
            assert waiter in done, f"waited {_WAIT_SECONDS:.0f} s in vain: {self.summary}"
        finally:
            waiter.cancel()

    async def _client(self, number: int) -> None:
        chance = random.Random(f"{self.seed}:{number}")
        while True:
            await self._running.wait()
            if self._stopping:
                return
            self._busy += 1
            self._idle.clear()
            try:
                await self._next(chance)
            finally:
                self._busy -= 1
                if not self._busy:
                    self._idle.set()

    async def _next(self, chance: random.Random) -> None:
        if self._keys and chance.random() < _REPLAY_SHARE:
            await self.replay(chance.choice(self._keys))
            return
        sent = self._make(chance)
        self.sent[sent.key] = sent
        times = 2 if chance.random() < _TWICE_SHARE else 1
        for status, body, replayed in await asyncio.gather(*(self._deliver(sent) for _ in range(times))):
            self._record(sent, status, body, replayed)

    def _make(self, chance: random.Random) -> Sent:
        number = next(self._numbers)
        wallet = chance.choice(self.wallets.wallets)
        kind = chance.choice(_KINDS)
        # Spends ask for more than comes in, so that some are refused.
        amount_max = (300 if kind == "SPEND" else 100) * 10**wallet.decimals
        return Sent(
            key=f"{self._prefix}-{number}",
            type=kind,
            wallet=wallet,
            amount=Decimal(chance.randint(1, amount_max)).scaleb(-wallet.decimals),
            reference_id=f"order-{number}" if chance.random() < 0.5 else None,
            description="Fällig: €" if chance.random() < 0.3 else None,
            metadata={"number": number, "from": "load"} if chance.random() < 0.3 else None,
        )

    async def _deliver(self, sent: Sent) -> tuple[int, bytes, bool]:
        """Send until there is a final answer; give its status, its body and whether it is marked as a replay."""
        backoff_seconds = _BACKOFF_SECONDS_MIN
        while True:
            status, body, replayed = await self._attempt(sent)
            if isinstance(status, int) and status != 503:
                return status, body, replayed
            await asyncio.sleep(random.uniform(backoff_seconds / 2, backoff_seconds))
            backoff_seconds = min(2 * backoff_seconds, _BACKOFF_SECONDS_MAX)

    async def _attempt(self, sent: Sent) -> tuple[int | str, bytes, bool]:
        assert self._session is not None
        url = f"{random.choice(self.base_urls)}/api/v1/transactions/{_ENDPOINTS[sent.type]}"
        # The log names a request by its id.
        headers = {"Idempotency-Key": sent.key, "X-Request-Id": sent.key}
        status: int | str
        body, replayed = b"", False
        started = time.monotonic()
        self.in_flight += 1
        try:
            async with self._session.post(url, json=sent.body, headers=headers) as response:
                body = await response.read()
                status, replayed = response.status, response.headers.get("Idempotency-Replayed") == "true"
        except TimeoutError:
            status = TIMEOUT
        except aiohttp.ClientConnectorError:
            status = UNREACHED
        except aiohttp.ClientError:
            status = LOST
        finally:
            self.in_flight -= 1
        self.latency_max_seconds = max(self.latency_max_seconds, time.monotonic() - started)
        self.answers[status] += 1
        return status, body, replayed

    def _record(self, sent: Sent, status: int, body: bytes, replayed: bool) -> None:
        if status == 201:
            if not replayed and sent.key in self._made:
                self.problems.append(f"{sent.key}: two answers say that they posted it")
            if not replayed:
                self._made.add(sent.key)
            if sent.key not in self.acknowledged:
                self._keys.append(sent.key)
            known = self.acknowledged.setdefault(sent.key, Acknowledged(sent, body))
            if known.body != body:
                self.problems.append(f"{sent.key}: answered {known.body!r} and {body!r}")
            self.refused.pop(sent.key, None)
            for target, reached in self._waiters:
                if len(self.acknowledged) >= target:
                    reached.set()
        elif 400 <= status < 500:
            # Of a key sent twice at once, one may be refused before a top-up, and the other posted after it.
            if sent.key not in self.acknowledged:
                self.refused[sent.key] = (sent, status, body)
            if status != 422:
                self.problems.append(f"{sent.key}: refused with {status} {body!r}")
        else:
            self.problems.append(f"{sent.key}: answered {status} {body!r}")


async def check_books(database_url: str, load: Load) -> None:
    """Hold the database to the load's record; the load has ended or is paused, and the service answers.

    Every acknowledged posting is there once with the facts acknowledged; no key is posted twice; nothing is there that
    was refused or never sent; balances, trial balance and every check of the doctor agree; replays of a sample give the
    first answers.

    Raises:
        AssertionError: something is wrong; the first of it by name, and the seed.
    """
    assert load.acknowledged, "nothing was acknowledged: there is nothing to check"
    problems = await asyncio.to_thread(_with_connection, database_url, lambda one: database_problems(one, load))
    await load.replay_sample()
    problems += load.problems
    shown = "\n".join(problems[:_PROBLEMS_SHOWN])
    assert not problems, f"{len(problems)} problems; {load.summary}\n{shown}"


def _with_connection(database_url: str, call: Callable[[Connection], list[str]]) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return call(connection)


def database_problems(connection: Connection, load: Load) -> list[str]:
    """Compare the database with the load's record; give a sentence per difference."""
    rows = [row for row in _transactions(connection) if row["idempotencyKey"] not in load.wallets.keys_before]
    by_key = {row["idempotencyKey"]: row for row in rows}
    entries = _entries(connection)
    problems = [f"{key}: posted {n} times" for key, n in Counter(r["idempotencyKey"] for r in rows).items() if n > 1]
    problems += [f"{key}: was never sent" for key in by_key.keys() - load.sent.keys()]
    problems += [f"{key}: posted although it was refused" for key in by_key.keys() & load.refused.keys()]
    for key, acknowledged in load.acknowledged.items():
        if key not in by_key:
            problems.append(f"{key}: acknowledged and lost")
            continue
        problems += _differences(key, acknowledged, by_key[key], entries)
    problems += _balance_problems(connection, load, by_key.keys())
    problems += [
        f"trial balance of {symbol}: debits {debits}, credits {credits_}, sum {total}"
        for symbol, debits, credits_, total in connection.execute(
            "SELECT symbol, debits, credits, balance_sum FROM wallet.trial_balance()"
        )
        if debits != credits_ or total != 0
    ]
    problems += [
        f"{name}: {count} problems, such as {example}"
        for name, count, example in connection.execute(
            "SELECT check_name, problems, example FROM wallet.doctor() WHERE problems > 0"
        )
    ]
    return problems


def _transactions(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT id::text, idempotency_key, type::text, status::text,"
        " wallet.public_account_id(source_account_id)::text, wallet.public_account_id(dest_account_id)::text,"
        " asset_type_id::text, amount, description, reference_id, metadata, created_at FROM wallet.transactions"
    ).fetchall()
    names = (
        *("id", "idempotencyKey", "type", "status", "sourceAccountId", "destAccountId", "assetTypeId"),
        *("amount", "description", "referenceId", "metadata"),
    )
    return [
        {
            **dict(zip(names, row[:-1], strict=True)),
            "createdAt": row[-1].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        for row in rows
    ]


def _entries(connection: Connection) -> dict[str, list[tuple[str, str, Decimal]]]:
    """By transaction id: direction, account and amount of its entries, in order."""
    found: dict[str, list[tuple[str, str, Decimal]]] = {}
    for transaction_id, *entry in connection.execute(
        "SELECT transaction_id::text, entry_type::text, wallet.public_account_id(account_id)::text, amount"
        " FROM wallet.ledger_entries ORDER BY transaction_id, leg"
    ):
        direction, account, amount = entry
        found.setdefault(transaction_id, []).append((direction, account, amount))
    return found


def _differences(
    key: str, acknowledged: Acknowledged, row: dict[str, Any], entries: dict[str, list[tuple[str, str, Decimal]]]
) -> list[str]:
    sent, data = acknowledged.sent, acknowledged.data
    wallet_side = "sourceAccountId" if sent.type == "SPEND" else "destAccountId"
    asked = {
        "idempotencyKey": key,
        "type": sent.type,
        "status": "COMPLETED",
        wallet_side: str(sent.wallet.account_id),
        "assetTypeId": str(sent.wallet.asset_type_id),
        "amount": sent.amount,
        "description": sent.description,
        "referenceId": sent.reference_id,
        "metadata": sent.metadata,
    }
    problems = [
        f"{key}: {name} was asked as {value!r}, answered as {data[name]!r}"
        for name, value in asked.items()
        if data[name] != value
    ]
    problems += [
        f"{key}: {name} was answered as {data[name]!r}, kept as {value!r}"
        for name, value in row.items()
        if data[name] != value
    ]
    legs = [("DEBIT", data["sourceAccountId"], sent.amount), ("CREDIT", data["destAccountId"], sent.amount)]
    if entries.get(data["id"], []) != legs:
        problems.append(f"{key}: has the entries {entries.get(data['id'], [])}")
    return problems


def _balance_problems(connection: Connection, load: Load, posted: Collection[str]) -> list[str]:
    """Each wallet holds what it held before, and what the load's requests did to it."""
    expected = dict(load.wallets.balances_before)
    for key in posted:
        if key in load.sent:
            expected[load.sent[key].wallet.account_id] += load.sent[key].change
    rows: dict[UUID, Decimal] = dict(connection.execute("SELECT id, balance FROM wallet.accounts").fetchall())
    return [
        f"wallet {account}: holds {rows.get(account)}, should hold {balance}"
        for account, balance in expected.items()
        if rows.get(account) != balance
    ]
