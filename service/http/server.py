"""The HTTP server: the envelope also around what aiohttp refuses before any handler runs; an end nobody is lost in."""

import asyncio
import contextlib
import logging
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.http import envelope
from service.http.middleware import http_error_response, request_id_of
from service.refusals import internal_error

_log = logging.getLogger("wallet.http")

#: Largest header, so that an overlong Idempotency-Key gets its own refusal rather than the parser's.
HEADER_SIZE_BYTES_MAX = 32 * 1024

#: How long connections without a request stay open once the service is told to stop.
DRAIN_SECONDS: Final = 1


class _EnvelopeHandler(RequestHandler):
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
            text = envelope.refusal_text(refusal.error, refusal.code)
        else:
            details = {"request": ["Is no well-formed HTTP request."]}
            text = envelope.refusal_text("Validation failed", "validation_failed", details)
        response = envelope.refusal(text, status, {"X-Request-Id": request_id_of(request)})
        response.force_close()
        return response


class _EnvelopeServer(web.Server):
    is_draining = False

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

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Notes the end of the last connection."""
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
    """

    def __init__(self, app: web.Application, shutdown_timeout_seconds: float) -> None:
        super().__init__(
            app,
            access_log=None,
            # aiohttp waits so long for the requests in flight, then once more for them to notice.
            shutdown_timeout=shutdown_timeout_seconds / 2,
            max_field_size=HEADER_SIZE_BYTES_MAX,
        )

    async def cleanup(self) -> None:
        """Takes no new connections, answers what is in flight and what still comes meanwhile, then closes all."""
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

        return _EnvelopeServer(handle, request_factory=server.request_factory, loop=server._loop, **server._kwargs)
