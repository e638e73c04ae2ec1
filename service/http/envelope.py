"""The frame around every answer: `{"success": …}`.

Answers of the database arrive as JSON text and are framed as bytes, without being decoded.
"""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from service import app_keys

JSON_CONTENT_TYPE = "application/json; charset=utf-8"


def success(data: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answers with `{"success": true, "data": <data>}`; `data` is JSON text."""
    return response(success_body(data), status, headers)


def page(answer: bytes) -> web.Response:
    """Answers with a list: `answer` is JSON text `{"data": […], "pagination": {…}}` from the database."""
    return response(b'{"success":true,' + answer[1:], 200)


def refusal(answer: bytes, status: int, code: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answers with a refusal: `answer` is JSON text `{"error": …, "code": …, …}`, with this code."""
    return response(refusal_body(answer), status, headers, code)


def success_body(data: bytes) -> bytes:
    """The body of a success; `data` is JSON text."""
    return b'{"success":true,"data":' + data + b"}"


def refusal_body(answer: bytes) -> bytes:
    """The body of a refusal: `answer` is JSON text `{"error": …, "code": …, …}`."""
    return b'{"success":false,' + answer[1:]


def refusal_text(error: str, code: str, details: Mapping[str, object] | None = None) -> bytes:
    """The JSON text of a refusal that was made here: `{"error", "code", "details"?}`."""
    fields: dict[str, object] = {"error": error, "code": code}
    if details is not None:
        fields["details"] = details
    return msgspec.json.encode(fields)


def response(
    body: bytes, status: int, headers: Mapping[str, str] | None = None, code: str | None = None
) -> web.Response:
    """Answers with a body that has its frame; `code` is that of a refusal, for the log and the metrics."""
    every = {"Content-Type": JSON_CONTENT_TYPE}
    if headers:
        every.update(headers)
    answer = web.Response(body=body, status=status, headers=every)
    if code is not None:
        answer[app_keys.REFUSAL_CODE] = code
    return answer
