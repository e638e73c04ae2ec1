"""The books as a whole: the trial balance, and what is known of the doctor."""

from aiohttp import web

from service import app_keys
from service.http import envelope
from service.http.auth import reachable_assets
from service.http.handlers.lists import one_value


async def get_trial_balance(request: web.Request) -> web.Response:
    """200 with a row per asset type, of those that the caller's key reaches."""
    assets = reachable_assets(request)
    answer = await request.app[app_keys.TRIAL_BALANCES].submit(None if assets is None else frozenset(assets))
    return envelope.success(answer)


async def get_doctor(request: web.Request) -> web.Response:
    """200 with the doctor's checks and its last clean run. Runs no check."""
    return envelope.success(await one_value(request, "SELECT wallet.doctor_report()", []))
