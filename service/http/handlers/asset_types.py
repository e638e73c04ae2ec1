"""Asset types: listing, making and changing them."""

from aiohttp import web

from service.http import envelope
from service.http.auth import check_asset, is_limited
from service.http.bodies import read_body
from service.http.changes import AssetTypeBody, ChangeAssetTypeBody
from service.http.handlers.administration import administer
from service.http.handlers.lists import one_value
from service.http.queries import page_and_limit, uuid_of
from service.refusals import Refusal


async def list_asset_types(request: web.Request) -> web.Response:
    """All asset types."""
    return envelope.success(await one_value(request, "SELECT wallet.list_asset_types()", []))


async def create_asset_type(request: web.Request) -> web.Response:
    """201 with the new asset type; a known key gives the first answer again."""
    body = await read_body(request, AssetTypeBody)
    if is_limited(request):
        raise Refusal("asset_forbidden", "The API key is for some asset types only, and a new one is none of them.")
    return await administer(request, "CREATE_ASSET_TYPE", 201, {}, body.values())


async def change_asset_type(request: web.Request) -> web.Response:
    """200 with the asset type as it is now."""
    asset_type_id = uuid_of(request.match_info["id"], "id")
    body = await read_body(request, ChangeAssetTypeBody)
    check_asset(request, asset_type_id)
    return await administer(
        request, "CHANGE_ASSET_TYPE", 200, {"id": asset_type_id, "reason": body.reason}, body.values()
    )


async def list_asset_type_changes(request: web.Request) -> web.Response:
    """200 with a page of the asset type's history, newest first."""
    asset_type_id = uuid_of(request.match_info["id"], "id")
    page, limit = page_and_limit(request)
    check_asset(request, asset_type_id)
    query = "SELECT wallet.list_asset_type_changes(%s, %s, %s::integer)"
    return envelope.page(await one_value(request, query, [asset_type_id, page, limit]))
