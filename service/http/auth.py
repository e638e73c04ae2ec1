"""Who may do what over HTTP: the key of every request, its scopes, and the asset types it is for.

A token is checked whenever one is sent. Without one a request is let in only where keys are not required.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service import app_keys
from service.api_keys import ApiKey, unauthorized
from service.posting import PostingRequest
from service.refusals import Refusal

#: The scopes of which a route wants one; empty: any key will do; None: none is needed.
Access = frozenset[str] | None

NO_KEY: Final = None
ANY_KEY: Final[frozenset[str]] = frozenset()

#: The scope that each type of posting needs.
POSTING_SCOPES: Final[Mapping[str, str]] = {
    "TOP_UP": "post:top-up",
    "BONUS": "post:bonus",
    "SPEND": "post:spend",
    "TRANSFER": "post:transfer",
    "JOURNAL": "post:journal",
    "REFUND": "post:refund",
    "HOLD": "post:hold",
    "CAPTURE": "post:hold",
    "VOID": "post:hold",
    "CONVERSION": "post:convert",
}


class _OfAsset(msgspec.Struct, rename="camel"):
    """What accounts, balances and transactions have in common, and, null, what was made of no asset."""

    asset_type_id: uuid.UUID | None


_OF_ASSET: Final = msgspec.json.Decoder(_OfAsset)


def authorize(access_of: Callable[[web.Request], Access], *, required: bool) -> Middleware:
    """The middleware that finds out who calls and whether they may.

    Args:
        access_of: what the route of a request wants.
        required: whether a request without a token is refused.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # What matches no route is answered by 404 or 405 whoever asks.
        if request.match_info.http_exception is None and (access := access_of(request)) is not NO_KEY:
            key = await _caller(request, required)
            if key is not None:
                if access and not any(map(key.may, access)):
                    raise _forbidden(*sorted(access))
                request[app_keys.CALLER] = key
        return await handler(request)

    return middleware


async def admit(request: web.Request, posting: PostingRequest) -> PostingRequest:
    """Marks a posting with the caller's key.

    Raises:
        Refusal: forbidden or asset_forbidden, when the key is not for such a posting.
    """
    key = request.get(app_keys.CALLER)
    if key is not None:
        scope = POSTING_SCOPES[posting.type]
        if not key.may(scope):
            raise _forbidden(scope)
        if is_limited(request):
            await _check_posting(request, posting)
        posting.api_key_id = key.id
    return posting


async def _check_posting(request: web.Request, posting: PostingRequest) -> None:
    """Holds a posting to the asset types of its key. What is not there passes: it is refused where it is looked for."""
    if posting.asset_type_id is not None:
        check_asset(request, posting.asset_type_id)
    elif posting.related_id is not None:
        # It may have been made a moment ago, but whoever knows its id has seen its commit.
        related = await request.app[app_keys.TRANSACTIONS].submit(posting.related_id)
        if related is not None:
            check_answer(request, related)
    else:
        for account_id in (posting.account_id, posting.to_account_id):
            if account_id is not None:
                await check_account(request, account_id)


def check_asset(request: web.Request, asset_type_id: uuid.UUID) -> None:
    """Holds a request to the asset types of its key.

    Raises:
        Refusal: asset_forbidden.
    """
    key = request.get(app_keys.CALLER)
    if key is not None and not key.reaches(asset_type_id):
        raise Refusal("asset_forbidden", "The API key is not for this asset type.")


def check_answer(request: web.Request, answer: bytes) -> None:
    """Holds an answer to the asset types of the caller's key.

    Args:
        request: what is answered.
        answer: JSON text, an object with `assetTypeId`.

    Raises:
        Refusal: asset_forbidden.
    """
    if is_limited(request):
        asset_type_id = _OF_ASSET.decode(answer).asset_type_id
        if asset_type_id is None:
            raise Refusal("asset_forbidden", "The API key is for some asset types only, and this is of none.")
        check_asset(request, asset_type_id)


async def check_account(request: web.Request, account_id: uuid.UUID) -> None:
    """Holds a request for an account's history to the asset types of its key. An unknown account passes.

    Raises:
        Refusal: asset_forbidden.
    """
    if is_limited(request):
        balance = await request.app[app_keys.BALANCES].submit(account_id)
        if balance is not None:
            check_answer(request, balance)


async def check_caller_again(request: web.Request) -> None:
    """Holds a request that has lasted to the key it came with, which may have been revoked since.

    Raises:
        Refusal: unauthorized.
    """
    if app_keys.CALLER in request:
        await _caller(request, required=True)


def is_limited(request: web.Request) -> bool:
    """Whether the caller's key is for some asset types only."""
    key = request.get(app_keys.CALLER)
    return key is not None and key.asset_type_ids is not None


def reachable_assets(request: web.Request) -> list[uuid.UUID] | None:
    """The only asset types that the caller's key reaches; None: all."""
    key = request.get(app_keys.CALLER)
    return None if key is None or key.asset_type_ids is None else list(key.asset_type_ids)


def check_scope(request: web.Request, scope: str) -> None:
    """Holds a request to a scope beyond that of its route.

    Raises:
        Refusal: forbidden.
    """
    key = request.get(app_keys.CALLER)
    if key is not None and not key.may(scope):
        raise _forbidden(scope)


async def _caller(request: web.Request, required: bool) -> ApiKey | None:
    sent = request.headers.getall("Authorization", ())
    if not sent:
        if required:
            raise unauthorized("An API key is required: send Authorization: Bearer <token>.")
        return None
    scheme, _, token = sent[0].partition(" ")
    if len(sent) > 1 or scheme.lower() != "bearer":
        raise unauthorized("The Authorization header must be: Bearer <token>.")
    return await request.app[app_keys.KEY_RING].check(token.strip())


def _forbidden(*scopes: str) -> Refusal:
    return Refusal("forbidden", f"This needs an API key with the scope {' or '.join(scopes)}.")
