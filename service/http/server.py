"""The HTTP server: the envelope also around what aiohttp refuses before any handler runs, requests that are no HTTP."""

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.http import envelope
from service.http.middleware import http_error_response, request_id_of
from service.refusals import internal_error

_log = logging.getLogger("wallet.http")

#: Largest header, so that an overlong Idempotency-Key gets its own refusal rather than the parser's.
HEADER_SIZE_BYTES_MAX = 32 * 1024


class _EnvelopeHandler(RequestHandler):
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

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await server.request_handler(request)
            except web.HTTPException as error:
                # Of what is raised outside the middlewares: an Expect header nobody can meet.
                response = http_error_response(error)
                response.headers["X-Request-Id"] = request_id_of(request)
                return response

        return _EnvelopeServer(handle, request_factory=server.request_factory, loop=server._loop, **server._kwargs)
