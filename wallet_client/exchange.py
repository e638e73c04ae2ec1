"""Requests, answers, and when a request is sent again: all of it without a socket.

A call is a generator of steps. Whoever drives it sends each `Request` and hands back the `Reply` or that it was `Lost`,
and sleeps for each `Pause`; what the generator returns is the answer. So both flavours of the client share every rule.
"""

import itertools
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

import msgspec

from wallet_client.errors import Refused, Unanswered
from wallet_client.resources import Made

T = TypeVar("T")

#: A gateway in front of the wallet has words of its own for "not now".
_AGAIN: Final = frozenset({429, 502, 503, 504})

_PAUSE_SECONDS: Final = 0.1
_PAUSE_SECONDS_MAX: Final = 10.0

_encoder: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class Retry:
    """How long a call may take.

    Attributes:
        timeout_seconds: for an attempt to go on without a byte sent or received.
        deadline_seconds: after which no further attempt is made.
    """

    timeout_seconds: float
    deadline_seconds: float


@dataclass(frozen=True)
class Request:
    """What to send. `path` is below /api/v1 and escaped; `timeout_seconds` as in `Retry`."""

    method: str
    path: str
    timeout_seconds: float
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """What came back. `headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class Lost:
    """Nothing came back, or not all of it. Whether the request arrived is not known."""

    reason: str


@dataclass(frozen=True)
class Pause:
    """Sleep."""

    seconds: float


Steps: TypeAlias = Generator[Request | Pause, Reply | Lost | None, T]


class Refusal(msgspec.Struct, frozen=True):
    """The envelope of a refusal."""

    error: str
    code: str
    details: dict[str, Any] | None = None


class _Envelope(msgspec.Struct, frozen=True):
    data: msgspec.Raw
    pagination: msgspec.Raw = msgspec.Raw(b"{}")


@dataclass(frozen=True)
class Answer:
    """A good answer. `data` and `pagination` are JSON text, members of the answer as a whole, `content`."""

    data: bytes
    pagination: bytes
    replayed: bool
    content: bytes


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and the place where it goes on; None: it does not."""

    items: list[T]
    next_place: str | None


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted, float_hook=Decimal)


def decoded(content: bytes, wanted: type[T]) -> T:
    """Decode JSON into a type; numbers without a type become int and Decimal, never float.

    Raises:
        msgspec.DecodeError: it is not what was wanted.
    """
    value: T = _decoder(cast(Any, wanted)).decode(content)
    return value


def ask(
    retry: Retry,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: object = None,
    key: str | None = None,
) -> Steps[Answer]:
    """Send a request until it is answered.

    Args:
        retry: how long.
        method: the HTTP method.
        path: below /api/v1, escaped.
        query: the parameters.
        body: sent as JSON unless None; decimals become exact numbers.
        key: the idempotency key.

    Raises:
        Refused: the wallet refused it.
        Unanswered: no answer came in time, or one that is no wallet's.
    """
    headers = {} if key is None else {"Idempotency-Key": key}
    content = None if body is None else _encoder.encode(body)
    if content is not None:
        headers["Content-Type"] = "application/json"
    until = time.monotonic() + retry.deadline_seconds
    for attempt in itertools.count(1):
        timeout_seconds = min(retry.timeout_seconds, max(until - time.monotonic(), 0.001))
        reply = yield Request(method, path, timeout_seconds, query or {}, headers, content)
        pause_seconds = random.uniform(0, min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2 ** min(attempt, 20)))
        if isinstance(reply, Lost):
            reason = reply.reason
        else:
            assert reply is not None  # a request is not answered like a pause
            if reply.status not in _AGAIN:
                return _answer_of(reply, key)
            reason = f"The wallet is unavailable (HTTP {reply.status})"
            pause_seconds += retry_after_seconds(reply)
        if time.monotonic() + pause_seconds >= until:
            raise Unanswered(f"{reason}, after {attempt} attempt{'' if attempt == 1 else 's'}", key)
        yield Pause(pause_seconds)
    raise AssertionError("not reached")


def fetch(
    retry: Retry,
    wanted: type[T],
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: object = None,
    key: str | None = None,
) -> Steps[T]:
    """As `ask`, and give the data as the type that is wanted; a field `replayed` of it says whether it is a replay."""
    answer = yield from ask(retry, method, path, query=query, body=body, key=key)
    return resource_of(answer.data, wanted, replayed=answer.replayed, key=key)


def resource_of(data: bytes, wanted: type[T], *, replayed: bool = False, key: str | None = None) -> T:
    """Decode what the wallet shows.

    Raises:
        Unanswered: it is not what the wallet shows.
    """
    try:
        value = decoded(data, wanted)
    except msgspec.DecodeError as error:
        raise Unanswered(f"The answer cannot be read: {error}", key) from error
    if replayed and isinstance(value, Made):
        value = msgspec.structs.replace(value, replayed=True)
    return value


def retry_after_seconds(reply: Reply) -> float:
    """How long the other side asks to be left alone. Dates, which no wallet sends, count as 0."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def refused(refusal: Refusal, status: int, request_id: str | None = None) -> Refused:
    """Make the exception of a refusal."""
    return Refused(refusal.code, status, refusal.error, refusal.details, request_id)


def _answer_of(reply: Reply, key: str | None) -> Answer:
    try:
        if reply.status < 300:
            envelope = decoded(reply.content, _Envelope)
            replayed = reply.headers.get("idempotency-replayed") == "true"
            return Answer(bytes(envelope.data), bytes(envelope.pagination), replayed, reply.content)
        refusal = decoded(reply.content, Refusal)
    except msgspec.DecodeError as error:
        raise Unanswered(f"The answer (HTTP {reply.status}) is none of a wallet: is the URL right?", key) from error
    raise refused(refusal, reply.status, reply.headers.get("x-request-id"))
