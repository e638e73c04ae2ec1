"""The metrics: what there is to count, and how it is shown.

Each process has one set. When several serve on one port, their parent names a folder in `PROMETHEUS_MULTIPROC_DIR`
before they start; prometheus_client then keeps the figures there, and whichever process is asked answers for all of
them: with the counters and histograms of all that ever ran, and the gauges of those that run.

Labels have few values: a route's template and never a path; no ids. docs/monitoring.md says what each metric means.
"""

import os
from functools import cache
from http import HTTPMethod
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

#: The environment variable by which prometheus_client is told the folder that several processes share.
SHARED_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

#: The label `route` of what matched no route.
NO_ROUTE: Final = "none"

#: Anybody can make up methods, so the others are one.
_METHODS: Final = frozenset(HTTPMethod)
_OTHER_METHOD: Final = "OTHER"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# When a metric began is no use to anybody here, and would double the number of series.
prometheus_client.disable_created_metrics()

_registry: Final = CollectorRegistry()


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"wallet_{name}", meaning, labels, registry=_registry)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    """A figure of one process: shown as the sum over those that run."""
    return Gauge(f"wallet_{name}", meaning, labels, registry=_registry, multiprocess_mode="livesum")


def _common_gauge(name: str, meaning: str, *labels: str) -> Gauge:
    """A figure that is the same for every process: shown as it was last set."""
    return Gauge(f"wallet_{name}", meaning, labels, registry=_registry, multiprocess_mode="livemostrecent")


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"wallet_{name}", meaning, labels, registry=_registry, buckets=buckets)


RELEASE: Final = _common_gauge("release_info", "Always 1; the labels say what runs.", "version", "migration")
WORKERS: Final = _gauge("workers", "Processes that serve.")
STARTED_AT: Final = _common_gauge("start_timestamp_seconds", "When the process that was started last began to serve.")

REQUESTS: Final = _counter("http_requests", "Requests answered.", "route", "method", "status")
REQUEST_SECONDS: Final = _histogram(
    "http_request_duration_seconds", "From a request's head to its answer.", _SECONDS, "route", "method"
)
CONNECTIONS: Final = _gauge("http_connections", "Connections open to the HTTP server.")
CONNECTIONS_MAX: Final = _gauge("http_connections_max", "Connections that may be open.")
CONNECTIONS_REFUSED: Final = _counter("http_connections_refused", "Connections refused because too many were open.")
REFUSALS: Final = _counter("refusals", "Requests, and items of batches, that were refused.", "code")

POSTINGS: Final = _counter("postings", "Postings sent to the database.", "type", "outcome")
AMOUNT_MOVED: Final = _counter("amount_moved", "Sum of the amounts posted, in units of the asset.", "asset", "type")
POSTINGS_PER_SECOND: Final = _gauge("postings_per_second", "Postings committed per second, over the last ten seconds.")

QUEUE_DEPTH: Final = _gauge("queue_depth", "Postings that wait to be sent to the database.", "queue")
QUEUE_MAX: Final = _gauge("queue_max", "Postings that may wait.", "queue")
QUEUE_SECONDS: Final = _histogram(
    "queue_wait_seconds", "How long the first of a batch waited to be sent.", _SECONDS, "queue"
)
BATCH_SIZE: Final = _histogram("batch_size", "Requests in a batch.", _SIZES, "queue")
BATCH_SECONDS: Final = _histogram(
    "batch_duration_seconds", "From sending a batch to its answer, with every attempt.", _SECONDS, "queue"
)
RETRIES: Final = _counter("batch_retries", "Further attempts to post a batch.", "reason")
HALVED: Final = _counter("batches_halved", "Batches that failed and were posted in two halves.")

POOL_CONNECTIONS: Final = _gauge("pool_connections", "Connections for reading.")
POOL_IDLE: Final = _gauge("pool_connections_idle", "Connections for reading that nobody uses.")
POOL_MAX: Final = _gauge("pool_connections_max", "Connections for reading that there may be.")
POOL_WAITING: Final = _gauge("pool_waiting", "Callers that wait for a connection for reading.")

DATABASE_UP: Final = _common_gauge("database_up", "Whether the database answered when the metrics were asked for.")
ROUND_TRIP_SECONDS: Final = _common_gauge(
    "database_round_trip_seconds", "How long the database took for a small query when the metrics were asked for."
)
DOCTOR_CLEAN_AT: Final = _common_gauge(
    "doctor_clean_timestamp_seconds", "When the doctor last checked everything and found nothing; 0: never."
)

WEBHOOKS: Final = _common_gauge("webhooks", "Webhooks.", "status")
WEBHOOK_DELIVERIES: Final = _common_gauge(
    "webhook_deliveries", "Deliveries that were put aside: to be tried again (pending), or given up (dead).", "status"
)
WEBHOOK_PENDING_SECONDS: Final = _common_gauge(
    "webhook_oldest_pending_seconds", "Since when the oldest delivery that is to be tried again was put aside; 0: none."
)

# There from the start, so that a rule on them has something to look at.
for _reason in ("conflict", "connection"):
    RETRIES.labels(_reason)


@cache
def _request_metrics(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, str(status)), REQUEST_SECONDS.labels(route, method)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Counts an answered request."""
    requests, durations = _request_metrics(route, method if method in _METHODS else _OTHER_METHOD, status)
    requests.inc()
    durations.observe(seconds)


def _shown() -> CollectorRegistry:
    """What is shown: the figures of this process, or of all that share them."""
    folder = os.environ.get(SHARED_FOLDER_VARIABLE)
    if folder is None:
        return _registry
    every = CollectorRegistry()
    MultiProcessCollector(every, folder)
    return every


def exposition() -> bytes:
    """Every metric, as Prometheus reads it."""
    return generate_latest(_shown())


def samples() -> dict[tuple[str, tuple[str, ...]], float]:
    """Every figure by its name and its labels' values, in the order of the labels' names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for metric in _shown().collect()
        for sample in metric.samples
    }
