"""Webhooks: making, changing and ending them, and what their receivers did not take."""

import uuid

import msgspec
from aiohttp import web

from service import app_keys
from service.http import envelope
from service.http.auth import check_asset, is_limited, reachable_assets
from service.http.bodies import read_body, read_optional_body
from service.http.handlers.administration import administer
from service.http.handlers.lists import one_value
from service.http.queries import page_and_limit, text_in, uuid_of
from service.http.webhooks import ChangeWebhookBody, RotationBody, WebhookBody, check_target
from service.refusals import Refusal


class _OfAssets(msgspec.Struct, rename="camel"):
    asset_type_ids: list[uuid.UUID] | None


async def create_webhook(request: web.Request) -> web.Response:
    """201 with the new webhook and its secret; a known key gives the first answer again, without the secret."""
    body = await read_body(request, WebhookBody)
    _check_target(request, body)
    _check_assets(request, body.asset_type_ids)
    return await administer(request, "CREATE_WEBHOOK", 201, {}, body.values())


async def list_webhooks(request: web.Request) -> web.Response:
    """200 with the webhooks, of the assets that the caller's key reaches."""
    query = "SELECT wallet.list_webhooks(%s)"
    return envelope.success(await one_value(request, query, [reachable_assets(request)]))


async def get_webhook(request: web.Request) -> web.Response:
    """200 with the webhook."""
    return envelope.success(await _webhook(request))


async def change_webhook(request: web.Request) -> web.Response:
    """200 with the webhook as it is now."""
    body = await read_body(request, ChangeWebhookBody)
    _check_target(request, body)
    webhook_id = await _webhook_id(request)
    if body.asset_type_ids is not msgspec.UNSET:
        _check_assets(request, body.asset_type_ids)
    return await administer(request, "CHANGE_WEBHOOK", 200, {"id": webhook_id, "reason": body.reason}, body.values())


async def rotate_secret(request: web.Request) -> web.Response:
    """200 with the webhook and its new secret."""
    body = await read_optional_body(request, RotationBody)
    webhook_id = await _webhook_id(request)
    return await administer(request, "ROTATE_WEBHOOK_SECRET", 200, {"id": webhook_id, "reason": body.reason}, {})


async def delete_webhook(request: web.Request) -> web.Response:
    """200 with the webhook as it was ended."""
    return await administer(request, "DELETE_WEBHOOK", 200, {"id": await _webhook_id(request)}, {})


async def list_webhook_changes(request: web.Request) -> web.Response:
    """200 with a page of the webhook's history, newest first."""
    page, limit = page_and_limit(request)
    query = "SELECT wallet.list_webhook_changes(%s, %s, %s::integer)"
    return envelope.page(await one_value(request, query, [await _webhook_id(request), page, limit]))


async def list_deliveries(request: web.Request) -> web.Response:
    """200 with a page of the events that the receiver did not take at once, newest first."""
    page, limit = page_and_limit(request)
    status, cursor = text_in(request, "status"), text_in(request, "cursor")
    query = "SELECT wallet.list_deliveries(%s, %s, %s, %s::integer, %s)"
    return envelope.page(await one_value(request, query, [await _webhook_id(request), status, page, limit, cursor]))


async def redeliver(request: web.Request) -> web.Response:
    """200 with the delivery, which is due again."""
    delivery_id = uuid_of(request.match_info["deliveryId"], "deliveryId")
    fields = {"id": await _webhook_id(request), "delivery_id": delivery_id}
    return await administer(request, "REDELIVER", 200, fields, {})


async def _webhook_id(request: web.Request) -> uuid.UUID:
    """The id in the path, of a webhook that the caller's key reaches."""
    if is_limited(request):
        await _webhook(request)
    return uuid_of(request.match_info["id"], "id")


async def _webhook(request: web.Request) -> bytes:
    answer = await one_value(request, "SELECT wallet.get_webhook(%s)", [uuid_of(request.match_info["id"], "id")])
    _check_assets(request, msgspec.json.decode(answer, type=_OfAssets).asset_type_ids)
    return answer


def _check_assets(request: web.Request, asset_type_ids: list[uuid.UUID] | None) -> None:
    """Holds a webhook to the asset types of the caller's key: it may be for no others.

    Raises:
        Refusal: asset_forbidden.
    """
    if asset_type_ids is None and is_limited(request):
        raise Refusal("asset_forbidden", "The API key is for some asset types only, and the webhook is for all.")
    for asset_type_id in asset_type_ids or ():
        check_asset(request, asset_type_id)


def _check_target(request: web.Request, body: WebhookBody | ChangeWebhookBody) -> None:
    if not request.app[app_keys.ANY_WEBHOOK_TARGET]:
        check_target(body.url)
