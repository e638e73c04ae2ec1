"""Who posted: every way in names its caller, and nobody can name another."""

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger, Request
from tests.support.server import Server

LOGIN = "posted_by_login"


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def login(server: Server, database_url: str, connect: Connect) -> Iterator[Connection]:
    """A login that may do what the service and the jobs may."""
    superuser = connect(database_url)
    superuser.execute(f"CREATE ROLE {LOGIN} LOGIN IN ROLE wallet_service, wallet_jobs".encode())
    with psycopg.connect(
        server.database_url(database_url.rpartition("/")[2], user=LOGIN), autocommit=True
    ) as connection:
        yield connection
    superuser.execute(f"DROP ROLE {LOGIN}".encode())


@pytest.fixture
def asset_type_id(ledger: Ledger) -> UUID:
    return ledger.create_asset_type(f"A{uuid4().hex[:8].upper()}")


@pytest.fixture
def wallet(ledger: Ledger, asset_type_id: UUID) -> UUID:
    return ledger.create_wallet(asset_type_id)


def posters(ledger: Ledger, wallet: UUID) -> set[str | None]:
    rows = ledger.connection.execute(
        "SELECT posted_by FROM wallet.transactions WHERE %s IN (source_account_id, dest_account_id)", [wallet]
    )
    return {row[0] for row in rows.fetchall()}


def post_json(
    connection: Connection, wallet: UUID, asset_type_id: UUID, function: str, **fields: object
) -> list[dict[str, object]]:
    """Call what only the service may call, with one request."""
    request = {
        "type": "TOP_UP",
        "idempotency_key": str(uuid4()),
        "account_id": str(wallet),
        "asset_type_id": str(asset_type_id),
        "amount": "1",
        **fields,
    }
    rows = connection.execute(
        sql.SQL("SELECT p.answer FROM wallet.{}(%s::json) AS p").format(sql.Identifier(function)),
        [json.dumps([request])],
    )
    return [row[0] for row in rows.fetchall()]


@pytest.mark.parametrize("role", [None, "wallet_jobs", "wallet_service"])
def test_from_sql_it_is_the_login(
    login: Connection, ledger: Ledger, wallet: UUID, asset_type_id: UUID, role: str | None
) -> None:
    """Whatever role it has set; in every posting function."""
    if role is not None:
        login.execute(f"SET ROLE {role}".encode())
    for function in ("top_up", "bonus", "spend"):
        login.execute(
            sql.SQL("SELECT wallet.{}(%s, %s, 1, %s)").format(sql.Identifier(function)),
            [wallet, asset_type_id, str(uuid4())],
        )
    Ledger(login).post([Request(key=str(uuid4()), account_id=wallet, asset_type_id=asset_type_id, amount=1)])
    assert posters(ledger, wallet) == {f"role:{LOGIN}"}
    rows = ledger.connection.execute(
        "SELECT count(*) FROM wallet.transactions WHERE %s IN (source_account_id, dest_account_id)", [wallet]
    )
    assert rows.fetchone() == (4,)


@pytest.mark.parametrize("function", ["post_json", "post_atomic_json"])
def test_the_service_names_the_key_or_is_named(
    login: Connection, ledger: Ledger, wallet: UUID, asset_type_id: UUID, function: str
) -> None:
    """A request without api_key_id, as the release before sends it, is the login's; so is one with null."""
    login.execute("SET ROLE wallet_service")
    for fields, posted_by in (
        ({}, f"role:{LOGIN}"),
        ({"api_key_id": None}, f"role:{LOGIN}"),
        ({"api_key_id": "3f9ab2c81d04"}, "key:3f9ab2c81d04"),
    ):
        (answer,) = post_json(login, wallet, asset_type_id, function, **fields)
        assert answer["postedBy"] == posted_by
    assert posters(ledger, wallet) == {f"role:{LOGIN}", "key:3f9ab2c81d04"}


def test_each_request_of_a_batch_has_its_own(ledger: Ledger, wallet: UUID, asset_type_id: UUID) -> None:
    """Also when the ones between them are refused, or replayed: the names stay with their requests."""
    names: list[str | None] = ["a" * 12, "b" * 12, None, "c" * 12, "d" * 12]
    spend = {"type": "SPEND", "amount": "1000"}
    requests = [
        {
            "type": "TOP_UP",
            "idempotency_key": f"own-{index if index != 3 else 0}-{wallet}",
            "account_id": str(wallet),
            "asset_type_id": str(asset_type_id),
            "amount": "1",
            **(spend if index == 1 else {}),
            "api_key_id": name,
        }
        for index, name in enumerate(names)
    ]
    rows = ledger.connection.execute(
        "SELECT p.outcome, p.answer ->> 'postedBy' FROM wallet.post_json(%s::json) AS p", [json.dumps(requests)]
    ).fetchall()
    assert rows == [
        ("POSTED", "key:" + "a" * 12),
        ("REFUSED", None),
        ("POSTED", "role:postgres"),
        ("REPLAYED", "key:" + "a" * 12),
        ("POSTED", "key:" + "d" * 12),
    ]


def test_a_job_cannot_post_in_the_name_of_a_key(
    connect: Connect, database_url: str, ledger: Ledger, wallet: UUID, asset_type_id: UUID
) -> None:
    """Neither by the service's functions, nor by the one inside, nor by an attribute of its own making."""
    jobs = connect(database_url, role="wallet_jobs")
    for function in ("post_json", "post_atomic_json"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            post_json(jobs, wallet, asset_type_id, function, api_key_id="3f9ab2c81d04")
    for role in ("wallet_jobs", "wallet_service", "wallet_auditor"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(database_url, role=role).execute(
                "SELECT wallet.post_as(ARRAY[]::wallet.operation[], ARRAY['key:3f9ab2c81d04'])"
            )
    assert posters(ledger, wallet) == set()


def test_what_is_older_than_the_record_has_no_poster(ledger: Ledger, wallet: UUID, connection: Connection) -> None:
    """NULL in the row is null in the answer."""
    posted = ledger.top_up(wallet, 1)
    with connection.transaction(force_rollback=True):
        connection.execute("ALTER TABLE wallet.transactions DISABLE TRIGGER append_only")
        connection.execute("UPDATE wallet.transactions SET posted_by = NULL WHERE id = %s", [posted.id])
        row = connection.execute("SELECT wallet.get_transaction(%s)", [posted.id]).fetchone()
        assert row is not None
        assert row[0]["postedBy"] is None
        assert "posted_by" not in row[0]


@pytest.mark.parametrize("length", [0, 256])
def test_a_name_has_a_bound(connection: Connection, ledger: Ledger, wallet: UUID, length: int) -> None:
    ledger.top_up(wallet, 1)
    with connection.transaction(force_rollback=True):
        connection.execute("ALTER TABLE wallet.transactions DISABLE TRIGGER append_only")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE wallet.transactions SET posted_by = repeat('x', %s)", [length])
