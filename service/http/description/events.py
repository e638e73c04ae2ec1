"""The event feed."""

import re
from typing import Annotated, Final, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.events import LIMIT_DEFAULT, LIMIT_MAX
from service.http.description.operation import Operation
from service.http.fields import EXAMPLE_ID, EventType, Id, Instant
from service.http.handlers.events import STREAM_CONTENT_TYPE, WAIT_SECONDS_MAX

_TYPE: Final = "|".join(map(re.escape, get_args(EventType)))
_TYPES: Final = f"^({_TYPE})(,({_TYPE}))*$"


class Event(msgspec.Struct, rename="camel"):
    """Something that was committed."""

    id: Annotated[Id, Meta(description="Always the same; also a cursor: the place after this event.")]
    type: EventType
    occurred_at: Instant
    account_ids: Annotated[list[Id], Meta(description="The accounts it is about.")]
    asset_type_id: Id
    data: Annotated[
        msgspec.Raw,
        Meta(
            description="The transaction, the hold or the account as it was made; of a change, what it was and became.",
            extra_json_schema={"type": "object"},
            examples=[{"id": EXAMPLE_ID}],
        ),
    ]


class EventFilters(msgspec.Struct, rename="camel"):
    """What is asked for."""

    after: (
        Annotated[
            str,
            Meta(
                description="The cursor of the page before, or the id of an event. Left out: from the beginning."
                " `now`: only what is committed from now on. The header `Last-Event-ID` goes before it.",
                examples=["now"],
            ),
        ]
        | UnsetType
    ) = UNSET
    limit: (
        Annotated[
            int,
            Meta(
                description=f"Events in a page, at most; {LIMIT_DEFAULT} unless it is given. Clamped to the nearest"
                " good one.",
                ge=1,
                le=LIMIT_MAX,
            ),
        ]
        | UnsetType
    ) = UNSET
    types: (
        Annotated[
            str,
            Meta(
                description="Only events of these types, with commas between.",
                extra_json_schema={"pattern": _TYPES},
                examples=["transaction.posted"],
            ),
        ]
        | UnsetType
    ) = UNSET
    account_id: Annotated[Id, Meta(description="Only events about this account.")] | UnsetType = UNSET
    wait_seconds: (
        Annotated[
            int,
            Meta(description="How long to wait for an event when there is none.", ge=0, le=WAIT_SECONDS_MAX),
        ]
        | UnsetType
    ) = UNSET


OPERATIONS: Final = {
    "GET /events": Operation(
        summary="What was committed, in order",
        tag="Events",
        description="Oldest first. Accept: text/event-stream gives a stream that goes on.",
        answer=Event,
        paging="feed",
        media_types=(STREAM_CONTENT_TYPE,),
        query=EventFilters,
        codes=("asset_forbidden",),
    ),
}
