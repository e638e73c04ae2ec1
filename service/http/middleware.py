"""Around every request: its id, its line in the access log, and the envelope for whatever went wrong."""

import itertools
import logging
import re
import time
import uuid
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys, metrics, tracing
from service.http import envelope
from service.refusals import RETRY_AFTER_SECONDS, Refusal, refusal_of

access_log = logging.getLogger("wallet.access")
_log = logging.getLogger("wallet.http")

# Random once per process, then counted: unique, and cheaper than random per request.
_PROCESS_ID = uuid.uuid4().hex
_request_numbers = itertools.count(1)

_REQUEST_ID = re.compile(r"[!-~]{1,128}")

_REFUSAL_HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="wallet"'},
    503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}

_HTTP_CODES = {
    404: ("route_not_found", "There is no such route."),
    405: ("method_not_allowed", "The route does not know this method."),
    413: ("body_too_large", "The body is larger than 64 KiB."),
    417: ("expectation_failed", "The Expect header asks for something unknown."),
}


@web.middleware
async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives every request an id, and every answer the envelope."""
    started = time.perf_counter()
    request_id = request_id_of(request)
    request[app_keys.REQUEST_ID] = request_id
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = http_error_response(error)
    except Exception as error:
        response = _of_error(error, request_id)
    response.headers["X-Request-Id"] = request_id
    if request.content.exception() is not None:
        # Nobody knows where in the stream the next request would begin.
        response.force_close()
    _note(request, response, time.perf_counter() - started)
    return response


def _note(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    """Counts a request and its refusal, and logs them in one line."""
    route = route_of(request)
    # To look for what is not there costs more than to compare.
    code = response.get(app_keys.REFUSAL_CODE) if response.status >= HTTPStatus.BAD_REQUEST else None
    metrics.count_request(route, request.method, response.status, seconds)
    if code is not None:
        metrics.REFUSALS.labels(code).inc()
    if access_log.isEnabledFor(logging.INFO):
        caller = request.get(app_keys.CALLER)
        access_log.info(
            "%s %s %d %.1fms %s",
            request.method,
            # As it was sent: decoded, it could hold a line break and forge a line of the log.
            request.rel_url.raw_path,
            response.status,
            seconds * 1000,
            request[app_keys.REQUEST_ID],
            extra={
                "request_id": request[app_keys.REQUEST_ID],
                "api_key_id": None if caller is None else caller.id,
                "method": request.method,
                "route": route,
                "status": response.status,
                "duration_seconds": round(seconds, 6),
                "code": code,
                "replayed": "Idempotency-Replayed" in response.headers,
                **({} if tracing.tracer is None else {"trace_id": tracing.tracer.trace_id()}),
            },
        )


def route_of(request: web.Request) -> str:
    """The template of the route that a request matched; `NO_ROUTE`: it matched none."""
    match = request.match_info
    resource = match.route.resource
    return metrics.NO_ROUTE if match.http_exception is not None or resource is None else resource.canonical


def _of_error(error: Exception, request_id: str) -> web.Response:
    refusal = refusal_of(error)
    if refusal.code == "internal_error":
        _log.error("request %s failed", request_id, exc_info=error, extra={"request_id": request_id})
    return refusal_response(refusal)


def request_id_of(request: web.BaseRequest) -> str:
    """The id the caller sent, or a new one when there is none or no good one."""
    request_id = request.headers.get("X-Request-Id", "")
    if _REQUEST_ID.fullmatch(request_id) is None:
        return new_request_id()
    return request_id


def new_request_id() -> str:
    """An id that no other request has."""
    return f"{_PROCESS_ID}-{next(_request_numbers):x}"


def http_error_response(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals, in the envelope."""
    code, sentence = _HTTP_CODES.get(error.status, ("validation_failed", "Validation failed"))
    details = {"request": ["Is no request for this service."]} if code == "validation_failed" else None
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return envelope.refusal(envelope.refusal_text(sentence, code, details), error.status, code, headers)


def refusal_response(refusal: Refusal) -> web.Response:
    """The answer to a refused request."""
    text = envelope.refusal_text(refusal.error, refusal.code, refusal.details)
    return envelope.refusal(text, refusal.status, refusal.code, _REFUSAL_HEADERS.get(refusal.status))
