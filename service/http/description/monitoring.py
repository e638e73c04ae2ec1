"""How the service is: probes, metrics, and a snapshot of them."""

from typing import Final, Literal

import msgspec

from service.http.description.operation import Operation
from service.http.fields import Instant
from service.http.status import Status
from service.metrics import CONTENT_TYPE

_TAG: Final = "Monitoring"


class Liveness(msgspec.Struct):
    """The process lives."""

    status: Literal["live"]
    timestamp: Instant


class Readiness(msgspec.Struct):
    """The service wants requests."""

    status: Literal["ready"]
    timestamp: Instant


OPERATIONS: Final = {
    "GET /health/live": Operation(
        summary="Whether the process lives",
        tag=_TAG,
        description="It asks nobody, so it says nothing of the database.",
        answer=Liveness,
    ),
    "GET /health/ready": Operation(
        summary="Whether the service wants requests",
        tag=_TAG,
        description="503 while the database is away or behind this release, and once the service is told to stop.",
        answer=Readiness,
    ),
    "GET /metrics": Operation(
        summary="The metrics, as Prometheus reads them",
        tag=_TAG,
        media_types=(CONTENT_TYPE,),
        codes=("asset_forbidden",),
    ),
    "GET /status": Operation(
        summary="A snapshot of the service",
        tag=_TAG,
        description="Of every process that serves on the port. Counts begin at its start.",
        answer=Status,
    ),
}
