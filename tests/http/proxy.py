"""A way to the database, or to the service, that can be cut at a chosen moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

EndsReply = Callable[[bytes], bool]


def ends_database_reply(content: bytes) -> bool:
    """The server answers a batch of statements in one piece, after its commit; `Z` ends it."""
    return content[-6:-1] == b"Z\0\0\0\5"


def ends_http_reply(content: bytes) -> bool:
    """The service sends an answer in one piece, after the commit."""
    return content.startswith(b"HTTP/1.1 ")


class Proxy:
    """Passes bytes between a client and a server."""

    def __init__(self, host: str, port: int, ends_reply: EndsReply = ends_database_reply) -> None:
        self._target = (host, port)
        self._ends_reply = ends_reply
        self._marker: bytes | None = None
        self._silently = False
        self._lines: set[asyncio.Task[None]] = set()
        self.cuts = 0
        """How often a reply was withheld."""

    def withhold_reply_to(self, marker: bytes, *, silently: bool = False) -> None:
        """Once: let the next message with these bytes through, and cut the line in place of its reply.

        Args:
            marker: the bytes.
            silently: say nothing in place of the reply, and leave the line open.
        """
        self._marker = marker
        self._silently = silently

    async def until_unused(self) -> None:
        """Wait until every line has been closed by the service or the database."""
        async with asyncio.timeout(20):
            await asyncio.gather(*self._lines)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        to_server_reader, to_server = await asyncio.open_connection(*self._target)
        cutting = asyncio.Event()

        async def upward() -> None:
            while content := await reader.read(65536):
                if self._marker is not None and self._marker in content:
                    self._marker = None
                    cutting.set()
                to_server.write(content)
                await to_server.drain()

        async def downward() -> None:
            while content := await to_server_reader.read(65536):
                if cutting.is_set() and self._ends_reply(content):
                    self.cuts += 1
                    if self._silently:
                        continue
                    return
                if not cutting.is_set():
                    writer.write(content)
                    await writer.drain()

        tasks = [asyncio.create_task(upward()), asyncio.create_task(downward())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in (writer, to_server):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()


@contextlib.asynccontextmanager
async def proxied(url: str, ends_reply: EndsReply = ends_database_reply) -> AsyncIterator[tuple[Proxy, str]]:
    """Put a proxy before the database, or before the service; yield it and the URL that leads through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port, ends_reply)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, url.replace(f":{parts.port}/", f":{port}/")
        await proxy.until_unused()
    finally:
        server.close()
