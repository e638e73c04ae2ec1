"""A receiver of webhooks: a real HTTP server that notes what it is sent and answers as a test wants."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

WAIT_SECONDS = 30


@dataclass(frozen=True)
class Message:
    """What was sent once."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The webhook-id."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        """The event; amounts are Decimals."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def key(self) -> str:
        """The idempotency key of the transaction it is about."""
        return str(self.event["data"]["idempotencyKey"])


Answer = Callable[[Message], Awaitable[web.StreamResponse]]


async def taken(message: Message) -> web.StreamResponse:
    """Take everything."""
    return web.Response(status=204)


def answering(status: int, **headers: str) -> Answer:
    """Answer everything with a status."""

    async def answer(message: Message) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


@dataclass
class Receiver:
    """What was received, in the order in which it came."""

    url: str = ""
    answer: Answer = taken
    received: list[Message] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ids(self) -> list[str]:
        """The ids of what was received."""
        return [message.id for message in self.received]

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of what was received."""
        return [message.key for message in self.received]

    async def wait_for(self, count: int) -> list[Message]:
        """Wait until so much was received; give all of it."""
        async with asyncio.timeout(WAIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        message = Message(dict(request.headers), await request.read())
        async with self._changed:
            self.received.append(message)
            self._changed.notify_all()
        return await self.answer(message)


@contextlib.asynccontextmanager
async def receiving(answer: Answer = taken) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(answer=answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver._receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/events"
        yield receiver
    finally:
        await runner.cleanup()
