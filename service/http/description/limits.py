"""Spending limits of wallets, budgets of assets and their campaigns."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from service.http.description.accounts import Change
from service.http.description.operation import Operation
from service.http.fields import Id, Instant, Number, OptionalNumber, RuleName, Text
from service.http.limits import BudgetBody, CampaignBody, SpendingLimitBody

_LIMITS: Final = "Spending limits"
_BUDGETS: Final = "Budgets"

_Any = Annotated[OptionalNumber, Meta(description="null: any.")]


class SpendingLimit(msgspec.Struct, rename="camel", kw_only=True):
    """How much, and how often, may be debited from a wallet within any period of a length."""

    id: Id
    name: RuleName
    account_id: Annotated[Id | None, Meta(description="null: each wallet of the asset.")]
    asset_type_id: Id
    period_seconds: Annotated[int, Meta(ge=1)]
    amount_max: _Any
    count_max: Annotated[int | None, Meta(description="null: any.")]


class SpendingLimitLeft(SpendingLimit, kw_only=True):
    """A spending limit, with what it leaves a wallet now."""

    amount_available: Annotated[OptionalNumber, Meta(description="null: not limited.")]
    count_available: Annotated[int | None, Meta(description="null: not limited.")]


class Budget(msgspec.Struct, rename="camel"):
    """How much of an asset may be issued: in all, or for a campaign."""

    id: Id
    asset_type_id: Id
    campaign: Annotated[RuleName | None, Meta(description="null: the asset's budget.")]
    amount_max: _Any
    issued: Number
    available: _Any
    valid_from: Instant | None
    valid_until: Instant | None


def _set_limit(of: str, *codes: str) -> Operation:
    return Operation(
        summary=f"Set a spending limit of {of}",
        tag=_LIMITS,
        description="Without `amountMax` and `countMax` it is lifted. The same request again changes nothing.",
        answer=SpendingLimit,
        body=SpendingLimitBody,
        key="optional",
        path={"name": RuleName},
        codes=("asset_forbidden", *codes),
    )


def _history(of: str, tag: str, *codes: str, named: bool = True) -> Operation:
    return Operation(
        summary=f"The changes of {of}",
        tag=tag,
        description="Newest first.",
        answer=Change,
        paging="page",
        # Any: one that never was has no history.
        path={"name": Text} if named else {},
        codes=("asset_forbidden", *codes),
    )


_OF_ACCOUNT: Final = ("account_not_found", "not_a_wallet")
_OF_ASSET: Final = ("asset_type_not_found",)

OPERATIONS: Final = {
    "PUT /accounts/{id}/spending-limits/{name}": _set_limit("a wallet", *_OF_ACCOUNT),
    "GET /accounts/{id}/spending-limits": Operation(
        summary="The spending limits that a wallet must keep, and what they leave it",
        tag=_LIMITS,
        answer=list[SpendingLimitLeft],
        codes=("asset_forbidden", *_OF_ACCOUNT),
    ),
    "GET /accounts/{id}/spending-limits/{name}/history": _history("a wallet's spending limit", _LIMITS, *_OF_ACCOUNT),
    "PUT /asset-types/{id}/spending-limits/{name}": _set_limit("each wallet of an asset", *_OF_ASSET),
    "GET /asset-types/{id}/spending-limits": Operation(
        summary="The spending limits of each wallet of an asset",
        tag=_LIMITS,
        answer=list[SpendingLimit],
        codes=("asset_forbidden", *_OF_ASSET),
    ),
    "GET /asset-types/{id}/spending-limits/{name}/history": _history("an asset's spending limit", _LIMITS, *_OF_ASSET),
    "PUT /asset-types/{id}/budget": Operation(
        summary="Set how much of an asset may be issued in all",
        tag=_BUDGETS,
        answer=Budget,
        body=BudgetBody,
        key="optional",
        codes=("asset_forbidden", *_OF_ASSET),
    ),
    "GET /asset-types/{id}/budgets": Operation(
        summary="The budgets of an asset and its campaigns",
        tag=_BUDGETS,
        answer=list[Budget],
        codes=("asset_forbidden", *_OF_ASSET),
    ),
    "GET /asset-types/{id}/budget/history": _history("an asset's budget", _BUDGETS, *_OF_ASSET, named=False),
    "PUT /asset-types/{id}/campaigns/{name}": Operation(
        summary="Make or change a campaign",
        tag=_BUDGETS,
        description="A budget of its own for the top-ups and bonuses that name it.",
        answer=Budget,
        body=CampaignBody,
        key="optional",
        path={"name": RuleName},
        codes=("asset_forbidden", *_OF_ASSET),
    ),
    "GET /asset-types/{id}/campaigns/{name}/history": _history("a campaign", _BUDGETS, *_OF_ASSET),
}
