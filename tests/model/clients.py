"""Clients that post and read at random, over HTTP and over SQL, and write down what they were told and when."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import psycopg

from tests.model.callers import Answer, Caller, HttpCaller, Made, Refusal, SqlCaller, UnavailableError
from tests.model.history import Call, Read
from tests.support.operations import Operation

Result = TypeVar("Result")

DEADLINE_SECONDS = 60.0
PAUSE_SECONDS_MAX = 0.02
AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, UnavailableError)
"""After these the same is sent again under the same keys."""


class Forgotten(Exception):  # no error: it ends a transaction that is to leave nothing
    """Raised by a client that rolls its transaction back."""


@dataclass
class Record:
    """What all clients were told; appending to a list needs no lock."""

    calls: list[Call] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    forgotten_keys: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    """Names of what made clients send again."""


@dataclass(frozen=True)
class World:
    """What the clients share."""

    wallets: Sequence[tuple[UUID, UUID]]
    """Wallets with their assets."""
    shared: Sequence[Operation]
    """Requests that several clients send, each under its one key."""
    start: threading.Barrier
    """Where all wait for each other before the first call."""


class Client(ABC):
    """One client. Its calls are one after the other, each repeated until it has an answer."""

    def __init__(self, name: str, world: World, record: Record, seed: int) -> None:
        self.name = name
        self.world = world
        self.record = record
        self.chance = random.Random(f"{seed}:{name}")
        self._count = 0

    @abstractmethod
    def live(self, steps: int) -> None:
        """Connect, run, leave."""

    def run(self, caller: Caller, steps: int) -> None:
        """Post and read."""
        self.world.start.wait(DEADLINE_SECONDS)
        for _ in range(steps):
            self.chance.choices((self.post, self.post_batch, self.post_atomic, self.read), (4, 3, 1, 3))[0](caller)

    def post(self, caller: Caller) -> None:
        """One posting by itself."""
        request = self.request()
        self.note([request], *self.until_answered(lambda: [caller.post(request)]))

    def post_batch(self, caller: Caller) -> None:
        """A batch in which each is for itself."""
        requests = self.requests()
        self.note(requests, *self.until_answered(lambda: caller.post_batch(requests)))

    def post_atomic(self, caller: Caller) -> None:
        """A batch that is posted whole or not at all; a refused one tells of balances that nobody else saw."""
        requests = self.requests()
        answers, began, ended = self.until_answered(lambda: caller.post_atomic(requests))
        if isinstance(answers, list):
            self.note(requests, answers, began, ended)

    def read(self, caller: Caller) -> None:
        """A balance."""
        wallet, _ = self.chance.choice(self.world.wallets)
        answer, began, ended = self.until_answered(lambda: caller.balance(wallet))
        assert not isinstance(answer, Refusal), answer
        self.record.reads.append(Read(wallet, Decimal(answer["balance"]), began, ended))

    def note(self, requests: Sequence[Operation], answers: Sequence[Answer], began: float, ended: float) -> None:
        """Write down what became of each request."""
        assert len(answers) == len(requests)
        for request, answer in zip(requests, answers, strict=True):
            self.record.calls.append(Call(request, answer, began, ended))

    def until_answered(self, call: Callable[[], Result]) -> tuple[Result, float, float]:
        """Call until there is an answer; give it with the time of the first call and of the answer."""
        began = time.monotonic()
        while True:
            try:
                return call(), began, time.monotonic()
            except AGAIN as error:
                self.record.repeats.append(type(error).__name__)
                if time.monotonic() > began + DEADLINE_SECONDS:
                    raise
                time.sleep(self.chance.uniform(0, PAUSE_SECONDS_MAX))

    def request(self) -> Operation:
        """A new posting, or one that others send too, now and then with another amount."""
        if self.chance.random() < 0.3:
            shared = self.chance.choice(self.world.shared)
            return shared if self.chance.random() < 0.8 else replace(shared, amount=Decimal(99))
        return self.new_request()

    def new_request(self, prefix: str = "new") -> Operation:
        """A posting under a key of its own."""
        self._count += 1
        wallet, asset = self.chance.choice(self.world.wallets)
        return Operation(
            type=self.chance.choice(("TOP_UP", "BONUS", "SPEND", "SPEND", "SPEND")),
            key=f"{prefix}:{self.name}:{self._count}",
            account_id=wallet,
            asset_type_id=asset,
            amount=Decimal(self.chance.randint(1, 12)),
            metadata={"by": self.name} if self.chance.random() < 0.3 else None,
        )

    def requests(self) -> list[Operation]:
        """Some postings for a batch."""
        return [self.request() for _ in range(self.chance.randint(2, 6))]


class SqlClient(Client):
    """A client whose calls are transactions at one isolation level; some of them are rolled back."""

    def __init__(self, name: str, world: World, record: Record, seed: int, url: str, level: str) -> None:
        super().__init__(name, world, record, seed)
        self._url = url
        self._level = level

    def live(self, steps: int) -> None:
        """Connect, run, leave."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"SET default_transaction_isolation = '{self._level.lower()}'".encode())
            self._connection = connection
            self.run(SqlCaller(connection), steps)

    def post_batch(self, caller: Caller) -> None:
        """Two batches in one transaction, or one that comes to nothing."""
        if self.chance.random() < 0.2:
            self.forget(caller)
            return
        first, second = self.requests(), self.requests()

        def call() -> list[Answer]:
            with self._connection.transaction():
                return [*caller.post_batch(first), *caller.post_batch(second)]

        self.note([*first, *second], *self.until_answered(call))

    def forget(self, caller: Caller) -> None:
        """Post under keys that nobody else uses, and roll back."""
        requests = [self.new_request("forgotten") for _ in range(3)]

        def call() -> None:
            try:
                with self._connection.transaction():
                    answers = caller.post_batch(requests)
                    assert not any(isinstance(one, Made) and one.replayed for one in answers)
                    raise Forgotten
            except Forgotten:
                pass

        self.until_answered(call)
        self.record.forgotten_keys += [one.key for one in requests if one.key is not None]


class HttpClient(Client):
    """A client of one service."""

    def __init__(self, name: str, world: World, record: Record, seed: int, base_url: str) -> None:
        super().__init__(name, world, record, seed)
        self._base_url = base_url

    def live(self, steps: int) -> None:
        """Connect, run, leave."""
        with closing(HttpCaller(self._base_url)) as caller:
            self.run(caller, steps)
