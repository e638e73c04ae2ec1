"""The route table."""

from aiohttp import web

from service.http.handlers.accounts import create_account, get_account, get_balance, list_entries
from service.http.handlers.asset_types import list_asset_types
from service.http.handlers.batches import post_batch
from service.http.handlers.health import get_health
from service.http.handlers.transactions import get_transaction, list_transactions, posting_handler

PREFIX = "/api/v1"


def add_routes(app: web.Application) -> None:
    """Adds every endpoint. GET routes answer HEAD too."""
    app.router.add_get(f"{PREFIX}/health", get_health)
    app.router.add_get(f"{PREFIX}/asset-types", list_asset_types)
    app.router.add_post(f"{PREFIX}/accounts", create_account)
    app.router.add_get(f"{PREFIX}/accounts/{{id}}", get_account)
    app.router.add_get(f"{PREFIX}/accounts/{{id}}/balance", get_balance)
    app.router.add_get(f"{PREFIX}/accounts/{{id}}/ledger", list_entries)
    app.router.add_post(f"{PREFIX}/transactions/top-up", posting_handler("TOP_UP"))
    app.router.add_post(f"{PREFIX}/transactions/bonus", posting_handler("BONUS"))
    app.router.add_post(f"{PREFIX}/transactions/spend", posting_handler("SPEND"))
    app.router.add_post(f"{PREFIX}/transactions/batch", post_batch)
    app.router.add_get(f"{PREFIX}/transactions", list_transactions)
    app.router.add_get(f"{PREFIX}/transactions/{{id}}", get_transaction)
