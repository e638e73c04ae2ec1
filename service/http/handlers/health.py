"""GET /health, and apart: whether the process lives, and whether it wants requests."""

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from service import app_keys
from service.database import borrow
from service.http import envelope
from service.refusals import RETRY_AFTER_SECONDS, unavailable
from service.release import ReleaseState, compare

#: How long a connection may take to come, and the database to answer on it, before the service calls itself unhealthy.
HEALTH_TIMEOUT_SECONDS = 1


async def get_health(request: web.Request) -> web.Response:
    """200 `{status: healthy, timestamp}` while the database answers, 503 `unhealthy` otherwise."""
    try:
        async with borrow(request.app[app_keys.POOL], HEALTH_TIMEOUT_SECONDS, HEALTH_TIMEOUT_SECONDS) as connection:
            await connection.execute("SELECT 1")
    except Exception:
        return _no("unhealthy", "The database cannot be reached.")
    return _yes("healthy")


async def get_liveness(request: web.Request) -> web.Response:
    """200 `{status: live, timestamp}`. It asks nobody: a database that is away is no reason to restart the service."""
    return _yes("live")


async def get_readiness(request: web.Request) -> web.Response:
    """200 `{status: ready, timestamp}`, or 503 `not_ready` with the reason in `error`.

    It is not ready while the database is away or behind this release, and from the moment it is told to stop.
    """
    monitor = request.app[app_keys.MONITOR]
    if monitor.is_draining:
        return _no("not_ready", "The service is stopping.")
    database = await monitor.ask()
    if database is None:
        return _no("not_ready", "The database cannot be reached.")
    if compare(monitor.ours, database.release) is ReleaseState.BEHIND:
        return _no("not_ready", "The database is behind this release.")
    return _yes("ready")


def _yes(status: str) -> web.Response:
    return envelope.success(msgspec.json.encode({"status": status, "timestamp": _timestamp()}))


def _no(status: str, error: str) -> web.Response:
    refusal = unavailable(error)
    data = {"status": status, "timestamp": _timestamp()}
    body = msgspec.json.encode({"error": refusal.error, "code": refusal.code, "data": data})
    return envelope.refusal(body, refusal.status, refusal.code, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def _timestamp() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
