"""How the service is: the metrics, and a snapshot of them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from service import app_keys, metrics
from service.http import envelope
from service.http.auth import is_limited
from service.http.status import (
    BatchStatus,
    DatabaseStatus,
    DoctorStatus,
    PoolStatus,
    PostingStatus,
    QueueStatus,
    ReleaseStatus,
    RequestStatus,
    Status,
)
from service.monitor import RATE_SECONDS
from service.posting_metrics import OUTCOMES
from service.refusals import Refusal


async def get_metrics(request: web.Request) -> web.Response:
    """200 with every metric, in the text format of Prometheus.

    Raises:
        Refusal: asset_forbidden, when the key is for some asset types only.
    """
    if is_limited(request):
        raise Refusal("asset_forbidden", "The metrics are of every asset type, and the API key is for some only.")
    monitor = request.app[app_keys.MONITOR]
    await monitor.look()
    if await monitor.ask() is not None:
        await monitor.ask_webhooks()
    # It may take some milliseconds, and requests are on their way.
    body = await asyncio.to_thread(metrics.exposition)
    return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE, "Cache-Control": "no-store"})


async def get_status(request: web.Request) -> web.Response:
    """200 with a snapshot of the service."""
    monitor = request.app[app_keys.MONITOR]
    await monitor.look()
    database = await monitor.ask()
    figures = _Figures(await asyncio.to_thread(metrics.samples))
    now = datetime.now(UTC)
    status = Status(
        timestamp=now,
        started_at=monitor.started_at,
        uptime_seconds=(now - monitor.started_at).total_seconds(),
        is_draining=monitor.is_draining,
        workers=figures.count("wallet_workers"),
        release=ReleaseStatus(monitor.version, monitor.ours.migrations[-1]),
        connections=figures.count("wallet_http_connections"),
        requests=_requests(figures),
        postings=_postings(figures),
        refusals={code: int(count) for (code,), count in figures.of("wallet_refusals_total").items()},
        queue=QueueStatus(
            figures.count("wallet_queue_depth"),
            figures.count("wallet_queue_max"),
            figures.mean("wallet_queue_wait_seconds", "postings"),
        ),
        batches=BatchStatus(
            figures.count("wallet_batch_size_count", "postings"),
            figures.mean("wallet_batch_size", "postings"),
            figures.mean("wallet_batch_duration_seconds", "postings"),
            figures.count("wallet_batch_retries_total"),
        ),
        pool=PoolStatus(
            figures.count("wallet_pool_connections"),
            figures.count("wallet_pool_connections_idle"),
            figures.count("wallet_pool_connections_max"),
            figures.count("wallet_pool_waiting"),
        ),
        database=DatabaseStatus(database is not None, None if database is None else database.round_trip_seconds),
        doctor=DoctorStatus(None if database is None else database.clean_run),
    )
    return envelope.success(msgspec.json.encode(status))


class _Figures:
    """Figures by name and labels, to be added up."""

    def __init__(self, samples: Mapping[tuple[str, tuple[str, ...]], float]) -> None:
        self._samples = samples

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """The figures of a metric by their labels' values."""
        return {labels: value for (one, labels), value in self._samples.items() if one == name}

    def total(self, name: str, *labels: str) -> float:
        """The sum of those that have these among their labels' values."""
        return sum(value for one, value in self.of(name).items() if set(labels) <= set(one))

    def count(self, name: str, *labels: str) -> int:
        """The sum of what is counted in whole numbers."""
        return int(self.total(name, *labels))

    def mean(self, histogram: str, *labels: str) -> float:
        """The mean of what a histogram was shown; 0 when it was shown nothing."""
        count = self.total(f"{histogram}_count", *labels)
        return self.total(f"{histogram}_sum", *labels) / count if count else 0.0


def _requests(figures: _Figures) -> RequestStatus:
    # The labels are in the order of their names: method, route, status.
    by_status = [(labels[2], int(count)) for labels, count in figures.of("wallet_http_requests_total").items()]
    return RequestStatus(
        sum(count for _, count in by_status), sum(count for status, count in by_status if status.startswith("5"))
    )


def _postings(figures: _Figures) -> PostingStatus:
    posted, replayed, refused, failed = (figures.count("wallet_postings_total", outcome) for outcome in OUTCOMES)
    return PostingStatus(
        posted, replayed, refused, failed, figures.total("wallet_postings_per_second"), window_seconds=RATE_SECONDS
    )
