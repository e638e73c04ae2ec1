"""Webhooks: who is sent the events of the feed."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.http.description.accounts import Change
from service.http.description.operation import Operation
from service.http.fields import Id, Instant
from service.http.webhooks import AssetTypeIds, ChangeWebhookBody, EventTypes, Note, RotationBody, Url, WebhookBody

_TAG: Final = "Webhooks"

DeliveryStatus = Literal["PENDING", "DELIVERED", "DEAD"]


class Webhook(msgspec.Struct, rename="camel"):
    """A receiver of events."""

    id: Id
    url: Url
    description: Note | None
    event_types: EventTypes | None
    asset_type_ids: AssetTypeIds | None
    status: Literal["ACTIVE", "PAUSED", "DISABLED", "DELETED"]
    cursor: Annotated[Id, Meta(description="How far it has come in the event feed.")]
    secret: Annotated[
        Annotated[str, Meta(pattern="^whsec_", examples=["whsec_…"])] | None,
        Meta(description="null, but in the answer that made it."),
    ]
    secret_created_at: Instant
    previous_secret_until: Annotated[
        Instant | None, Meta(description="Until then deliveries are signed with the secret before, too.")
    ]
    created_at: Instant
    updated_at: Instant


class Delivery(msgspec.Struct, rename="camel"):
    """An event that a receiver did not take at the first attempt."""

    id: Id
    webhook_id: Id
    event_id: Id
    status: DeliveryStatus
    attempts: Annotated[int, Meta(ge=0)]
    next_attempt_at: Annotated[Instant | None, Meta(description="null: it is over.")]
    response_status: Annotated[int | None, Meta(description="Of the last answer; null: there was none.")]
    error: Annotated[str | None, Meta(description="Why the last attempt failed; null: it did not.")]
    event: Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"}, description="As it is sent.")]
    created_at: Instant
    updated_at: Instant


class DeliveryFilters(msgspec.Struct, rename="camel"):
    """The filters of the list."""

    status: DeliveryStatus | UnsetType = UNSET


_CODES: Final = ("webhook_not_found", "asset_forbidden")

OPERATIONS: Final = {
    "POST /webhooks": Operation(
        summary="Make a webhook",
        tag=_TAG,
        description="Events are sent from this moment on. The secret is shown in this answer only.",
        answer=Webhook,
        status=201,
        body=WebhookBody,
        key="optional",
        codes=("asset_forbidden", "asset_type_not_found"),
    ),
    "GET /webhooks": Operation(summary="All webhooks", tag=_TAG, description="Newest first.", answer=list[Webhook]),
    "GET /webhooks/{id}": Operation(summary="A webhook", tag=_TAG, answer=Webhook, codes=_CODES),
    "PATCH /webhooks/{id}": Operation(
        summary="Change a webhook: pause it, resume it, send it elsewhere",
        tag=_TAG,
        description="Only the fields that are sent are changed.",
        answer=Webhook,
        body=ChangeWebhookBody,
        key="optional",
        codes=(*_CODES, "asset_type_not_found"),
    ),
    "DELETE /webhooks/{id}": Operation(
        summary="End a webhook",
        tag=_TAG,
        description="For ever, with what it has not delivered.",
        answer=Webhook,
        key="optional",
        codes=_CODES,
    ),
    "POST /webhooks/{id}/rotate-secret": Operation(
        summary="Give a webhook another secret",
        tag=_TAG,
        description="It is shown in this answer only. For 24 hours deliveries are signed with both.",
        answer=Webhook,
        body=RotationBody,
        body_required=False,
        key="optional",
        codes=_CODES,
    ),
    "GET /webhooks/{id}/history": Operation(
        summary="A webhook's changes", tag=_TAG, description="Newest first.", answer=Change, paging="page", codes=_CODES
    ),
    "GET /webhooks/{id}/deliveries": Operation(
        summary="The events that a receiver did not take at the first attempt",
        tag=_TAG,
        description="Newest first. By page, the newest 10,000 that match can be reached.",
        answer=Delivery,
        paging="cursor",
        query=DeliveryFilters,
        codes=_CODES,
    ),
    "POST /webhooks/{id}/deliveries/{deliveryId}/redeliver": Operation(
        summary="Send an event again",
        tag=_TAG,
        description="At once, with all the attempts of a new one.",
        answer=Delivery,
        key="optional",
        codes=(*_CODES, "delivery_not_found"),
    ),
}
