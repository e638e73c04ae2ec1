"""Bodies of the requests that make or change what is no posting.

What a field may hold is checked by the database, which names every wrong one; here only what JSON and types can say.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from service.http.amounts import LIMIT_ERROR, parse_limit
from service.http.bodies import RequestBody
from service.http.fields import Description, Email, Limit, Name, OptionalLimit, OwnName, Reason

#: A limit that was not sent.
NOT_SENT: Final = msgspec.Raw(b"")


def _not_sent() -> msgspec.Raw:
    return NOT_SENT


_LIMITS: Final = ("credit_limit", "balance_max", "debt_max")


class AssetTypeBody(RequestBody):
    """Body of POST /asset-types."""

    symbol: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[A-Z][A-Z0-9]{0,15}$"}, examples=["EN"])]
    name: Name
    description: Description | None = None
    decimals: Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": 4}, examples=[0])] = 4

    type_errors: ClassVar = {"decimals": "Must be 0 to 4."}

    def values(self) -> dict[str, Any]:
        """The fields, for the database."""
        return {
            "symbol": self.symbol,
            "name": self.name,
            "description": self.description,
            "decimals": self.decimals,
        }


class ChangeBody(RequestBody, kw_only=True):
    """Body of a PATCH: the fields to change, and why."""

    reason: Reason

    def values(self) -> dict[str, Any]:
        """The fields that were sent, by their names in JSON, for the database."""
        fields = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        sent = {encode_name: getattr(self, name) for name, encode_name in fields if name != "reason"}
        return {name: value for name, value in sent.items() if value is not UNSET}


class ChangeAssetTypeBody(ChangeBody, kw_only=True):
    """Body of PATCH /asset-types/{id}."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ChangeAccountBody(ChangeBody, kw_only=True):
    """Body of PATCH /accounts/{id}. The limits stay as they were sent."""

    status: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["ACTIVE", "FROZEN", "CLOSED"]})] | UnsetType = UNSET
    credits_allowed: bool | UnsetType = UNSET
    credit_limit: Limit = msgspec.field(default_factory=_not_sent)
    balance_max: OptionalLimit = msgspec.field(default_factory=_not_sent)
    debt_max: Limit = msgspec.field(default_factory=_not_sent)
    name: Name | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    owner_id: OwnName | UnsetType | None = UNSET

    @property
    def has_limits(self) -> bool:
        """Whether a limit is to be changed."""
        return any(bytes(getattr(self, name)) for name in _LIMITS)

    def problems(self) -> dict[str, list[str]]:
        """As in the base, and what is wrong with the limits."""
        found = super().problems()
        for name, encode_name in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            raw = bytes(getattr(self, name)) if name in _LIMITS else b""
            if raw and not (name == "balance_max" and raw == b"null") and parse_limit(raw) is None:
                found[encode_name] = [LIMIT_ERROR]
        return found

    def values(self) -> dict[str, Any]:
        """As in the base, limits as JSON numbers with the digits that were sent."""
        return {
            name: _number(bytes(value)) if isinstance(value, msgspec.Raw) else value
            for name, value in super().values().items()
            if value != NOT_SENT
        }


def _number(raw: bytes) -> msgspec.Raw | None:
    digits = parse_limit(raw)
    return None if digits is None else msgspec.Raw(f"{Decimal(digits):f}".encode("ascii"))
