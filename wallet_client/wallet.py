"""The two flavours of the client: `Wallet` waits, `AsyncWallet` is awaited. They have the same methods."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Concatenate, Final, ParamSpec, Self, TypeVar, cast

import httpx2

from wallet_client import postings
from wallet_client.calls import accounts, asset_types, books, limits, transactions
from wallet_client.exchange import Lost, Page, Pause, Reply, Request, Retry, Steps
from wallet_client.resources import Hold, Transaction

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS: Final = 20.0
"""Longer than the service lets a posting wait, so that its answer is not missed."""

DEADLINE_SECONDS: Final = 60.0

# The fault of the caller: nothing was sent, and sending it again would change nothing.
_WRONG_USE: Final = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)

_post_top_up = transactions.posting(postings.top_up, Transaction)
_post_bonus = transactions.posting(postings.bonus, Transaction)
_post_spend = transactions.posting(postings.spend, Transaction)
_post_transfer = transactions.posting(postings.transfer, Transaction)
_post_journal = transactions.posting(postings.journal, Transaction)
_post_conversion = transactions.posting(postings.convert, Transaction)
_post_refund = transactions.posting(postings.refund, Transaction)
_post_hold = transactions.posting(postings.hold, Hold)
_post_capture = transactions.posting(postings.capture, Transaction)
_post_void = transactions.posting(postings.void, Hold)


def _waited(build: Callable[Concatenate[Retry, P], Steps[T]]) -> "Callable[Concatenate[Wallet, P], T]":
    def method(self: "Wallet", /, *arguments: P.args, **options: P.kwargs) -> T:
        return self._run(build(self._retry, *arguments, **options))

    functools.update_wrapper(method, build)
    return method


def _listed(
    build: Callable[Concatenate[Retry, str, P], Steps[Page[T]]],
) -> "Callable[Concatenate[Wallet, P], Iterator[T]]":
    def method(self: "Wallet", /, *arguments: P.args, **options: P.kwargs) -> Iterator[T]:
        place: str | None = ""
        while place is not None:
            page = self._run(build(self._retry, place, *arguments, **options))
            yield from page.items
            place = page.next_place

    functools.update_wrapper(method, build)
    return method


def _awaited(build: Callable[Concatenate[Retry, P], Steps[T]]) -> "Callable[Concatenate[AsyncWallet, P], Awaitable[T]]":
    async def method(self: "AsyncWallet", /, *arguments: P.args, **options: P.kwargs) -> T:
        return await self._run(build(self._retry, *arguments, **options))

    functools.update_wrapper(method, build)
    return method


def _listed_async(
    build: Callable[Concatenate[Retry, str, P], Steps[Page[T]]],
) -> "Callable[Concatenate[AsyncWallet, P], AsyncIterator[T]]":
    async def method(self: "AsyncWallet", /, *arguments: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        place: str | None = ""
        while place is not None:
            page = await self._run(build(self._retry, place, *arguments, **options))
            for item in page.items:
                yield item
            place = page.next_place

    functools.update_wrapper(method, build)
    return method


class Wallet:
    """A wallet service, for programs that wait for answers. May be used by several threads.

    Args:
        url: of its API, as `wallet serve` prints it: http://127.0.0.1:3000/api/v1.
        token: an API key's; None where none is required.
        timeout_seconds: for an attempt to go on without a byte sent or received.
        deadline_seconds: for a call with all its attempts; then `Unanswered` is raised.
        http: a client of your own, for certificates or proxies, which you close yourself.

    Its methods raise `Refused` and `Unanswered`. Lists are iterators, which fetch as they go.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
        http: httpx2.Client | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = _headers(token)
        self._retry = Retry(timeout_seconds, deadline_seconds)
        self._own = httpx2.Client() if http is None else None
        self._http = http or cast(httpx2.Client, self._own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()

    list_asset_types = _waited(asset_types.list_asset_types)
    create_asset_type = _waited(asset_types.create_asset_type)
    change_asset_type = _waited(asset_types.change_asset_type)
    list_asset_type_changes = _listed(asset_types.list_asset_type_changes)

    create_account = _waited(accounts.create_account)
    change_account = _waited(accounts.change_account)
    get_account = _waited(accounts.get_account)
    get_balance = _waited(accounts.get_balance)
    get_balance_at = _waited(accounts.get_balance_at)
    get_statement = _waited(accounts.get_statement)
    get_owner_balances = _waited(accounts.get_owner_balances)
    list_accounts = _listed(accounts.list_accounts)
    list_entries = _listed(accounts.list_entries)
    list_account_changes = _listed(accounts.list_account_changes)

    top_up = _waited(_post_top_up)
    bonus = _waited(_post_bonus)
    spend = _waited(_post_spend)
    transfer = _waited(_post_transfer)
    journal = _waited(_post_journal)
    convert = _waited(_post_conversion)
    refund = _waited(_post_refund)
    hold = _waited(_post_hold)
    capture = _waited(_post_capture)
    void = _waited(_post_void)
    post = _waited(transactions.post)
    dry_run = _waited(transactions.dry_run)
    post_batch = _waited(transactions.post_batch)
    dry_run_batch = _waited(transactions.dry_run_batch)

    get_transaction = _waited(transactions.get_transaction)
    list_transaction_entries = _waited(transactions.list_transaction_entries)
    list_transactions = _listed(transactions.list_transactions)
    get_hold = _waited(transactions.get_hold)
    list_holds = _listed(transactions.list_holds)
    get_idempotency_key = _waited(transactions.get_idempotency_key)

    set_account_limit = _waited(limits.set_account_limit)
    list_account_limits = _waited(limits.list_account_limits)
    list_account_limit_changes = _listed(limits.list_account_limit_changes)
    set_asset_limit = _waited(limits.set_asset_limit)
    list_asset_limits = _waited(limits.list_asset_limits)
    list_asset_limit_changes = _listed(limits.list_asset_limit_changes)
    set_budget = _waited(limits.set_budget)
    set_campaign = _waited(limits.set_campaign)
    list_budgets = _waited(limits.list_budgets)
    list_budget_changes = _listed(limits.list_budget_changes)
    list_campaign_changes = _listed(limits.list_campaign_changes)

    get_trial_balance = _waited(books.get_trial_balance)
    list_events = _listed(books.list_events)

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = steps.send(None)
                else:
                    step = steps.send(self._send(step))
        except StopIteration as end:
            return cast(T, end.value)

    def _send(self, request: Request) -> Reply | Lost:
        try:
            response = self._http.request(
                request.method,
                self._url + request.path,
                params=request.query,
                headers={**self._headers, **request.headers},
                content=request.content,
                timeout=request.timeout_seconds,
            )
        except httpx2.TransportError as error:
            return _lost(error)
        return _reply(response)


class AsyncWallet:
    """A wallet service, for programs that use asyncio.

    As `Wallet`, with methods that are awaited, and lists for `async for`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = _headers(token)
        self._retry = Retry(timeout_seconds, deadline_seconds)
        self._own = httpx2.AsyncClient() if http is None else None
        self._http = http or cast(httpx2.AsyncClient, self._own)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            await self._own.aclose()

    list_asset_types = _awaited(asset_types.list_asset_types)
    create_asset_type = _awaited(asset_types.create_asset_type)
    change_asset_type = _awaited(asset_types.change_asset_type)
    list_asset_type_changes = _listed_async(asset_types.list_asset_type_changes)

    create_account = _awaited(accounts.create_account)
    change_account = _awaited(accounts.change_account)
    get_account = _awaited(accounts.get_account)
    get_balance = _awaited(accounts.get_balance)
    get_balance_at = _awaited(accounts.get_balance_at)
    get_statement = _awaited(accounts.get_statement)
    get_owner_balances = _awaited(accounts.get_owner_balances)
    list_accounts = _listed_async(accounts.list_accounts)
    list_entries = _listed_async(accounts.list_entries)
    list_account_changes = _listed_async(accounts.list_account_changes)

    top_up = _awaited(_post_top_up)
    bonus = _awaited(_post_bonus)
    spend = _awaited(_post_spend)
    transfer = _awaited(_post_transfer)
    journal = _awaited(_post_journal)
    convert = _awaited(_post_conversion)
    refund = _awaited(_post_refund)
    hold = _awaited(_post_hold)
    capture = _awaited(_post_capture)
    void = _awaited(_post_void)
    post = _awaited(transactions.post)
    dry_run = _awaited(transactions.dry_run)
    post_batch = _awaited(transactions.post_batch)
    dry_run_batch = _awaited(transactions.dry_run_batch)

    get_transaction = _awaited(transactions.get_transaction)
    list_transaction_entries = _awaited(transactions.list_transaction_entries)
    list_transactions = _listed_async(transactions.list_transactions)
    get_hold = _awaited(transactions.get_hold)
    list_holds = _listed_async(transactions.list_holds)
    get_idempotency_key = _awaited(transactions.get_idempotency_key)

    set_account_limit = _awaited(limits.set_account_limit)
    list_account_limits = _awaited(limits.list_account_limits)
    list_account_limit_changes = _listed_async(limits.list_account_limit_changes)
    set_asset_limit = _awaited(limits.set_asset_limit)
    list_asset_limits = _awaited(limits.list_asset_limits)
    list_asset_limit_changes = _listed_async(limits.list_asset_limit_changes)
    set_budget = _awaited(limits.set_budget)
    set_campaign = _awaited(limits.set_campaign)
    list_budgets = _awaited(limits.list_budgets)
    list_budget_changes = _listed_async(limits.list_budget_changes)
    list_campaign_changes = _listed_async(limits.list_campaign_changes)

    get_trial_balance = _awaited(books.get_trial_balance)
    list_events = _listed_async(books.list_events)

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = steps.send(None)
                else:
                    step = steps.send(await self._send(step))
        except StopIteration as end:
            return cast(T, end.value)

    async def _send(self, request: Request) -> Reply | Lost:
        try:
            response = await self._http.request(
                request.method,
                self._url + request.path,
                params=request.query,
                headers={**self._headers, **request.headers},
                content=request.content,
                timeout=request.timeout_seconds,
            )
        except httpx2.TransportError as error:
            return _lost(error)
        return _reply(response)


def _headers(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _reply(response: httpx2.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)


def _lost(error: httpx2.TransportError) -> Lost:
    if isinstance(error, _WRONG_USE):
        raise error
    return Lost(f"The wallet did not answer: {str(error) or type(error).__name__}")
