"""Accounts: opening, changing, finding them, and what is on them."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from wallet_client.calls.asset_types import changes
from wallet_client.calls.paging import by_cursor, by_page, query_of, segment
from wallet_client.exchange import Page, Retry, Steps, fetch
from wallet_client.postings import Amount, Id, checked, given, key_of
from wallet_client.resources import Account, Balance, BalanceAt, Change, Entry, OwnerBalances, Statement


def create_account(
    retry: Retry,
    name: str,
    asset_type_id: Id,
    *,
    external_id: str | None = None,
    owner_id: str | None = None,
    email: str | None = None,
    key: str | None = None,
) -> Steps[Account]:
    """Open a wallet; `external_id`: your own, unique name for it, `owner_id`: your own name for whom it belongs to."""
    body = given(name=name, asset_type_id=asset_type_id, external_id=external_id, owner_id=owner_id, email=email)
    return (yield from fetch(retry, Account, "POST", "/accounts", body=body, key=key_of(key)))


def change_account(
    retry: Retry,
    account_id: Id,
    reason: str,
    *,
    status: str | UnsetType = UNSET,
    credits_allowed: bool | UnsetType = UNSET,
    credit_limit: Amount | UnsetType = UNSET,
    balance_max: Amount | UnsetType | None = UNSET,
    debt_max: Amount | UnsetType = UNSET,
    name: str | UnsetType = UNSET,
    email: str | UnsetType | None = UNSET,
    owner_id: str | UnsetType | None = UNSET,
    key: str | None = None,
) -> Steps[Account]:
    """Freeze, thaw or close a wallet (`status`), set its limits, rename it; what is not given stays as it is."""
    for limit in (credit_limit, balance_max, debt_max):
        if limit is not None and not isinstance(limit, UnsetType):
            checked(limit)
    body = changes(
        reason=reason,
        status=status,
        credits_allowed=credits_allowed,
        credit_limit=credit_limit,
        balance_max=balance_max,
        debt_max=debt_max,
        name=name,
        email=email,
        owner_id=owner_id,
    )
    path = f"/accounts/{segment(account_id)}"
    return (yield from fetch(retry, Account, "PATCH", path, body=body, key=key_of(key)))


def get_account(retry: Retry, account_id: Id) -> Steps[Account]:
    """Give an account."""
    return (yield from fetch(retry, Account, "GET", f"/accounts/{segment(account_id)}"))


def get_balance(retry: Retry, account_id: Id) -> Steps[Balance]:
    """Give what is on an account now."""
    return (yield from fetch(retry, Balance, "GET", f"/accounts/{segment(account_id)}/balance"))


def get_balance_at(retry: Retry, account_id: Id, at: datetime) -> Steps[BalanceAt]:
    """Give what was on an account at an instant, which knows its offset from UTC."""
    return (
        yield from fetch(retry, BalanceAt, "GET", f"/accounts/{segment(account_id)}/balance", query=query_of(at=at))
    )


def get_statement(
    retry: Retry, account_id: Id, from_at: datetime | None = None, to_at: datetime | None = None
) -> Steps[Statement]:
    """Give the entries after `from_at` and up to `to_at`, all in memory: of the whole life up to now unless given."""
    query = {name: at.isoformat() for name, at in (("from", from_at), ("to", to_at)) if at is not None}
    return (yield from fetch(retry, Statement, "GET", f"/accounts/{segment(account_id)}/statement", query=query))


def get_owner_balances(retry: Retry, owner_id: str) -> Steps[OwnerBalances]:
    """Give what an owner has."""
    return (yield from fetch(retry, OwnerBalances, "GET", f"/owners/{segment(owner_id)}/balances"))


def list_accounts(
    retry: Retry,
    place: str,
    *,
    external_id: str | None = None,
    owner_id: str | None = None,
    asset_type_id: Id | None = None,
    status: str | None = None,
    account_type: str | None = None,
) -> Steps[Page[Account]]:
    """Give the accounts that match."""
    query = query_of(
        external_id=external_id,
        owner_id=owner_id,
        asset_type_id=asset_type_id,
        status=status,
        account_type=account_type,
    )
    return (yield from by_cursor(retry, Account, "/accounts", place, query))


def list_entries(retry: Retry, place: str, account_id: Id) -> Steps[Page[Entry]]:
    """Give the debits and credits of an account."""
    return (yield from by_cursor(retry, Entry, f"/accounts/{segment(account_id)}/ledger", place))


def list_account_changes(retry: Retry, place: str, account_id: Id) -> Steps[Page[Change]]:
    """Give the changes of an account; its opening is not among them."""
    return (yield from by_page(retry, Change, f"/accounts/{segment(account_id)}/history", place))
