"""The real `wallet serve` command: signals, its log, its role, and what it refuses to start with."""

import asyncio
import json
import re
import signal
import socket
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import Connect, StartService
from tests.http.api import NOBODY, PREFIX, Api, Wallet, new_key
from tests.http.waiting import settled, until, until_waiting
from tests.support.database import Databases
from tests.support.ledger import Ledger
from tests.support.process import ServiceProcess, run_wallet

pytestmark = pytest.mark.anyio

BEHIND = "The database is behind this release: run `wallet migrate`."


def session(service: ServiceProcess) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(service.base_url, connector=aiohttp.TCPConnector(limit=0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_what_is_in_flight_end(
    start_service: StartService, seeded_url: str, books: Ledger, connect: Connect, number: signal.Signals
) -> None:
    """A posting and a read in the database, 39 postings that wait: all answered after the signal; exit code 0."""
    holder = connect(seeded_url)
    with start_service(seeded_url, QUEUE_SIZE="39") as service:
        async with session(service) as client:
            api = Api(client)
            wallet = await api.wallet()
            with holder.transaction():
                holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
                holder.execute("LOCK TABLE wallet.transaction_blocks IN ACCESS EXCLUSIVE MODE")
                calls = [asyncio.ensure_future(call) for call in (wallet.top_up("1"), api.get("/transactions"))]
                await until_waiting(books.connection, "wallet.posting_gate")
                await until_waiting(books.connection, "wallet.transaction_blocks")
                # The refusals show that the queue is full, so that the others have been read and wait.
                refused, waiting = await settled([wallet.top_up("1") for _ in range(45)], 6)
                assert {answer.status for answer in refused} == {503}
                service.send_signal(number)
                await until(lambda: refuses_connections(service), "nobody new is let in")
                assert not any(call.done() for call in [*calls, *waiting])
            answers = await asyncio.gather(*calls, *waiting)
        assert [answer.status for answer in answers] == [201, 200] + [201] * 39
        assert await asyncio.to_thread(service.wait) == 0
        assert "Traceback" not in service.log.read_text()
    assert books.balance(wallet.uuid) == 40
    assert books.problems() == {}


async def refuses_connections(service: ServiceProcess) -> bool:
    host, _, port = service.base_url.removeprefix("http://").partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionError:
        return True
    writer.close()
    return False


async def test_a_signal_under_load(service_process: ServiceProcess, books: Ledger) -> None:
    """SIGTERM while 32 callers post without a pause: what was answered 201 is in the books, nothing else is."""
    posted: Counter[int] = Counter()
    async with session(service_process) as client:
        wallet = await Api(client).wallet()
        enough = asyncio.Event()

        async def post_on() -> None:
            try:
                while True:
                    posted[(await wallet.top_up("1")).status] += 1
                    if posted[201] >= 100:
                        enough.set()
            except aiohttp.ClientError:
                return  # the line was closed, or nobody listens any more

        callers = [asyncio.create_task(post_on()) for _ in range(32)]
        await enough.wait()
        service_process.send_signal(signal.SIGTERM)
        await asyncio.gather(*callers)
    assert await asyncio.to_thread(service_process.wait) == 0
    assert set(posted) == {201}
    assert books.balance(wallet.uuid) == posted[201], "each 201 is a posting, and each posting was answered"
    assert books.problems() == {}
    log = service_process.log.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log


async def test_a_killed_service_loses_nothing_it_answered(
    start_service: StartService, seeded_url: str, books: Ledger
) -> None:
    """kill -9 under load: every 201 is in the books; the rest is settled by sending the same keys to a new process."""
    keys: dict[str, bool] = {}
    with start_service(seeded_url) as service:
        async with session(service) as client:
            wallet = await Api(client).wallet()
            enough = asyncio.Event()

            async def post_on() -> None:
                while True:
                    key = new_key()
                    keys[key] = False
                    try:
                        keys[key] = (await wallet.top_up("1", key)).status == 201
                    except aiohttp.ClientError:
                        return
                    if sum(keys.values()) >= 50:
                        enough.set()

            callers = [asyncio.create_task(post_on()) for _ in range(16)]
            await enough.wait()
            service.send_signal(signal.SIGKILL)
            await asyncio.gather(*callers)
            await asyncio.to_thread(service.wait)
    unanswered = [key for key, answered in keys.items() if not answered]
    assert unanswered
    with start_service(seeded_url) as service:
        async with session(service) as client:
            again = Wallet(Api(client), wallet.id, wallet.asset)
            replays = await asyncio.gather(*(again.top_up("1", key) for key in keys))
            assert {answer.status for answer in replays} == {201}
            for key, answer in zip(keys, replays, strict=True):
                assert answer.replayed or not keys[key], "what was answered 201 had been written"
            assert await again.balance() == len(keys)
    assert books.problems() == {}


async def test_the_log_has_a_line_per_request_and_no_bodies(start_service: StartService, seeded_url: str) -> None:
    """Method, path, status, time and id of each request; no body, no key, no query, no password; one line each."""
    secrets = ("s3cret-name", "s3cret-mail", "s3cret-text", "s3cret-meta", "s3cret-key", "s3cret-query", "s3cret-pass")
    url = seeded_url.replace("postgres@", "postgres:s3cret-pass@")
    with start_service(url, LOG_LEVEL="DEBUG") as service:
        async with session(service) as client:
            api = Api(client)
            asset = await api.asset()
            body = {"name": "s3cret-name", "assetTypeId": asset, "email": "s3cret-mail@x.example"}
            wallet = Wallet(api, (await api.post("/accounts", body)).data["id"], asset)
            texts = {"description": "s3cret-text", "metadata": {"s3cret-meta": 1}}
            assert (await wallet.top_up(1, "s3cret-key", **texts)).status == 201
            assert (await wallet.spend(2, "s3cret-key-2", **texts)).status == 422
            assert (await wallet.top_up(0, "s3cret-key-3", **texts)).status == 400
            assert (await api.posting_raw("top-up", b'{"description": "s3cret-text')).status == 400
            assert (await api.get("/transactions", {"type": "s3cret-query"})).status == 400
            forged = "/%0A2026-01-01%2000:00:00,000%20INFO%20wallet.access%20GET%20/forged%20200%0D"
            await api.call("GET", forged, headers={"X-Request-Id": "the-last"})
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        log = service.log.read_text()
    assert [secret for secret in secrets if secret in log] == []
    lines = [one["message"] for one in map(json.loads, log.splitlines()) if one["logger"] == "wallet.access"]
    found = [re.fullmatch(r"(GET|POST) (\S+) (\d{3}) \d+\.\d+ms ([!-~]+)", line) for line in lines]
    assert all(found), lines
    requests = [(one[1], one[2].removeprefix("/api/v1"), one[3]) for one in found if one]
    assert requests[:-1] == [
        ("GET", "/asset-types", "200"),
        ("POST", "/accounts", "201"),
        ("POST", "/transactions/top-up", "201"),
        ("POST", "/transactions/spend", "422"),
        ("POST", "/transactions/top-up", "400"),
        ("POST", "/transactions/top-up", "400"),
        ("GET", "/transactions", "400"),
    ]
    assert lines[-1].endswith(" the-last"), "a line break in a path makes no line of the log"


async def test_the_service_acts_as_the_restricted_role(service_process: ServiceProcess, books: Ledger) -> None:
    """Started by a superuser, its sessions are wallet_service all the same, for reading and for posting."""
    books.connection.execute(
        """
        CREATE OR REPLACE FUNCTION wallet.list_asset_types() RETURNS json LANGUAGE sql SECURITY INVOKER
        RETURN json_build_object('current', current_user, 'session', session_user);
        CREATE OR REPLACE FUNCTION wallet.post_json(p_requests json)
        RETURNS TABLE (outcome text, code text, answer json) LANGUAGE sql SECURITY INVOKER
        AS $$ SELECT 'POSTED', NULL, json_build_object('current', current_user, 'session', session_user) $$;
        """
    )
    async with session(service_process) as client:
        # Not by `Api`, which holds answers to their description.
        body = {"accountId": NOBODY, "assetTypeId": NOBODY, "amount": 1}
        key = {"Idempotency-Key": new_key()}
        for asked in (
            client.get(f"{PREFIX}/asset-types"),
            client.post(f"{PREFIX}/transactions/top-up", json=body, headers=key),
        ):
            async with asked as response:
                assert (await response.json())["data"] == {"current": "wallet_service", "session": "postgres"}


async def test_the_service_cannot_touch_a_table(service_process: ServiceProcess, books: Ledger) -> None:
    """A direct change or read of a table from its sessions fails with 42501; the caller learns nothing of it."""
    statements = (
        "UPDATE wallet.accounts SET balance = balance + 1",
        "INSERT INTO wallet.ledger_entries SELECT * FROM wallet.ledger_entries",
        "DELETE FROM wallet.idempotency_keys",
        "TRUNCATE wallet.transactions",
        "PERFORM * FROM wallet.accounts",
        "CREATE TABLE wallet.mine (a integer)",
    )
    before = books.state()
    async with session(service_process) as client:
        for statement in statements:
            books.connection.execute(
                f"CREATE OR REPLACE FUNCTION wallet.list_asset_types() RETURNS json LANGUAGE plpgsql SECURITY INVOKER"
                f" AS $$ BEGIN {statement}; RETURN '[]'::json; END $$".encode()
            )
            answer = await Api(client).get("/asset-types")
            assert answer.refused == (500, "internal_error"), statement
            assert not re.search(rb"wallet|permission|denied|SQL|42501", answer.body), answer.body
    assert books.state() == before
    assert service_process.log.read_text().count("InsufficientPrivilege") >= len(statements)


async def test_the_service_needs_no_more_than_membership_of_its_role(
    start_service: StartService, seeded_url: str, books: Ledger
) -> None:
    """A login that is only a member of wallet_service serves everything."""
    books.connection.execute("CREATE ROLE only_service LOGIN; GRANT wallet_service TO only_service")
    try:
        with start_service(seeded_url.replace("postgres@", "only_service@")) as service:
            async with session(service) as client:
                api = Api(client)
                wallet = await api.wallet(balance="2")
                assert (await wallet.spend("1")).status == 201
                for path in ("/health", "/transactions", f"/accounts/{wallet.id}", f"/accounts/{wallet.id}/ledger"):
                    assert (await api.get(path)).status == 200
    finally:
        books.connection.execute("DROP ROLE only_service")


def release(books: Ledger, migrations: str, fingerprint: str = "functions_sha256") -> None:
    """Make the database say that another release was applied last."""
    books.connection.execute(
        f"INSERT INTO wallet.releases (migrations, functions_sha256)"
        f" SELECT {migrations}, {fingerprint} FROM wallet.current_release()".encode()
    )


@pytest.mark.parametrize(
    ("migrations", "fingerprint"),
    [("migrations[1:1]", "functions_sha256"), ("'{}'", "functions_sha256"), ("migrations", "repeat('0', 64)")],
    ids=["a migration is missing", "all are missing", "other functions"],
)
def test_a_database_that_is_behind_is_refused(
    tmp_path: Path, seeded_url: str, books: Ledger, migrations: str, fingerprint: str
) -> None:
    """Exit code 1, one sentence that says what to do, nothing on standard output."""
    release(books, migrations, fingerprint)
    done = run_wallet(tmp_path, "serve", DATABASE_URL=seeded_url, PORT="0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", BEHIND + "\n")


def test_a_database_without_a_wallet_is_refused(tmp_path: Path, databases: Databases) -> None:
    """The same for an empty database."""
    url = databases.create("template1")
    try:
        done = run_wallet(tmp_path, "serve", DATABASE_URL=url, PORT="0")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", BEHIND + "\n")
    finally:
        databases.drop(url)


async def test_a_database_that_is_ahead_is_served(start_service: StartService, seeded_url: str, books: Ledger) -> None:
    """A newer release migrated it: served all the same, with a line that says so."""
    release(books, "migrations || ARRAY['9999-newer']", "repeat('0', 64)")
    with start_service(seeded_url) as service:
        async with session(service) as client:
            assert (await Api(client).get("/health")).status == 200
        assert "newer than this release" in service.log.read_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("POOL_SIZE", "0"),
        ("QUEUE_SIZE", "1e3"),
        ("BATCH_SIZE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("HOST", "a b"),
        ("DATABASE_URL", "postgresql://x:s3cret@[/"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, name: str, value: str) -> None:
    """Exit code 2 and one sentence that names the variable, without its password."""
    done = run_wallet(tmp_path, "serve", **{"DATABASE_URL": "postgresql://nowhere.invalid/x", name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(rf"{name} must be [^\n]+\.\n", done.stderr), done.stderr
    assert "s3cret" not in done.stderr


def test_a_database_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Nobody listens there: exit code 1, one sentence, no traceback, no password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://x:s3cret@127.0.0.1:{unused.getsockname()[1]}/x"
        done = run_wallet(tmp_path, "serve", DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The database cannot be reached: [^\n]+\.\n", done.stderr), done.stderr
    assert "s3cret" not in done.stderr


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path, seeded_url: str) -> None:
    """Somebody else listens there: exit code 1 and one sentence that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_wallet(tmp_path, "serve", DATABASE_URL=seeded_url, PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"Port {port} on 127.0.0.1 is in use: set PORT to another one."
    assert "Traceback" not in done.stderr
