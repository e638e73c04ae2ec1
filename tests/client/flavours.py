"""Both flavours of the client behind one face, so that each test is run with both."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Literal, Protocol

import httpx2

from wallet_client import AsyncWallet, Wallet

_END = object()

FlavourName = Literal["waiting", "asynchronous"]


class Client(Protocol):
    """A client whose every method is named."""

    requests: list[httpx2.Request]
    """What was sent and answered so far."""
    statuses: list[int]
    """The answers to them."""

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method; give what it gives."""

    async def rows(self, method: str, *arguments: Any, **options: Any) -> list[Any]:
        """Give all rows of a list."""

    def following(self, method: str, **options: Any) -> AsyncGenerator[Any]:
        """Give the rows of a list one by one."""


class _Noting:
    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.statuses: list[int] = []

    def note(self, response: httpx2.Response) -> None:
        self.requests.append(response.request)
        self.statuses.append(response.status_code)

    async def note_async(self, response: httpx2.Response) -> None:
        self.note(response)


class _Waiting(_Noting):
    """Each call in a thread, for the event loop may have a proxy to serve."""

    wallet: Wallet

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return await asyncio.to_thread(getattr(self.wallet, method), *arguments, **options)

    async def rows(self, method: str, *arguments: Any, **options: Any) -> list[Any]:
        return await asyncio.to_thread(lambda: list(getattr(self.wallet, method)(*arguments, **options)))

    async def following(self, method: str, **options: Any) -> AsyncGenerator[Any]:
        rows = getattr(self.wallet, method)(**options)
        while (row := await asyncio.to_thread(next, rows, _END)) is not _END:
            yield row


class _Asynchronous(_Noting):
    wallet: AsyncWallet

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return await getattr(self.wallet, method)(*arguments, **options)

    async def rows(self, method: str, *arguments: Any, **options: Any) -> list[Any]:
        return [row async for row in getattr(self.wallet, method)(*arguments, **options)]

    async def following(self, method: str, **options: Any) -> AsyncGenerator[Any]:
        async for row in getattr(self.wallet, method)(**options):
            yield row


@contextlib.asynccontextmanager
async def opened(flavour: FlavourName, url: str, **options: Any) -> AsyncIterator[Client]:
    """Open a client of a flavour with the options of its constructor."""
    if flavour == "waiting":
        waiting = _Waiting()
        with httpx2.Client(event_hooks={"response": [waiting.note]}) as http:
            waiting.wallet = Wallet(url, http=http, **options)
            yield waiting
    else:
        asynchronous = _Asynchronous()
        async with httpx2.AsyncClient(event_hooks={"response": [asynchronous.note_async]}) as http_async:
            asynchronous.wallet = AsyncWallet(url, http=http_async, **options)
            yield asynchronous
