"""Spending limits, of a wallet or of each wallet of an asset, and budgets."""

from datetime import datetime

from wallet_client.calls.paging import by_page, segment
from wallet_client.exchange import Page, Retry, Steps, fetch
from wallet_client.postings import Amount, Id, checked, given
from wallet_client.resources import Budget, Change, SpendingLimit


def set_account_limit(
    retry: Retry,
    account_id: Id,
    name: str,
    period_seconds: int,
    reason: str,
    *,
    amount_max: Amount | None = None,
    count_max: int | None = None,
) -> Steps[SpendingLimit]:
    """Set what may be debited from a wallet within a period; without a maximum the limit is lifted."""
    return (
        yield from _set_limit(
            retry, f"/accounts/{segment(account_id)}", name, period_seconds, reason, amount_max, count_max
        )
    )


def list_account_limits(retry: Retry, account_id: Id) -> Steps[list[SpendingLimit]]:
    """Give the limits a wallet must keep, its asset's among them, and what they leave it now."""
    return (yield from fetch(retry, list[SpendingLimit], "GET", f"/accounts/{segment(account_id)}/spending-limits"))


def list_account_limit_changes(retry: Retry, place: str, account_id: Id, name: str) -> Steps[Page[Change]]:
    """Give the changes of a wallet's limit."""
    path = f"/accounts/{segment(account_id)}/spending-limits/{segment(name)}/history"
    return (yield from by_page(retry, Change, path, place))


def set_asset_limit(
    retry: Retry,
    asset_type_id: Id,
    name: str,
    period_seconds: int,
    reason: str,
    *,
    amount_max: Amount | None = None,
    count_max: int | None = None,
) -> Steps[SpendingLimit]:
    """Set what may be debited from each wallet of an asset within a period; without a maximum the limit is lifted."""
    return (
        yield from _set_limit(
            retry, f"/asset-types/{segment(asset_type_id)}", name, period_seconds, reason, amount_max, count_max
        )
    )


def list_asset_limits(retry: Retry, asset_type_id: Id) -> Steps[list[SpendingLimit]]:
    """Give the limits of each wallet of an asset."""
    return (
        yield from fetch(retry, list[SpendingLimit], "GET", f"/asset-types/{segment(asset_type_id)}/spending-limits")
    )


def list_asset_limit_changes(retry: Retry, place: str, asset_type_id: Id, name: str) -> Steps[Page[Change]]:
    """Give the changes of the limit of each wallet of an asset."""
    path = f"/asset-types/{segment(asset_type_id)}/spending-limits/{segment(name)}/history"
    return (yield from by_page(retry, Change, path, place))


def set_budget(retry: Retry, asset_type_id: Id, reason: str, *, amount_max: Amount | None = None) -> Steps[Budget]:
    """Set how much of an asset may be issued in all; without a maximum, any."""
    body = given(reason=reason, amount_max=_maximum(amount_max))
    return (yield from fetch(retry, Budget, "PUT", f"/asset-types/{segment(asset_type_id)}/budget", body=body))


def set_campaign(
    retry: Retry,
    asset_type_id: Id,
    name: str,
    reason: str,
    *,
    amount_max: Amount | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Steps[Budget]:
    """Make or change a campaign: a budget for the top-ups and bonuses that name it. What is not given has no bound."""
    body = given(reason=reason, amount_max=_maximum(amount_max), valid_from=valid_from, valid_until=valid_until)
    path = f"/asset-types/{segment(asset_type_id)}/campaigns/{segment(name)}"
    return (yield from fetch(retry, Budget, "PUT", path, body=body))


def list_budgets(retry: Retry, asset_type_id: Id) -> Steps[list[Budget]]:
    """Give an asset's budget and its campaigns', by name."""
    return (yield from fetch(retry, list[Budget], "GET", f"/asset-types/{segment(asset_type_id)}/budgets"))


def list_budget_changes(retry: Retry, place: str, asset_type_id: Id) -> Steps[Page[Change]]:
    """Give the changes of an asset's budget."""
    return (yield from by_page(retry, Change, f"/asset-types/{segment(asset_type_id)}/budget/history", place))


def list_campaign_changes(retry: Retry, place: str, asset_type_id: Id, name: str) -> Steps[Page[Change]]:
    """Give the changes of a campaign."""
    path = f"/asset-types/{segment(asset_type_id)}/campaigns/{segment(name)}/history"
    return (yield from by_page(retry, Change, path, place))


def _set_limit(
    retry: Retry,
    owner: str,
    name: str,
    period_seconds: int,
    reason: str,
    amount_max: Amount | None,
    count_max: int | None,
) -> Steps[SpendingLimit]:
    body = given(period_seconds=period_seconds, amount_max=_maximum(amount_max), count_max=count_max, reason=reason)
    return (yield from fetch(retry, SpendingLimit, "PUT", f"{owner}/spending-limits/{segment(name)}", body=body))


def _maximum(amount: Amount | None) -> Amount | None:
    return None if amount is None else checked(amount)
