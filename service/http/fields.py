"""The types that fields have, each with what the description of the interface says of them.

What stands here beside a type is said, not enforced: values are checked by the bodies' `problems`, by the parameters'
readers and by the database, which name everything that is wrong.
"""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

_NO_NUL: Final = "^[^\\u0000]*$"

#: Decimal numbers as text: at most so many digits before the point and after it.
_AMOUNT: Final = r"^[0-9]{1,14}(\.[0-9]{1,4})?$"
_RATE: Final = r"^[0-9]{1,9}(\.[0-9]{1,12})?$"
_ABOVE_ZERO: Final = r"^(?=[0-9.]*[1-9])"
#: The first number that has a digit too many before the point.
_AMOUNT_END: Final = 10**14
_RATE_END: Final = 10**9

EXAMPLE_ID: Final = "6f1c9a52-0b7e-4f5d-9c3a-2d8e4b7a1f60"


def null() -> msgspec.Raw:
    """JSON's null, as the default of a field that is kept as it was sent."""
    return msgspec.Raw(b"null")


def _text(least: int = 0, most: int | None = None, **more: Any) -> Meta:
    bounds = ({"minLength": least} if least else {}) | ({} if most is None else {"maxLength": most})
    examples = [more.pop("example")] if "example" in more else None
    return Meta(extra_json_schema={"pattern": _NO_NUL, **bounds, **more}, examples=examples)


def _decimal(
    form: str, digits: int, end: int, example: str, description: str, *, zero: bool = False, none: bool = False
) -> Meta:
    number: dict[str, Any] = {"type": "number", "exclusiveMaximum": end}
    number["minimum"] = 0 if zero else 10**-digits
    text = {"type": "string", "pattern": form if zero else _ABOVE_ZERO + form.removeprefix("^")}
    forms = [number, text, *([{"type": "null"}] if none else [])]
    return Meta(description=description, extra_json_schema={"anyOf": forms}, examples=[example])


_AMOUNT_SENT: Final = "A decimal number or string, more than zero: 14 digits before the point and 4 after it, at most."
_LIMIT_SENT: Final = "A decimal number or string, zero or more: 14 digits before the point and 4 after it, at most."

# What is sent.
Amount = Annotated[msgspec.Raw, _decimal(_AMOUNT, 4, _AMOUNT_END, "25.50", _AMOUNT_SENT)]
OptionalAmount = Annotated[msgspec.Raw, _decimal(_AMOUNT, 4, _AMOUNT_END, "25.50", _AMOUNT_SENT, none=True)]
Limit = Annotated[msgspec.Raw, _decimal(_AMOUNT, 4, _AMOUNT_END, "500", _LIMIT_SENT, zero=True)]
OptionalLimit = Annotated[msgspec.Raw, _decimal(_AMOUNT, 4, _AMOUNT_END, "500", _LIMIT_SENT, zero=True, none=True)]
Rate = Annotated[
    msgspec.Raw,
    _decimal(
        _RATE,
        12,
        _RATE_END,
        "0.333333",
        "A decimal number or string, more than zero: 9 digits before the point and 12 after it, at most.",
    ),
]
Metadata = Annotated[
    msgspec.Raw,
    Meta(
        description="A JSON object, at most 32 levels deep, without NUL and without numbers of more than 300 digits.",
        extra_json_schema={"type": ["object", "null"]},
        examples=[{"shop": "web"}],
    ),
]
Text = Annotated[str, _text()]
Name = Annotated[str, _text(1, 255, example="Alice")]
OwnName = Annotated[str, _text(1, 255, example="USER_ALICE_GC")]
Email = Annotated[str, _text(3, 320, example="alice@example.com")]
Reason = Annotated[str, _text(1, 1000, example="ticket 7")]
ReferenceId = Annotated[str, _text(example="order-1001")]
Description = Annotated[str, _text(example="A gift")]
Id = Annotated[uuid.UUID, Meta(examples=[EXAMPLE_ID])]
OtherId = Annotated[uuid.UUID, Meta(examples=["2b9d4c1e-7a35-4e08-b6f2-91c0d5e8a374"])]
IdempotencyKey = Annotated[
    str,
    Meta(extra_json_schema={"pattern": "^[!-~]{1,255}$"}, examples=["order-1001"], description="Names the request."),
]
#: The name of a spending limit or of a campaign.
RuleName = Annotated[str, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}, examples=["hourly"])]
Future = Annotated[datetime, Meta(tz=True, examples=["2026-11-30T23:59:59Z"])]

# What is answered.
Number = Annotated[
    msgspec.Raw, Meta(extra_json_schema={"type": "number"}, examples=[25.5], description="Exact: read it as a decimal.")
]
OptionalNumber = Annotated[
    msgspec.Raw,
    Meta(extra_json_schema={"type": ["number", "null"]}, examples=[500], description="Exact: read it as a decimal."),
]
Instant = Annotated[datetime, Meta(tz=True, examples=["2026-11-23T12:00:00.000000Z"])]
AnyObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
PostedBy = Annotated[str, Meta(examples=["key:0123456789ab"])]
EventType = Literal[
    "transaction.posted",
    "hold.created",
    "hold.voided",
    "hold.expired",
    "account.opened",
    "account.changed",
    "asset_type.created",
    "asset_type.changed",
    "spending_limit.created",
    "spending_limit.changed",
    "budget.created",
    "budget.changed",
]
