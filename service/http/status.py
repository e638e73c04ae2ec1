"""What GET /status answers."""

from datetime import datetime

import msgspec

from service.monitor import CleanRun


class ReleaseStatus(msgspec.Struct, rename="camel"):
    """What runs: the package's version and its newest migration."""

    version: str
    migration: str


class QueueStatus(msgspec.Struct, rename="camel"):
    """Postings that wait, how many may, and for how long the first of each batch waited, on average."""

    depth: int
    max: int
    mean_wait_seconds: float


class BatchStatus(msgspec.Struct, rename="camel"):
    """Batches of postings sent to the database."""

    count: int
    mean_size: float
    mean_duration_seconds: float
    retries: int


class PostingStatus(msgspec.Struct, rename="camel"):
    """What became of postings, and how many were committed per second in the last `window_seconds`."""

    posted: int
    replayed: int
    refused: int
    failed: int
    per_second: float
    window_seconds: int


class RequestStatus(msgspec.Struct, rename="camel"):
    """Requests answered, and those of them with 5xx."""

    count: int
    server_errors: int


class PoolStatus(msgspec.Struct, rename="camel"):
    """The connections for reading: those there are, unused ones, the most there may be, and callers that wait."""

    size: int
    idle: int
    max: int
    waiting: int


class DatabaseStatus(msgspec.Struct, rename="camel"):
    """Whether the database answers now, and how fast."""

    is_reachable: bool
    round_trip_seconds: float | None


class DoctorStatus(msgspec.Struct, rename="camel"):
    """The newest full run of the doctor that found nothing; None: there was none, or the database does not answer."""

    last_clean_run: CleanRun | None


class Status(msgspec.Struct, rename="camel"):
    """A snapshot of every process that serves on the port. Counts begin at its start."""

    timestamp: datetime
    started_at: datetime
    uptime_seconds: float
    is_draining: bool
    workers: int
    release: ReleaseStatus
    connections: int
    requests: RequestStatus
    postings: PostingStatus
    refusals: dict[str, int]
    queue: QueueStatus
    batches: BatchStatus
    pool: PoolStatus
    database: DatabaseStatus
    doctor: DoctorStatus
