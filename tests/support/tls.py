"""A way to PostgreSQL by TLS: ends the encryption before a server that has none itself, as the embedded one."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


class _Terminator:
    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._target = (host, port)
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.encrypted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
                if await reader.readexactly(8) != _SSL_REQUEST:
                    return  # In the clear, or something else: not here.
                writer.write(b"S")
                await writer.start_tls(self._context)
                self.encrypted += 1
                await self._pass_on(reader, writer)
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back = await asyncio.open_connection(*self._target)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while content := await source.read(65536):
                sink.write(content)
                await sink.drain()

        pumps = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(back_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in pumps:
                one.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            back.close()

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.contextmanager
def tls_before(url: str, context: ssl.SSLContext) -> Iterator[str]:
    """Put TLS before the database at `url`; yield the URL that leads through it, by the name localhost."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls")
    thread.start()
    terminator = _Terminator(parts.hostname, parts.port, context)

    async def start() -> asyncio.Server:
        return await asyncio.start_server(terminator.serve, "127.0.0.1", 0)

    async def stop() -> None:
        server.close()
        await terminator.end()

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield url.replace(f"{parts.hostname}:{parts.port}", f"localhost:{server.sockets[0].getsockname()[1]}")
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
