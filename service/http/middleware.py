"""Around every request: its id, its line in the access log, and the envelope for whatever went wrong."""

import itertools
import logging
import re
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys
from service.http import envelope
from service.http.refusals import RETRY_AFTER_SECONDS, Refusal, refusal_of

access_log = logging.getLogger("wallet.access")
_log = logging.getLogger("wallet.http")

# Random once per process, then counted: unique, and cheaper than random per request.
_PROCESS_ID = uuid.uuid4().hex
_request_numbers = itertools.count(1)

_REQUEST_ID = re.compile(r"[!-~]{1,128}")

_HTTP_CODES = {
    404: ("route_not_found", "There is no such route."),
    405: ("method_not_allowed", "The route does not know this method."),
    413: ("body_too_large", "The body is larger than 64 KiB."),
}


@web.middleware
async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives every request an id, and every answer the envelope."""
    started = time.perf_counter()
    request_id = request.headers.get("X-Request-Id", "")
    if _REQUEST_ID.fullmatch(request_id) is None:
        request_id = f"{_PROCESS_ID}-{next(_request_numbers):x}"
    request[app_keys.REQUEST_ID] = request_id
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _of_http(error)
    except Exception as error:
        response = _of_error(error, request_id)
    response.headers["X-Request-Id"] = request_id
    if access_log.isEnabledFor(logging.INFO):
        access_log.info(
            "%s %s %d %.1fms %s",
            request.method,
            request.path,
            response.status,
            (time.perf_counter() - started) * 1000,
            request_id,
        )
    return response


def _of_error(error: Exception, request_id: str) -> web.Response:
    refusal = refusal_of(error)
    if refusal.code == "internal_error":
        _log.error("request %s failed", request_id, exc_info=error)
    return refusal_response(refusal)


def _of_http(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals, in the envelope."""
    code, sentence = _HTTP_CODES.get(error.status, ("validation_failed", "Validation failed"))
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return envelope.refusal(envelope.refusal_text(sentence, code), error.status, headers)


def refusal_response(refusal: Refusal) -> web.Response:
    """The answer to a refused request."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if refusal.status == 503 else None
    return envelope.refusal(
        envelope.refusal_text(refusal.error, refusal.code, refusal.details), refusal.status, headers
    )
