"""What is said of one route, beside what the route table and the body's structure say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

#: Refusals of what moves an amount on an account, whatever the type.
POSTING_CODES: Final = (
    "asset_forbidden",
    "account_not_found",
    "asset_type_not_found",
    "asset_inactive",
    "account_frozen",
    "account_closed",
    "balance_max_exceeded",
)

#: Refusals of what debits a wallet.
DEBIT_CODES: Final = ("insufficient_balance", "spending_limit_exceeded")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The description of a route.

    Attributes:
        summary: a few words.
        tag: the area it is listed under.
        description: sentences, in Markdown.
        answer: the type of `data`; of one of them, where `paging` is set. A tuple: any of these types. None:
            `media_types` says what is answered.
        status: of a success.
        paging: by page; by page or by cursor; as a feed, with `cursor` and `hasMore`; None: no list with `pagination`.
        media_types: a success is of these media types, without an envelope; beside JSON when there is an `answer`.
        body: the structure the body is decoded into.
        body_required: whether it may not be left out.
        etag: whether the answer to who has it already, by `If-None-Match`, is 304.
        key: whether an Idempotency-Key is required or honoured; None: it is not looked at.
        dry_run: whether `dryRun` is honoured.
        query: a structure whose fields are the query parameters beside those of `paging` and `dry_run`.
        path: types of parameters of the path, where they are no UUIDs.
        codes: refusals, beside those that the other attributes bring with them.
    """

    summary: str
    tag: str
    description: str = ""
    answer: Any = None
    status: int = 200
    paging: Literal["page", "cursor", "feed"] | None = None
    media_types: tuple[str, ...] = ()
    etag: bool = False
    body: type | None = None
    body_required: bool = True
    key: Literal["required", "optional"] | None = None
    dry_run: bool = False
    query: type | None = None
    path: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
