"""The HTTP server: the envelope also around what aiohttp refuses before any handler runs; an end nobody is lost in.

And bounds on what a connection may cost: how many there are, how large a head is, how long one may say nothing or not
listen.
"""

import asyncio
import contextlib
import logging
import math
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service import app_keys, metrics
from service.http import envelope
from service.http.middleware import http_error_response, new_request_id, request_id_of
from service.refusals import RETRY_AFTER_SECONDS, internal_error, unavailable

_log = logging.getLogger("wallet.http")

#: Largest header, so that an overlong Idempotency-Key gets its own refusal rather than the parser's.
HEADER_SIZE_BYTES_MAX: Final = 32 * 1024

#: Headers in a request, at most.
HEADERS_MAX: Final = 64

#: Longest path and query, as they are sent.
TARGET_SIZE_BYTES_MAX: Final = 8 * 1024

#: How long a connection may be open without a whole head of a request: from its start, or from the last answer. Longer
#: than a minute, so that a proxy or client that keeps connections for a minute is the one to close them.
IDLE_SECONDS_MAX: Final = 75

#: How long the caller may take to read an answer.
READING_SECONDS_MAX: Final = 60

#: How often, at most, the log says that connections were refused.
REFUSED_SAID_SECONDS: Final = 10

#: How long connections without a request stay open once the service is told to stop.
DRAIN_SECONDS: Final = 1


class _EnvelopeHandler(RequestHandler):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, or refuses it when there are too many."""
        manager = self._manager
        if isinstance(manager, _EnvelopeServer) and manager.is_full:
            manager.note_refused_connection()
            self._force_close = True
            # No isinstance: uvloop's transports are of classes of their own.
            cast("asyncio.WriteTransport", transport).write(_full_answer())
            transport.close()
            return
        super().connection_made(transport)

    async def _drain_helper(self) -> None:
        """Waits until the caller has read enough, and cuts the line when that takes too long."""
        try:
            async with asyncio.timeout(READING_SECONDS_MAX):
                await super()._drain_helper()
        except TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            raise ConnectionResetError("The caller did not read the answer in time.") from None

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer; once the service is told to stop, with word that it is the connection's last."""
        if isinstance(self._manager, _EnvelopeServer) and self._manager.is_draining:
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **keywords: Any) -> None:
        """Logs what went wrong outside the handler, but not a body its sender broke: that has been answered."""
        if not isinstance(keywords.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **keywords)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers a request that could not be parsed, and closes the connection. `message`, aiohttp's, is not shown."""
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun; another cannot follow.")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("a request failed outside its handler", exc_info=exc)
            refusal = internal_error()
            code = refusal.code
            text = envelope.refusal_text(refusal.error, refusal.code)
        else:
            code = "validation_failed"
            details = {"request": ["Is no well-formed HTTP request."]}
            text = envelope.refusal_text("Validation failed", code, details)
        metrics.count_request(metrics.NO_ROUTE, request.method, status, 0)
        metrics.REFUSALS.labels(code).inc()
        response = envelope.refusal(text, status, code, {"X-Request-Id": request_id_of(request)})
        response.force_close()
        return response


class _EnvelopeServer(web.Server):
    is_draining = False
    connections_max: int
    _refused = 0
    _refused_said_at = -math.inf

    @property
    def is_full(self) -> bool:
        """Whether another connection would be one too many."""
        return len(self._connections) >= self.connections_max

    def note_refused_connection(self) -> None:
        """Counts a connection that was refused; says so in the log, though not for each of a flood."""
        metrics.CONNECTIONS_REFUSED.inc()
        self._refused += 1
        now = self._loop.time()
        if now - self._refused_said_at >= REFUSED_SAID_SECONDS:
            _log.warning("connections refused: %d, because %d are open", self._refused, len(self._connections))
            self._refused, self._refused_said_at = 0, now

    async def drain(self) -> None:
        """Makes each answer the last of its connection; waits a little for the connections to end by that.

        Without it a client learns that its connection is closed by losing the request it sends next.
        """
        self.is_draining = True
        self._deserted = asyncio.Event()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._deserted.wait()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Notes a connection."""
        super().connection_made(handler, transport)
        metrics.CONNECTIONS.inc()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Notes the end of a connection, and of the last one."""
        if handler in self._connections:  # One that was refused is not.
            metrics.CONNECTIONS.dec()
        super().connection_lost(handler, exc)
        if self.is_draining and not self.connections:
            self._deserted.set()

    def __call__(self) -> RequestHandler:
        return _EnvelopeHandler(self, loop=self._loop, **self._kwargs)


class WalletRunner(web.AppRunner):
    """Runs the application; access log off (the application writes its own).

    Args:
        app: the application.
        shutdown_timeout_seconds: what is in flight at the end may take so long, then it is broken off.
        connections_max: connections open at once; one more is answered 503 and closed.
    """

    def __init__(self, app: web.Application, shutdown_timeout_seconds: float, connections_max: int) -> None:
        self._connections_max = connections_max
        super().__init__(
            app,
            access_log=None,
            # aiohttp waits so long for the requests in flight, then once more for them to notice.
            shutdown_timeout=shutdown_timeout_seconds / 2,
            max_field_size=HEADER_SIZE_BYTES_MAX,
            max_headers=HEADERS_MAX,
            max_line_size=TARGET_SIZE_BYTES_MAX,
            # aiohttp counts it from the last answer or the start, whatever has come in since: it ends slow heads too.
            keepalive_timeout=IDLE_SECONDS_MAX,
        )

    async def cleanup(self) -> None:
        """Takes no new connections, answers what is in flight and what still comes meanwhile, then closes all."""
        if app_keys.MONITOR in self.app:
            self.app[app_keys.MONITOR].is_draining = True
        if app_keys.EVENTS in self.app:
            self.app[app_keys.EVENTS].end()
        for site in list(self.sites):
            await site.stop()
        if isinstance(self._server, _EnvelopeServer):
            await self._server.drain()
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await server.request_handler(request)
            except web.HTTPException as error:
                # Of what is raised outside the middlewares: an Expect header nobody can meet.
                response = http_error_response(error)
                response.headers["X-Request-Id"] = request_id_of(request)
                return response

        bounded = _EnvelopeServer(handle, request_factory=server.request_factory, loop=server._loop, **server._kwargs)
        bounded.connections_max = self._connections_max
        return bounded


def _full_answer() -> bytes:
    """The whole answer to a connection that is one too many; nothing of what it sends is read."""
    refusal = unavailable("Too many connections are open; the same request may be sent again.")
    body = envelope.refusal_body(envelope.refusal_text(refusal.error, refusal.code))
    head = (
        f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {envelope.JSON_CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: {RETRY_AFTER_SECONDS}\r\nX-Request-Id: {new_request_id()}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
