"""GET /openapi.json: the description of the interface."""

from aiohttp import ETag, web

from service import app_keys
from service.http import envelope


async def get_description(request: web.Request) -> web.Response:
    """200 with the OpenAPI document, without an envelope; 304 when the caller has it."""
    description = request.app[app_keys.DESCRIPTION]
    known = request.if_none_match or ()
    if any(tag.value in (description.etag, "*") for tag in known):
        answer = web.Response(status=304)
    else:
        answer = envelope.response(description.body, 200)
    answer.etag = ETag(description.etag)
    return answer
