"""The service's table of refusals is the database's."""

from service.refusals import DATABASE_REFUSALS, STATUSES
from tests.support.ledger import Ledger


def test_the_service_knows_each_refusal_of_the_database(ledger: Ledger) -> None:
    """DATABASE_REFUSALS has the SQLSTATEs, codes and statuses of wallet.refusals(), no more and no fewer."""
    rows = ledger.connection.execute("SELECT sqlstate, code, http_status FROM wallet.refusals()").fetchall()
    assert {state: (code, status) for state, code, status in rows} == DATABASE_REFUSALS
    assert len(rows) == len(DATABASE_REFUSALS), "each SQLSTATE once"
    assert len({code for _, code, _ in rows}) == len(rows), "each code once"


def test_each_refusal_of_the_contract_has_its_status() -> None:
    """Every code of the contract's table is known, with the status the contract gives it."""
    contract = {
        "validation_failed": 400,
        "idempotency_key_missing": 400,
        "account_not_found": 404,
        "asset_type_not_found": 404,
        "transaction_not_found": 404,
        "route_not_found": 404,
        "method_not_allowed": 405,
        "body_too_large": 413,
        "external_id_taken": 409,
        "insufficient_balance": 422,
        "asset_mismatch": 422,
        "not_a_wallet": 422,
        "asset_inactive": 422,
        "idempotency_key_reused": 422,
        "unavailable": 503,
    }
    assert contract.items() <= STATUSES.items()
