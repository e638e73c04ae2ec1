"""The route table: every endpoint with the scope it needs."""

import re
from typing import Final, NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.console import serving as console
from service.http import page
from service.http.auth import ANY_KEY, NO_KEY, POSTING_SCOPES, Access
from service.http.handlers.accounts import (
    change_account,
    create_account,
    get_account,
    get_balance,
    list_account_changes,
    list_accounts,
    list_entries,
)
from service.http.handlers.asset_types import (
    change_asset_type,
    create_asset_type,
    list_asset_type_changes,
    list_asset_types,
)
from service.http.handlers.batches import post_batch
from service.http.handlers.books import get_doctor, get_trial_balance
from service.http.handlers.description import get_description
from service.http.handlers.events import list_events
from service.http.handlers.finding import get_idempotency_key, get_owner_balances
from service.http.handlers.health import get_health, get_liveness, get_readiness
from service.http.handlers.holds import capture_hold, create_hold, get_hold, list_holds, void_hold
from service.http.handlers.limits import (
    list_account_limit_changes,
    list_account_limits,
    list_asset_limit_changes,
    list_asset_limits,
    list_budget_changes,
    list_budgets,
    list_campaign_changes,
    set_account_limit,
    set_asset_limit,
    set_budget,
    set_campaign,
)
from service.http.handlers.monitoring import get_metrics, get_status
from service.http.handlers.statements import get_statement
from service.http.handlers.transactions import (
    get_transaction,
    list_transaction_entries,
    list_transactions,
    post_conversion,
    post_journal,
    post_refund,
    post_transfer,
    posting_handler,
)
from service.http.handlers.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_deliveries,
    list_webhook_changes,
    list_webhooks,
    redeliver,
    rotate_secret,
)
from service.http.queries import refuse_dry_run

PREFIX = "/api/v1"

_ANY_POSTING: Final = frozenset(POSTING_SCOPES.values())


class Route(NamedTuple):
    """An endpoint: what it answers to, below the prefix, and who may call it."""

    method: str
    path: str
    handler: Handler
    access: Access


def _scope(name: str) -> Access:
    return frozenset({name})


ROUTES: Final = (
    Route("GET", "/health", get_health, NO_KEY),
    Route("GET", "/health/live", get_liveness, NO_KEY),
    Route("GET", "/health/ready", get_readiness, NO_KEY),
    # A key of its own, so that whoever collects metrics reads no accounts.
    Route("GET", "/metrics", get_metrics, _scope("metrics")),
    # Of no asset: keys for some asset types may read it too.
    Route("GET", "/status", get_status, _scope("read")),
    # It holds no secrets, and whoever writes a client needs it before a key.
    Route("GET", "/openapi.json", get_description, NO_KEY),
    # What assets there are is no secret among those who have a key, and every caller needs their ids.
    Route("GET", "/asset-types", list_asset_types, ANY_KEY),
    Route("POST", "/asset-types", create_asset_type, _scope("admin")),
    Route("PATCH", "/asset-types/{id}", change_asset_type, _scope("admin")),
    Route("GET", "/asset-types/{id}/history", list_asset_type_changes, _scope("read")),
    Route("GET", "/asset-types/{id}/spending-limits", list_asset_limits, _scope("read")),
    Route("PUT", "/asset-types/{id}/spending-limits/{name}", set_asset_limit, _scope("admin")),
    Route("GET", "/asset-types/{id}/spending-limits/{name}/history", list_asset_limit_changes, _scope("read")),
    Route("GET", "/asset-types/{id}/budgets", list_budgets, _scope("read")),
    Route("PUT", "/asset-types/{id}/budget", set_budget, _scope("admin")),
    Route("GET", "/asset-types/{id}/budget/history", list_budget_changes, _scope("read")),
    Route("PUT", "/asset-types/{id}/campaigns/{name}", set_campaign, _scope("admin")),
    Route("GET", "/asset-types/{id}/campaigns/{name}/history", list_campaign_changes, _scope("read")),
    # The first of a path's templates is found soonest: these are asked for most.
    Route("GET", "/accounts/{id}/balance", get_balance, _scope("read")),
    Route("GET", "/accounts/{id}", get_account, _scope("read")),
    Route("GET", "/accounts/{id}/ledger", list_entries, _scope("read")),
    Route("GET", "/accounts/{id}/spending-limits", list_account_limits, _scope("read")),
    # A limit is as good as money: whoever opens accounts does not set it.
    Route("PUT", "/accounts/{id}/spending-limits/{name}", set_account_limit, _scope("admin")),
    Route("GET", "/accounts/{id}/spending-limits/{name}/history", list_account_limit_changes, _scope("read")),
    Route("POST", "/accounts", create_account, _scope("accounts")),
    Route("GET", "/accounts", list_accounts, _scope("read")),
    # Changes of limits need admin besides.
    Route("PATCH", "/accounts/{id}", change_account, _scope("accounts")),
    Route("GET", "/accounts/{id}/history", list_account_changes, _scope("read")),
    Route("GET", "/owners/{id}/balances", get_owner_balances, _scope("read")),
    Route("GET", "/idempotency-keys/{key}", get_idempotency_key, _scope("read")),
    # It shows nothing that the other lists do not.
    Route("GET", "/events", list_events, _scope("read")),
    Route("GET", "/accounts/{id}/statement", get_statement, _scope("read")),
    Route("POST", "/transactions/top-up", posting_handler("TOP_UP"), _scope(POSTING_SCOPES["TOP_UP"])),
    Route("POST", "/transactions/bonus", posting_handler("BONUS"), _scope(POSTING_SCOPES["BONUS"])),
    Route("POST", "/transactions/spend", posting_handler("SPEND"), _scope(POSTING_SCOPES["SPEND"])),
    Route("POST", "/transactions/transfer", post_transfer, _scope(POSTING_SCOPES["TRANSFER"])),
    Route("POST", "/transactions/journal", post_journal, _scope(POSTING_SCOPES["JOURNAL"])),
    Route("POST", "/transactions/convert", post_conversion, _scope(POSTING_SCOPES["CONVERSION"])),
    # Any of them opens the door; each item is then held to its own.
    Route("POST", "/transactions/batch", post_batch, _ANY_POSTING),
    Route("GET", "/transactions", list_transactions, _scope("read")),
    Route("GET", "/transactions/{id}", get_transaction, _scope("read")),
    Route("GET", "/transactions/{id}/entries", list_transaction_entries, _scope("read")),
    Route("POST", "/transactions/{id}/refund", post_refund, _scope(POSTING_SCOPES["REFUND"])),
    Route("POST", "/holds", create_hold, _scope(POSTING_SCOPES["HOLD"])),
    Route("GET", "/holds", list_holds, _scope("read")),
    Route("GET", "/holds/{id}", get_hold, _scope("read")),
    Route("POST", "/holds/{id}/capture", capture_hold, _scope(POSTING_SCOPES["CAPTURE"])),
    Route("POST", "/holds/{id}/void", void_hold, _scope(POSTING_SCOPES["VOID"])),
    # Whoever has this scope may have every event sent anywhere.
    Route("POST", "/webhooks", create_webhook, _scope("webhooks")),
    Route("GET", "/webhooks", list_webhooks, _scope("webhooks")),
    Route("GET", "/webhooks/{id}", get_webhook, _scope("webhooks")),
    Route("PATCH", "/webhooks/{id}", change_webhook, _scope("webhooks")),
    Route("DELETE", "/webhooks/{id}", delete_webhook, _scope("webhooks")),
    Route("POST", "/webhooks/{id}/rotate-secret", rotate_secret, _scope("webhooks")),
    Route("GET", "/webhooks/{id}/history", list_webhook_changes, _scope("webhooks")),
    Route("GET", "/webhooks/{id}/deliveries", list_deliveries, _scope("webhooks")),
    Route("POST", "/webhooks/{id}/deliveries/{deliveryId}/redeliver", redeliver, _scope("webhooks")),
    Route("GET", "/trial-balance", get_trial_balance, _scope("read")),
    # Of no asset: keys for some asset types may read it too.
    Route("GET", "/doctor", get_doctor, _scope("read")),
)

_ACCESS: Final = {(route.method, PREFIX + route.path): route.access for route in ROUTES}
_ACCESS.update({(hdrs.METH_GET, path): NO_KEY for path in console.paths() | page.paths()})
#: Where Prometheus looks unless it is told.
_METRICS_PATH: Final = "/metrics"
_ACCESS[hdrs.METH_GET, _METRICS_PATH] = _ACCESS[hdrs.METH_GET, PREFIX + _METRICS_PATH]


def add_routes(app: web.Application) -> None:
    """Adds every endpoint. GET routes answer HEAD too."""
    for route in ROUTES:
        # Without a pattern aiohttp takes no braces, which keys and owners may have.
        path = PREFIX + re.sub(r"\{(\w+)\}", r"{\1:[^/]+}", route.path)
        if route.method == hdrs.METH_GET:
            app.router.add_get(path, route.handler)
        elif route.access is not None and route.access & _ANY_POSTING:
            app.router.add_route(route.method, path, route.handler)
        else:
            app.router.add_route(route.method, path, _never_dry(route.handler))
    app.router.add_get(_METRICS_PATH, get_metrics)


def _never_dry(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        refuse_dry_run(request)
        return await handler(request)

    return handle


def access_of(request: web.Request) -> Access:
    """What the route of a request wants.

    Raises:
        KeyError: the route is not in the table: nobody gets in.
    """
    resource = request.match_info.route.resource
    assert resource is not None  # what matched no route is not asked about
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return _ACCESS[method, resource.canonical]
