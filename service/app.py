"""The application factory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from service import app_keys, tracing
from service.api_keys import KeyRing
from service.batching import Batcher
from service.console.serving import add_console
from service.database import create_pool
from service.dry_runs import DryRuns
from service.events import EventFeed
from service.http.auth import authorize
from service.http.bodies import BODY_SIZE_BYTES_MAX
from service.http.description.document import description
from service.http.middleware import frame
from service.http.page import add_page
from service.http.routes import access_of, add_routes
from service.monitor import Monitor, Waiting
from service.posting import PostingAnswer, PostingLane, PostingRequest
from service.posting_queue import PostingQueue
from service.reading import read_batcher
from service.settings import Settings
from service.statements import Statements
from service.trial_balance import trial_balances
from service.webhooks.delivering import Deliverer
from service.webhooks.sending import Sender


def create_app(settings: Settings, database_url: str) -> web.Application:
    """Makes the application for a migrated database.

    Args:
        settings: sizes of pool, queue and batch, and whether API keys are required.
        database_url: where the database is; its user must be wallet_service or a member of it.
    """
    app = web.Application(
        middlewares=[
            *([] if tracing.tracer is None else [tracing.tracer.middleware]),
            frame,
            authorize(access_of, required=settings.keys_required),
        ],
        client_max_size=BODY_SIZE_BYTES_MAX,
    )

    async def reads(app: web.Application) -> AsyncIterator[None]:
        async with create_pool(database_url, settings.pool_size, settings.queue_size) as pool:
            await pool.wait()
            app[app_keys.POOL] = pool
            app[app_keys.KEY_RING] = KeyRing(pool, settings.queue_size)
            app[app_keys.ACCOUNTS] = read_batcher(pool, "read_accounts", settings.queue_size)
            app[app_keys.BALANCES] = read_batcher(pool, "read_balances", settings.queue_size)
            app[app_keys.TRANSACTIONS] = read_batcher(pool, "read_transactions", settings.queue_size)
            app[app_keys.HOLDS] = read_batcher(pool, "read_holds", settings.queue_size)
            # The other half stays for those who want an answer.
            app[app_keys.EVENTS] = EventFeed(pool, max(1, settings.http_connections // 2))
            app[app_keys.STATEMENTS] = Statements(pool)
            app[app_keys.TRIAL_BALANCES] = trial_balances(pool, settings.queue_size)
            yield
            await app[app_keys.EVENTS].close()
            await app[app_keys.TRIAL_BALANCES].close()
            await app[app_keys.KEY_RING].close()
            for key in (app_keys.ACCOUNTS, app_keys.BALANCES, app_keys.TRANSACTIONS, app_keys.HOLDS):
                await app[key].close()

    async def postings(app: web.Application) -> AsyncIterator[None]:
        app[app_keys.POSTINGS] = PostingQueue(
            [PostingLane(database_url, alone=settings.lanes == 1) for _ in range(settings.lanes)],
            settings.batch_size,
            settings.queue_size,
        )
        yield
        await app[app_keys.POSTINGS].close()

    async def atomic_postings(app: web.Application) -> AsyncIterator[None]:
        lane = PostingLane(database_url)

        async def post(batches: Sequence[Sequence[PostingRequest]]) -> Sequence[list[PostingAnswer]]:
            return [await lane.post_atomic(batch) for batch in batches]

        # One batch is one commit, so that none is refused for another's sake.
        app[app_keys.ATOMIC_POSTINGS] = Batcher("atomic postings", post, 1, settings.queue_size, weigh=len)
        yield
        await app[app_keys.ATOMIC_POSTINGS].close()
        await lane.close()

    async def dry_runs(app: web.Application) -> AsyncIterator[None]:
        app[app_keys.DRY_RUNS] = DryRuns(database_url, settings.queue_size)
        yield
        await app[app_keys.DRY_RUNS].close()

    async def monitoring(app: web.Application) -> AsyncIterator[None]:
        queues: dict[str, Waiting] = {
            "postings": app[app_keys.POSTINGS],
            "atomic postings": app[app_keys.ATOMIC_POSTINGS],
            "dry runs": app[app_keys.DRY_RUNS],
        }
        monitor = app[app_keys.MONITOR] = Monitor(app[app_keys.POOL], queues, settings)
        watching = asyncio.create_task(monitor.watch(), name="monitor")
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await monitor.look()

    async def webhooks(app: web.Application) -> AsyncIterator[None]:
        if settings.webhooks == "off":
            yield
            return
        deliverer = app[app_keys.DELIVERER] = Deliverer(
            app[app_keys.POOL], Sender(any_target=settings.webhook_targets == "any")
        )
        deliverer.start()
        yield
        await deliverer.close()

    async def stop_webhooks(app: web.Application) -> None:
        # While the requests in flight are still answered.
        if app_keys.DELIVERER in app:
            app[app_keys.DELIVERER].stop()

    app[app_keys.ANY_WEBHOOK_TARGET] = settings.webhook_targets == "any"
    app.on_shutdown.append(stop_webhooks)
    app.cleanup_ctx.extend([reads, postings, atomic_postings, dry_runs, monitoring, webhooks])
    add_routes(app)
    add_console(app)
    add_page(app)
    app[app_keys.DESCRIPTION] = description(keys_required=settings.keys_required)
    return app
