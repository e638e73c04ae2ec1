"""The books as a whole: the trial balance, and the feed of all that happens."""

from collections.abc import Sequence
from typing import Final

import msgspec

from wallet_client.calls.paging import ROWS_MAX, query_of
from wallet_client.exchange import Page, Retry, Steps, ask, fetch, resource_of
from wallet_client.postings import Id
from wallet_client.resources import Event, TrialBalance

_WAIT_SECONDS_MAX: Final = 30


class _Place(msgspec.Struct, rename="camel"):
    cursor: str
    has_more: bool


def get_trial_balance(retry: Retry) -> Steps[list[TrialBalance]]:
    """Give the trial balance of each asset, by symbol. It reads every entry there is."""
    return (yield from fetch(retry, list[TrialBalance], "GET", "/trial-balance"))


def list_events(
    retry: Retry,
    place: str,
    *,
    after: Id | None = None,
    types: Sequence[str] | None = None,
    account_id: Id | None = None,
    follow: bool = False,
) -> Steps[Page[Event]]:
    """Give what was committed, oldest first.

    Args:
        retry: how long a request may take.
        place: where the page begins.
        after: the id of the last event that was read, or `now`; from the beginning unless given.
        types: only events of these.
        account_id: only events about this account.
        follow: go on for ever, with what comes as soon as it does; else it ends where the feed does now.
    """
    query = query_of(after=place or after, account_id=account_id, limit=ROWS_MAX)
    if types is not None:
        query["types"] = ",".join(types)
    if follow:
        # The answer must come before the request is given up.
        query["waitSeconds"] = str(int(min(_WAIT_SECONDS_MAX, retry.timeout_seconds * 0.75)))
    answer = yield from ask(retry, "GET", "/events", query=query)
    frame = resource_of(answer.content, _Place)
    return Page(resource_of(answer.data, list[Event]), frame.cursor if frame.has_more or follow else None)
