"""The seam to traces. OpenTelemetry itself is in `service.spans`, which is imported only when traces are asked for."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from aiohttp.typedefs import Middleware

_log = logging.getLogger("wallet.tracing")

#: Variables of OpenTelemetry that say where traces go. Without one of them there are none.
ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

#: How long what was traced last may take to be sent at the end.
FLUSH_SECONDS_MAX: Final = 3

_NO_SPAN: Final = nullcontext()


class Tracer(Protocol):
    """What makes spans."""

    @property
    def middleware(self) -> Middleware:
        """Puts a span around each request."""

    def current(self) -> object:
        """The span that is under way."""

    def trace_id(self) -> str:
        """The id of its trace, as 32 hexadecimal digits."""

    def batch(self, queue: str, size: int, requests: Sequence[object]) -> AbstractContextManager[object]:
        """A span around a batch: in the trace of its first request that is traced, linked with all of them."""

    def database(self, name: str) -> AbstractContextManager[object]:
        """A span around what is asked of the database."""

    def close(self) -> None:
        """Sends what is left."""


tracer: Tracer | None = None
"""What makes spans in this process; None: there are none."""


def current() -> object:
    """The span that is under way; None: there are none."""
    return None if tracer is None else tracer.current()


def batch(queue: str, size: int, requests: Sequence[object]) -> AbstractContextManager[object]:
    """A span around a batch of requests, given by what was `current` when they came."""
    return _NO_SPAN if tracer is None else tracer.batch(queue, size, requests)


def database(name: str) -> AbstractContextManager[object]:
    """A span around what is asked of the database."""
    return _NO_SPAN if tracer is None else tracer.database(name)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables ask for traces."""
    return (
        any(environ.get(name) for name in ENDPOINT_VARIABLES)
        and environ.get("OTEL_TRACES_EXPORTER") != "none"
        and environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
    )


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Makes spans meanwhile, where the environment asks for them."""
    global tracer
    if is_wanted(os.environ):
        try:
            from service.spans import exporting_tracer
        except ImportError:
            _log.warning("Traces are asked for, and OpenTelemetry is not installed: pip install 'pg-wallet[tracing]'")
        else:
            tracer = exporting_tracer()
    try:
        yield
    finally:
        if tracer is not None:
            ending, tracer = tracer, None
            await _close(ending)


async def _close(ending: Tracer) -> None:
    # A collector that is away must not keep the process: nobody waits for a daemon's thread.
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def close() -> None:
        ending.close()
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=close, name="flush traces", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS_MAX):
            await closed.wait()
