"""Posting, one by one or in batches, dry runs, and what was posted."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec

from wallet_client.calls.paging import by_cursor, query_of, segment
from wallet_client.exchange import Page, Pause, Refusal, Retry, Steps, ask, decoded, fetch, refused, resource_of
from wallet_client.postings import Amount, Draft, Id
from wallet_client.resources import Entry, Hold, ItemAnswer, KeyRecord, Posting, Transaction

P = ParamSpec("P")
T = TypeVar("T")

_UNAVAILABLE: Final = 503
_PAUSE_SECONDS: Final = 1.0


def post(retry: Retry, draft: Draft) -> Steps[Transaction]:
    """Post what was drafted. A hold, also one that is voided, is a `Hold`."""
    answer = yield from ask(retry, "POST", draft.path, body=draft.body, key=draft.idempotency_key)
    return _transaction_of(answer.data, replayed=answer.replayed, key=draft.idempotency_key)


def posting(build: Callable[P, Draft], made: type[T]) -> Callable[Concatenate[Retry, P], Steps[T]]:
    """Make the call that drafts and posts at once."""

    def call(retry: Retry, /, *arguments: P.args, **options: P.kwargs) -> Steps[T]:
        draft = build(*arguments, **options)
        return (yield from fetch(retry, made, "POST", draft.path, body=draft.body, key=draft.idempotency_key))

    functools.update_wrapper(call, build)
    return call


def dry_run(retry: Retry, draft: Draft) -> Steps[Posting]:
    """Give what posting it would give now. Nothing is posted, and the key stays free."""
    query = {"dryRun": "true"}
    path, body, key = draft.path, draft.body, draft.idempotency_key
    return (yield from fetch(retry, Posting, "POST", path, query=query, body=body, key=key))


def post_batch(retry: Retry, drafts: Sequence[Draft], *, atomic: bool = False) -> Steps[list[ItemAnswer[Transaction]]]:
    """Post up to 1,000 drafts in one request, as if one after the other.

    Args:
        retry: how long.
        drafts: the postings.
        atomic: post all of them or none; then one that is refused raises Refused (batch_refused), whose details have
            its index, and the code and details it would have had alone.

    Returns:
        An answer for each draft, in order. Items that the wallet was unavailable for are sent again, with their keys.
    """
    return (yield from _batch(retry, drafts, atomic, {}, _transaction_of))


def dry_run_batch(retry: Retry, drafts: Sequence[Draft], *, atomic: bool = False) -> Steps[list[ItemAnswer[Posting]]]:
    """Give what posting them would give now, as `post_batch`. Nothing is posted, and the keys stay free."""
    return (yield from _batch(retry, drafts, atomic, {"dryRun": "true"}, _preview_of))


def get_transaction(retry: Retry, transaction_id: Id) -> Steps[Transaction]:
    """Give a transaction; a hold is a `Hold`."""
    answer = yield from ask(retry, "GET", f"/transactions/{segment(transaction_id)}")
    return _transaction_of(answer.data)


def list_transaction_entries(retry: Retry, transaction_id: Id) -> Steps[list[Entry]]:
    """Give the debits and credits of a transaction, in the order in which they were asked for."""
    return (yield from fetch(retry, list[Entry], "GET", f"/transactions/{segment(transaction_id)}/entries"))


def list_transactions(
    retry: Retry,
    place: str,
    *,
    account_id: Id | None = None,
    type: str | None = None,  # noqa: A002  # the filter's name
    reference_id: str | None = None,
    asset_type_id: Id | None = None,
    amount_min: Amount | None = None,
    amount_max: Amount | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> Steps[Page[Transaction]]:
    """Give the transactions that match. Both amounts are in the range, `created_to` is not. Holds: `list_holds`."""
    query = query_of(
        account_id=account_id,
        type=type,
        reference_id=reference_id,
        asset_type_id=asset_type_id,
        amount_min=amount_min,
        amount_max=amount_max,
        created_from=created_from,
        created_to=created_to,
    )
    return (yield from by_cursor(retry, Transaction, "/transactions", place, query))


def get_hold(retry: Retry, hold_id: Id) -> Steps[Hold]:
    """Give a hold as it is now."""
    return (yield from fetch(retry, Hold, "GET", f"/holds/{segment(hold_id)}"))


def list_holds(
    retry: Retry, place: str, *, account_id: Id | None = None, status: str | None = None
) -> Steps[Page[Hold]]:
    """Give the holds of an account, or all; `status`: a status or a state."""
    return (yield from by_cursor(retry, Hold, "/holds", place, query_of(account_id=account_id, status=status)))


def get_idempotency_key(retry: Retry, key: str) -> Steps[KeyRecord]:
    """Give what was made under a key.

    Raises:
        Refused: with idempotency_key_not_found: nothing was, at least not yet.
    """
    return (yield from fetch(retry, KeyRecord, "GET", f"/idempotency-keys/{segment(key)}"))


class _Typed(msgspec.Struct):
    type: str


class _Item(msgspec.Struct):
    status: int
    body: msgspec.Raw
    replayed: bool = False


class _Body(msgspec.Struct):
    data: msgspec.Raw


def _transaction_of(data: bytes, *, replayed: bool = False, key: str | None = None) -> Transaction:
    wanted = Hold if resource_of(data, _Typed, key=key).type == "HOLD" else Transaction
    return resource_of(data, wanted, replayed=replayed, key=key)


def _preview_of(data: bytes, *, replayed: bool = False, key: str | None = None) -> Posting:
    return resource_of(data, Posting, replayed=replayed, key=key)


def _batch(
    retry: Retry, drafts: Sequence[Draft], atomic: bool, query: dict[str, str], read: Callable[..., Any]
) -> Steps[list[ItemAnswer[Any]]]:
    until = time.monotonic() + retry.deadline_seconds
    answers: dict[int, ItemAnswer[Any]] = {}
    waiting = list(range(len(drafts)))
    while True:
        body = {"items": [drafts[index].as_item() for index in waiting], "atomic": atomic}
        left = replace(retry, deadline_seconds=until - time.monotonic())
        answer = yield from ask(left, "POST", "/transactions/batch", query=query, body=body)
        items = resource_of(answer.data, list[_Item])
        again = []
        for index, item in zip(waiting, items, strict=True):
            answers[index] = _item_answer(item, drafts[index], read)
            if item.status == _UNAVAILABLE:
                again.append(index)
        if not again or time.monotonic() + _PAUSE_SECONDS >= until:
            return [answers[index] for index in range(len(drafts))]
        yield Pause(_PAUSE_SECONDS)
        waiting = again


def _item_answer(item: _Item, draft: Draft, read: Callable[..., Any]) -> ItemAnswer[Any]:
    if item.status < 300:
        data = bytes(decoded(bytes(item.body), _Body).data)
        return ItemAnswer(read(data, replayed=item.replayed, key=draft.idempotency_key), None)
    return ItemAnswer(None, refused(decoded(bytes(item.body), Refusal), item.status))
