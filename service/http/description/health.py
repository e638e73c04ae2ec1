"""Whether the service is well."""

from typing import Final, Literal

import msgspec

from service.http.description.operation import Operation
from service.http.fields import Instant


class Health(msgspec.Struct, rename="camel"):
    """How the service is."""

    status: Literal["healthy"]
    timestamp: Instant


OPERATIONS: Final = {
    "GET /health": Operation(
        summary="Whether the database answers",
        tag="Service",
        description="503 otherwise; its answer has `data` beside the refusal, with the status `unhealthy`.",
        answer=Health,
    ),
    "GET /openapi.json": Operation(
        summary="This description",
        tag="Service",
        description="No key is needed, and it has no envelope. 304 for who has it, by `If-None-Match`.",
        media_types=("application/json",),
        etag=True,
    ),
}
