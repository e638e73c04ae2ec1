"""Bodies of the requests that make or change what is no posting.

What a field may hold is checked by the database, which names every wrong one; here only what JSON and types can say.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from service.http.amounts import LIMIT_ERROR, parse_limit
from service.http.bodies import RequestBody

#: A limit that was not sent.
NOT_SENT: Final = msgspec.Raw(b"")

_LIMITS: Final = ("credit_limit", "balance_max", "debt_max")


class AssetTypeBody(RequestBody):
    """Body of POST /asset-types."""

    symbol: str
    name: str
    description: str | None = None
    decimals: int = 4

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

    reason: str

    def values(self) -> dict[str, Any]:
        """The fields that were sent, by their names in JSON, for the database."""
        fields = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        sent = {encode_name: getattr(self, name) for name, encode_name in fields if name != "reason"}
        return {name: value for name, value in sent.items() if value is not UNSET}


class ChangeAssetTypeBody(ChangeBody, kw_only=True):
    """Body of PATCH /asset-types/{id}."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ChangeAccountBody(ChangeBody, kw_only=True):
    """Body of PATCH /accounts/{id}. The limits stay as they were sent."""

    status: str | UnsetType = UNSET
    credits_allowed: bool | UnsetType = UNSET
    credit_limit: msgspec.Raw = NOT_SENT
    balance_max: msgspec.Raw = NOT_SENT
    debt_max: msgspec.Raw = NOT_SENT
    name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    owner_id: str | UnsetType | None = UNSET

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
