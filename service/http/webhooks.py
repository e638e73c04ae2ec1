"""Bodies of the requests that make and change webhooks. What a field may hold is checked by the database too."""

from typing import Annotated, Any, ClassVar, Final, get_args

import msgspec
import yarl
from msgspec import UNSET, UnsetType

from service.http.bodies import RequestBody
from service.http.changes import ChangeBody
from service.http.fields import EventType, Id, Reason
from service.refusals import validation_failed
from service.webhooks.targets import address_of, is_public

_URL_ERROR: Final = "Must be an http or https URL of at most 2048 characters, without user, password and fragment."
_TYPES_ERROR: Final = "Must be null or a list of 1 to 100 types of events."
_ASSETS_ERROR: Final = "Must be null or a list of 1 to 1000 ids of asset types."
_URL_LENGTH_MAX: Final = 2048

Url = Annotated[
    str,
    msgspec.Meta(
        description="Where events are sent to.",
        extra_json_schema={"pattern": "^https?://", "maxLength": _URL_LENGTH_MAX},
        examples=["https://shop.example/wallet-events"],
    ),
]
Note = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 255}, examples=["the shop's"])]
EventTypes = Annotated[
    list[Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(get_args(EventType))})]],
    msgspec.Meta(
        description="The only types of events that are sent; null: all.",
        extra_json_schema={"minItems": 1, "maxItems": 100},
        examples=[["transaction.posted"]],
    ),
]
AssetTypeIds = Annotated[
    list[Id],
    msgspec.Meta(
        description="The only asset types whose events are sent; null: all.",
        extra_json_schema={"minItems": 1, "maxItems": 1000},
    ),
]

_TYPE_ERRORS: Final = {"event_types": _TYPES_ERROR, "asset_type_ids": _ASSETS_ERROR}


class WebhookBody(RequestBody):
    """Body of POST /webhooks."""

    type_errors: ClassVar = _TYPE_ERRORS

    url: Url
    description: Note | None = None
    event_types: EventTypes | None = None
    asset_type_ids: AssetTypeIds | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and a URL that is none."""
        return super().problems() | _list_problems(self.event_types) | _url_problems(self.url)

    def values(self) -> dict[str, Any]:
        """The fields, by their names in JSON, for the database."""
        return {
            "url": self.url,
            "description": self.description,
            "eventTypes": self.event_types,
            "assetTypeIds": self.asset_type_ids,
        }


class ChangeWebhookBody(ChangeBody, kw_only=True):
    """Body of PATCH /webhooks/{id}."""

    type_errors: ClassVar = _TYPE_ERRORS

    status: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["ACTIVE", "PAUSED"]})] | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    description: Note | UnsetType | None = UNSET
    event_types: EventTypes | UnsetType | None = UNSET
    asset_type_ids: AssetTypeIds | UnsetType | None = UNSET

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and a URL that is none."""
        return super().problems() | _list_problems(self.event_types) | _url_problems(self.url)


class RotationBody(RequestBody):
    """Body of POST /webhooks/{id}/rotate-secret, which need not be there."""

    reason: Reason | None = None


def check_target(url: str | UnsetType) -> None:
    """Refuses a URL that anybody can see to lead to no public address. A name is looked at when it is connected to.

    Raises:
        Refusal: validation_failed.
    """
    host = "" if isinstance(url, UnsetType) else (yarl.URL(url).host or "")
    try:
        is_forbidden = not is_public(address_of(host))
    except ValueError:
        is_forbidden = host.rstrip(".").lower() == "localhost"
    if is_forbidden:
        raise validation_failed({"url": ["Must lead to a public address: WEBHOOK_TARGETS is not any."]})


def _url_problems(url: str | UnsetType | None) -> dict[str, list[str]]:
    # None: it was not there, which is told already.
    if isinstance(url, UnsetType) or url is None:
        return {}
    try:
        parts = yarl.URL(url)
        is_good = (
            parts.scheme in {"http", "https"}
            and bool(parts.host)
            and parts.explicit_port != 0
            and len(url) <= _URL_LENGTH_MAX
            and url.isprintable()
            and not {" ", "#", "\\"} & set(url)
            and "@" not in parts.raw_authority
        )
    except ValueError:
        is_good = False
    return {} if is_good else {"url": [_URL_ERROR]}


def _list_problems(event_types: list[str] | UnsetType | None) -> dict[str, list[str]]:
    if isinstance(event_types, list) and any("\x00" in one for one in event_types):
        return {"eventTypes": [_TYPES_ERROR]}
    return {}
