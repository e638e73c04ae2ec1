"""Refusals, and the one place that maps the database's SQLSTATEs to them.

The database's own codes are published by `wallet.refusals()`; a test holds `DATABASE_REFUSALS` to it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import psycopg
import psycopg_pool

#: SQLSTATE of ours -> (code, HTTP status). The same table as `wallet.refusals()`.
DATABASE_REFUSALS: Final[Mapping[str, tuple[str, int]]] = {
    "WL001": ("validation_failed", 400),
    "WL002": ("idempotency_key_missing", 400),
    "WL003": ("account_not_found", 404),
    "WL004": ("asset_type_not_found", 404),
    "WL005": ("transaction_not_found", 404),
    "WL006": ("external_id_taken", 409),
    "WL007": ("insufficient_balance", 422),
    "WL008": ("asset_mismatch", 422),
    "WL009": ("not_a_wallet", 422),
    "WL010": ("asset_inactive", 422),
    "WL011": ("idempotency_key_reused", 422),
    "WL012": ("append_only", 500),
    "WL013": ("batch_refused", 409),
    "WL014": ("hold_not_found", 404),
    "WL015": ("account_frozen", 422),
    "WL016": ("account_closed", 422),
    "WL017": ("balance_max_exceeded", 422),
    "WL018": ("not_refundable", 422),
    "WL019": ("refund_exceeds_amount", 422),
    "WL020": ("capture_exceeds_hold", 422),
    "WL021": ("hold_captured", 422),
    "WL022": ("hold_voided", 422),
    "WL023": ("hold_expired", 422),
    "WL024": ("expiry_out_of_range", 422),
    "WL025": ("conversion_out_of_range", 422),
    "WL026": ("account_not_empty", 422),
    "WL027": ("credit_limit_too_low", 422),
    "WL028": ("balance_max_too_low", 422),
    "WL029": ("debt_max_too_low", 422),
    "WL030": ("symbol_taken", 409),
    "WL031": ("idempotency_key_not_found", 404),
    "WL032": ("owner_not_found", 404),
    "WL033": ("spending_limit_exceeded", 422),
    "WL034": ("issuance_budget_exceeded", 422),
    "WL035": ("campaign_not_found", 404),
    "WL036": ("campaign_inactive", 422),
    "WL037": ("webhook_not_found", 404),
    "WL038": ("delivery_not_found", 404),
}

#: Code -> HTTP status, for every refusal of the service.
STATUSES: Final[Mapping[str, int]] = {
    **dict(DATABASE_REFUSALS.values()),
    "unauthorized": 401,
    "forbidden": 403,
    "asset_forbidden": 403,
    "route_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "body_too_large": 413,
    "expectation_failed": 417,
    "internal_error": 500,
    "unavailable": 503,
}

#: Codes that no caller may see by name: they would show internals.
_HIDDEN_CODES: Final = frozenset({"append_only"})

#: SQLSTATE classes that mean "not now": connection, resources, operator intervention, system error.
_UNAVAILABLE_CLASSES: Final = frozenset({"08", "53", "57", "58"})

#: Single SQLSTATEs that mean "not now": serialization failure, deadlock, lock not available, read-only server.
_UNAVAILABLE_STATES: Final = frozenset({"40001", "40P01", "55P03", "25006"})

#: Lock not available, query canceled.
_TIMEOUT_STATES: Final = frozenset({"55P03", "57014"})

RETRY_AFTER_SECONDS: Final = 1


class Refusal(Exception):
    """A request that is refused.

    Attributes:
        code: stable snake_case code, a key of `STATUSES`.
        error: a sentence for a person.
        details: `{field: [sentence, …]}` where fields are to blame.
    """

    def __init__(self, code: str, error: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(error)
        self.code = code
        self.error = error
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUSES[self.code]


def validation_failed(details: Mapping[str, list[str]]) -> Refusal:
    """The refusal for wrong fields."""
    return Refusal("validation_failed", "Validation failed", details)


def idempotency_key_missing() -> Refusal:
    """The refusal for a key that is missing, blank or overlong."""
    return Refusal(
        "idempotency_key_missing", "An Idempotency-Key header of 1 to 255 visible ASCII characters is required."
    )


def body_too_large(what: str, limit: str) -> Refusal:
    """The refusal for what is larger than the limit."""
    return Refusal("body_too_large", f"{what} is larger than {limit}.")


def batch_refused(index: int, sentence: str, status: int, body: bytes) -> Refusal:
    """The refusal of an all-or-nothing batch.

    Args:
        index: of the item that is to blame, from 0.
        sentence: why it was refused.
        status: the HTTP status it would have had alone.
        body: JSON text, the body it would have had alone.
    """
    return Refusal(
        "batch_refused",
        f"Item {index} was refused, so nothing was posted: {sentence}",
        {"index": index, "status": status, "body": msgspec.Raw(body)},
    )


def unavailable(error: str = "The wallet is not available now; the same request may be sent again.") -> Refusal:
    """The refusal for a database that is away and for a full queue. Sending the request again is always safe."""
    return Refusal("unavailable", error)


def internal_error() -> Refusal:
    """The refusal for a bug. Says nothing of what happened; the log does."""
    return Refusal("internal_error", "Something went wrong; it has been logged.")


def is_unavailability(error: BaseException) -> bool:
    """Whether the error means that the database cannot answer now, so that trying again makes sense."""
    if isinstance(error, (psycopg_pool.PoolTimeout, psycopg_pool.TooManyRequests, psycopg_pool.PoolClosed)):
        return True
    if isinstance(error, (TimeoutError, OSError)):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        # Without a SQLSTATE it is psycopg's own word that the connection broke or could not be made.
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return error.sqlstate[:2] in _UNAVAILABLE_CLASSES or error.sqlstate in _UNAVAILABLE_STATES


def is_timeout(error: BaseException) -> bool:
    """Whether the database itself gave up waiting: for a lock, or for a statement to end. The connection is well."""
    return isinstance(error, psycopg.Error) and error.sqlstate in _TIMEOUT_STATES


def refusal_of(error: BaseException) -> Refusal:
    """The refusal that answers an error: its own, a mapped one of the database, `unavailable`, or `internal_error`."""
    if isinstance(error, Refusal):
        return error
    if is_unavailability(error):
        return unavailable()
    if isinstance(error, psycopg.Error) and error.sqlstate is not None and error.sqlstate in DATABASE_REFUSALS:
        code, _ = DATABASE_REFUSALS[error.sqlstate]
        if code not in _HIDDEN_CODES:
            detail = error.diag.message_detail
            details = msgspec.json.decode(detail, type=dict[str, object]) if detail else None
            return Refusal(code, error.diag.message_primary or code, details)
    if isinstance(error, psycopg.DataError):
        # The second belt: a value that passed the checks here and that PostgreSQL would not read.
        return validation_failed({"body": ["Holds a value that cannot be stored."]})
    return internal_error()
