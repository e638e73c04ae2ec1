"""The bodies that set spending limits and budgets."""

from typing import Annotated, ClassVar, Final

import msgspec

from service.http.amounts import LIMIT_ERROR, parse_limit
from service.http.bodies import RequestBody
from service.http.fields import Instant, OptionalLimit, Reason, null

PERIOD_SECONDS_MAX: Final = 366 * 24 * 60 * 60
COUNT_MAX: Final = 2**63 - 1

_PERIOD_ERROR: Final = f"Must be a whole number, 1 to {PERIOD_SECONDS_MAX}."
_COUNT_ERROR: Final = f"Must be null or a whole number, 0 to {COUNT_MAX}."
_INSTANT_ERROR: Final = "Must be null or an instant in RFC 3339, with its offset from UTC."


class _MaximumBody(RequestBody, kw_only=True):
    """What the bodies share. The maximum stays as it was sent; null, or none: any amount."""

    amount_max: OptionalLimit = msgspec.field(default_factory=null)
    reason: Reason

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and what is wrong with the maximum."""
        found = super().problems()
        if bytes(self.amount_max) != b"null" and parse_limit(bytes(self.amount_max)) is None:
            found["amountMax"] = [LIMIT_ERROR]
        return found

    @property
    def amount(self) -> str | None:
        """The maximum as decimal text; None: any."""
        return parse_limit(bytes(self.amount_max))


def _is_outside(number: int | None, lowest: int, highest: int) -> bool:
    return number is not None and not lowest <= number <= highest


class SpendingLimitBody(_MaximumBody, kw_only=True):
    """Body of the requests that set a spending limit."""

    type_errors: ClassVar = {"period_seconds": _PERIOD_ERROR, "count_max": _COUNT_ERROR}

    period_seconds: Annotated[
        int, msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": PERIOD_SECONDS_MAX}, examples=[3600])
    ]
    count_max: Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": COUNT_MAX})] | None = None

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and numbers out of range."""
        found = super().problems()
        if _is_outside(self.period_seconds, 1, PERIOD_SECONDS_MAX):
            found["periodSeconds"] = [_PERIOD_ERROR]
        if _is_outside(self.count_max, 0, COUNT_MAX):
            found["countMax"] = [_COUNT_ERROR]
        return found


class BudgetBody(_MaximumBody, kw_only=True):
    """Body of PUT /asset-types/{id}/budget."""


class CampaignBody(_MaximumBody, kw_only=True):
    """Body of PUT /asset-types/{id}/campaigns/{name}. The database checks the order of the instants."""

    type_errors: ClassVar = {"valid_from": _INSTANT_ERROR, "valid_until": _INSTANT_ERROR}

    valid_from: Instant | None = None
    valid_until: Instant | None = None
