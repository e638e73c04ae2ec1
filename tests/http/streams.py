"""A client of the event stream: messages as the standard for server-sent events says to read them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any, NamedTuple

import aiohttp

from tests.http.api import PREFIX, decoded

DEADLINE_SECONDS = 30.0


class Message(NamedTuple):
    """One message: no event, when there is no data."""

    id: str
    event: str
    data: str


class Stream:
    """An open stream of events: `async with Stream(session, after="now") as stream`."""

    def __init__(self, session: aiohttp.ClientSession, *, last_event_id: str | None = None, **query: str) -> None:
        headers = {"Accept": "text/event-stream"} | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})
        self._request = session.get(
            f"{PREFIX}/events", params=query, headers=headers, timeout=aiohttp.ClientTimeout(total=None)
        )
        self.last_event_id = last_event_id
        """The id that a client comes back with: that of the last message."""

    async def __aenter__(self) -> "Stream":
        self.response = await self._request.__aenter__()
        assert self.response.status == 200, await self.response.read()
        self.headers: Mapping[str, str] = self.response.headers
        assert self.headers["Content-Type"] == "text/event-stream"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.response.close()

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Every message until the stream ends, each within bounds.

        Raises:
            aiohttp.ClientError: the line was cut before the end.
        """
        fields: dict[str, str] = {}
        while True:
            async with asyncio.timeout(DEADLINE_SECONDS):
                line = await self.response.content.readline()
            if not line:
                assert not fields, "it ends within a message"
                return
            text = line.decode().removesuffix("\n")
            if text:
                name, separator, value = text.partition(": ")
                assert name in ("id", "event", "data"), text
                assert separator
                assert name not in fields, text
                fields[name] = value
                continue
            message = Message(fields["id"], fields.get("event", ""), fields.get("data", ""))
            self.last_event_id = message.id
            fields = {}
            yield message

    async def events(self) -> AsyncGenerator[Any, None]:
        """Every event until the stream ends, decoded."""
        async with contextlib.aclosing(self.messages()) as messages:
            async for message in messages:
                if message.data:
                    event = decoded(message.data.encode())
                    assert (event["id"], event["type"]) == (message.id, message.event)
                    yield event

    async def take(self, count: int) -> list[Any]:
        """The next events, so many of them, within bounds: what says that the stream lives is no reason to go on."""
        found: list[Any] = []
        async with asyncio.timeout(DEADLINE_SECONDS), contextlib.aclosing(self.events()) as events:
            async for event in events:
                found.append(event)
                if len(found) == count:
                    return found
        raise AssertionError(f"the stream ended after {found}")

    async def rest(self) -> list[Message]:
        """Every message until the stream ends, which it must soon."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [one async for one in self.messages()]

    async def opened(self) -> None:
        """Read the first message that is no event: what was there has been sent."""
        async with contextlib.aclosing(self.messages()) as messages:
            async for message in messages:
                if not message.data:
                    return
        raise AssertionError("the stream ended")
