"""GET /asset-types."""

from aiohttp import web

from service.http import envelope
from service.http.handlers.lists import one_value


async def list_asset_types(request: web.Request) -> web.Response:
    """All asset types."""
    return envelope.success(await one_value(request, "SELECT wallet.list_asset_types()", []))
