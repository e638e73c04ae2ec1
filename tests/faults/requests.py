"""Requests of every kind, and what they are answered while something is wrong."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from service.batching import WAIT_SECONDS_MAX
from service.database import ANSWER_TIMEOUT_SECONDS
from service.http.handlers.health import HEALTH_TIMEOUT_SECONDS
from tests.support.load import Wallet

_NUMBERS = itertools.count(1)
_DEADLINE_SECONDS = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=_DEADLINE_SECONDS)
_POLL_SECONDS = 0.02

SLACK_SECONDS = 10.0
"""For a machine that is busy with other things."""

ANSWER_SECONDS_MAX = WAIT_SECONDS_MAX + ANSWER_TIMEOUT_SECONDS + SLACK_SECONDS
"""What docs/operations.md promises for any request, and the slack."""

HEALTH_SECONDS_MAX = 2 * HEALTH_TIMEOUT_SECONDS + 5.0
"""What docs/operations.md promises for /health, and a little more."""


@dataclass(frozen=True)
class Answered:
    """What became of one request; the status is 0 when the connection was lost or nothing ever came."""

    what: str
    status: int
    seconds: float


async def ask(session: aiohttp.ClientSession, method: str, path: str, body: object = None) -> Answered:
    """Send one request, with a key of its own, and give its status."""
    started = time.monotonic()
    headers = {} if method == "GET" else {"Idempotency-Key": f"ask-{next(_NUMBERS)}"}
    try:
        async with session.request(method, f"/api/v1{path}", json=body, headers=headers, timeout=_TIMEOUT) as response:
            await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return Answered(f"{method} {path}", status, time.monotonic() - started)


async def ask_reads(base_url: str, wallet: Wallet, times: int = 1) -> list[Answered]:
    """Read everything there is to read, at once and each so many times."""
    account = f"/accounts/{wallet.account_id}"
    paths = ("/asset-types", account, f"{account}/balance", f"{account}/ledger", "/transactions")
    async with aiohttp.ClientSession(base_url, connector=aiohttp.TCPConnector(limit=0)) as session:
        return await asyncio.gather(*(ask(session, "GET", path) for path in paths * times))


async def ask_writes(base_url: str, wallet: Wallet) -> list[Answered]:
    """One request to everything that writes, at once; what it asks for is always refused with a 4xx, if it gets there.

    So it leaves no trace in books that are held to another record.
    """
    item = {
        "accountId": str(wallet.account_id),
        "assetTypeId": "00000000-0000-4000-8000-000000000000",
        "amount": 1,
    }
    items = [{"type": "SPEND", "idempotencyKey": f"ask-{next(_NUMBERS)}", **item}]
    async with aiohttp.ClientSession(base_url, connector=aiohttp.TCPConnector(limit=0)) as session:
        return await asyncio.gather(
            ask(session, "POST", "/accounts", {"name": "N", "assetTypeId": item["assetTypeId"]}),
            *(ask(session, "POST", f"/transactions/{kind}", item) for kind in ("top-up", "bonus", "spend")),
            ask(session, "POST", "/transactions/batch", {"atomic": True, "items": items}),
        )


async def ask_health(base_url: str) -> Answered:
    """GET /health."""
    async with aiohttp.ClientSession(base_url) as session:
        return await ask(session, "GET", "/health")


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(_POLL_SECONDS)


async def until_healthy(base_url: str) -> None:
    """Wait until /health says 200."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while (await ask_health(base_url)).status != 200:
        assert time.monotonic() < deadline, "never healthy again"
        await asyncio.sleep(_POLL_SECONDS)


def check_all(answers: Sequence[Answered], statuses: set[int], seconds_max: float = ANSWER_SECONDS_MAX) -> None:
    """Every answer has one of the statuses, and came in time."""
    wrong = [one for one in answers if one.status not in statuses or one.seconds > seconds_max]
    assert not wrong, wrong
