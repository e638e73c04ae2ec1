"""The HTTP server: the envelope also around what aiohttp refuses before any handler runs, requests that are no HTTP."""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.http import envelope
from service.http.refusals import internal_error

_log = logging.getLogger("wallet.http")

#: Largest header, so that an overlong Idempotency-Key gets its own refusal rather than the parser's.
HEADER_SIZE_BYTES_MAX = 32 * 1024


class _EnvelopeHandler(RequestHandler):
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
        response = envelope.refusal(text, status)
        response.force_close()
        return response


class _EnvelopeServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _EnvelopeHandler(self, loop=self._loop, **self._kwargs)


class WalletRunner(web.AppRunner):
    """Runs the application; access log off (the application writes its own)."""

    def __init__(self, app: web.Application, shutdown_timeout_seconds: float) -> None:
        super().__init__(
            app, access_log=None, shutdown_timeout=shutdown_timeout_seconds, max_field_size=HEADER_SIZE_BYTES_MAX
        )

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _EnvelopeServer(
            server.request_handler, request_factory=server.request_factory, loop=server._loop, **server._kwargs
        )
