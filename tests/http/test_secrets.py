"""Secrets stay where they belong: a password and tokens that must be met nowhere, on paths that work and that fail.

Looked at: all that the processes say, at the most talkative level; their command lines; what the database shows of
their sessions; the database's own log of every statement.
"""

import base64
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import psycopg
import pytest

from service import resources
from service.migrations import migrate
from tests.cli.test_keys import TOKEN
from tests.conftest import StartService
from tests.http.api import Api, exchange
from tests.http.waiting import until
from tests.support.process import run_wallet
from tests.support.server import Server
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.anyio

PASSWORD = "canaryPassword7Qx"
WRONG_PASSWORD = "canaryPassword8Zy"
WRONG_SECRET = "canarySecret" + "w" * 31


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that asks its logins for passwords and logs every statement."""
    started = Server()
    hba = Path(started.get_data_directory()) / "pg_hba.conf"
    with psycopg.connect(started.database_url(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE deployer LOGIN SUPERUSER PASSWORD '{PASSWORD}'".encode())
        hba.write_text("host all deployer 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        for setting in ("log_statement = 'all'", "log_connections = 'on'", "log_min_messages = 'debug1'"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
        migrate(started.database_url())
        connection.execute(resources.seed_file().read_bytes())
    yield started
    started.stop()


@pytest.fixture
def url(own_server: Server) -> str:
    return own_server.database_url().replace("postgres@", f"deployer:{PASSWORD}@", 1)


def assert_no_canary(text: str, where: str, *tokens: str) -> None:
    found = [one for one in (PASSWORD, WRONG_PASSWORD, WRONG_SECRET, *tokens) if one in text]
    assert found == [], where


def create_key(folder: Path, url: str) -> tuple[str, str]:
    """Make a key by the command; give its token and its secret."""
    done = run_wallet(folder, "keys", "create", "--name", "x", "--scope", "admin", DATABASE_URL=url, LOG_LEVEL="DEBUG")
    token = TOKEN.fullmatch(done.stdout)
    assert token, done.stderr
    assert_no_canary(done.stderr, "standard error of keys create", token[2])
    return token[0].strip(), token[2]


def ask(base_url: str, path: str, authorization: str, **headers: str) -> int:
    request = urllib.request.Request(f"{base_url}/api/v1{path}", headers={"Authorization": authorization, **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            assert_no_canary(error.read().decode() + str(error.headers), path, authorization.partition(" ")[2])
            return error.code


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_service_that_works_and_whose_database_fails(
    tmp_path: Path, url: str, own_server: Server, start_service: StartService, workers: str
) -> None:
    """Good tokens, bad ones, requests that are no HTTP, sessions that are ended, an answer of 500 to nobody."""
    token, secret = create_key(tmp_path, url)
    wrong = token.replace(secret, WRONG_SECRET)
    with start_service(url, LOG_LEVEL="DEBUG", API_KEYS="required", WORKERS=workers) as service:
        base = service.base_url
        assert ask(base, "/transactions", f"Bearer {token}") == 200
        assert ask(base, "/transactions", f"Bearer {wrong}") == 401
        assert ask(base, "/transactions", f"Basic {wrong}") == 401
        assert ask(base, "/nowhere", f"Bearer {token}") == 404
        assert ask(base, "/transactions", f"Bearer {token}", Expect="canary") == 417
        host, port = base.removeprefix("http://").split(":")
        for broken in (
            f"GET /api/v1/transactions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\0\r\n\r\n",
            f"GET /api/v1/transactions HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {token}\r\n\r\n",
            f"POST /api/v1/accounts HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: x\r\n\r\n",
        ):
            status, headers, body = await exchange((host, int(port)), broken.encode())
            assert status == 400
            assert_no_canary(str(headers) + body.decode(), "the answer to what is no HTTP", secret)
        processes = [psutil.Process(service.process.pid), *psutil.Process(service.process.pid).children(recursive=True)]
        assert len(processes) >= int(workers)
        for process in processes:
            # Of the arguments the program itself is one line of Python; what was given to it must not be there.
            assert_no_canary(" ".join(process.cmdline()) + process.name(), "command line", secret)
        with psycopg.connect(own_server.database_url(), autocommit=True) as connection:
            rows = connection.execute("SELECT a::text FROM pg_stat_activity AS a WHERE usename = 'deployer'").fetchall()
            assert len(rows) >= int(workers)
            assert_no_canary(str(rows), "pg_stat_activity", secret)
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'deployer'")
            connection.execute("ALTER ROLE deployer NOLOGIN")
            try:
                assert ask(base, "/transactions", f"Bearer {token}") == 503
            finally:
                connection.execute("ALTER ROLE deployer LOGIN")
        said = service.log.read_text()
    assert "/api/v1/transactions" in said
    assert_no_canary(said, "the service's log", secret)


async def test_secrets_of_webhooks_that_are_used(
    tmp_path: Path, url: str, own_server: Server, start_service: StartService
) -> None:
    """Made, replaced, and signed with, for deliveries that succeed and that fail; every statement is logged."""
    token, _ = create_key(tmp_path, url)
    headers = {"Authorization": f"Bearer {token}"}
    async with receiving() as receiver:
        with start_service(url, LOG_LEVEL="DEBUG", WEBHOOK_TARGETS="any") as service:
            async with aiohttp.ClientSession(service.base_url, headers=headers) as session:
                api = Api(session)
                made = (await api.post("/webhooks", {"url": receiver.url}, "made")).data
                rotated = (await api.post(f"/webhooks/{made['id']}/rotate-secret", None, "rotated")).data
                failing_too = (await api.post("/webhooks", {"url": "http://127.0.0.1:1/"}, "made-too")).data
                await (await api.wallet()).top_up("1")
                message = (await receiver.wait_for(2))[0]

                async def has_failed() -> bool:
                    return bool((await api.get(f"/webhooks/{failing_too['id']}/deliveries")).data)

                await until(has_failed, "a delivery fails")
            said = service.log.read_text()
    assert len(message.headers["webhook-signature"].split()) == 2
    assert "deliveries failed" in said
    logged = database_log(own_server)
    assert "webhook_work" in logged
    for webhook in (made, rotated, failing_too):
        text = webhook["secret"].removeprefix("whsec_")
        for form in (text, base64.b64decode(text).hex()):
            assert form not in said
            assert form not in logged


def database_log(own_server: Server) -> str:
    """Everything that the database has logged."""
    logs = subprocess.run(["find", own_server.base_dir, "-name", "*.log"], capture_output=True, text=True, check=True)
    return "".join(Path(path).read_text() for path in logs.stdout.split())


def failing(url: str) -> dict[str, str]:
    """Give addresses that lead nowhere, each with a password in it."""
    return {
        "wrong password": url.replace(PASSWORD, WRONG_PASSWORD),
        "no such host": re.sub(r"127\.0\.0\.1:\d+", "nowhere.invalid:1", url),
        "nobody listens": re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", url),
        "no such database": f"{url}_of_another_name",
        "malformed port": re.sub(r":\d+/", ":no-port/", url),
        "unknown option": f"{url}?canary=1",
        "no URL": f"password={PASSWORD} host",
        "several hosts": re.sub(r"@.*/", "@nowhere.invalid:1,127.0.0.1:1/", url),
    }


@pytest.mark.parametrize("command", ["serve", "migrate", "doctor", "psql", "keys list"])
def test_a_database_that_cannot_be_reached(tmp_path: Path, url: str, command: str) -> None:
    """Whatever is wrong with the address, the sentence about it has no password."""
    for what, address in failing(url).items():
        done = run_wallet(tmp_path, *command.split(), DATABASE_URL=address, LOG_LEVEL="DEBUG", PORT="0")
        assert done.returncode != 0, what
        assert done.stderr, what
        assert "Traceback" not in done.stderr, what
        assert_no_canary(done.stdout + done.stderr, what)


def test_psql_is_given_the_password_where_nobody_looks(tmp_path: Path, url: str) -> None:
    """Not as an argument, which everybody on the machine can read."""
    query = "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'deployer'"
    list_processes = r"\! ps -ww -A -o args"
    done = run_wallet(tmp_path, "psql", "-Atc", query, "-c", list_processes, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert "psql" in done.stdout
    assert_no_canary(done.stdout + done.stderr, "the machine's processes")


def test_the_databases_own_log_has_no_secret(tmp_path: Path, url: str, own_server: Server) -> None:
    """Every statement is in it, and the making of keys with the hash alone."""
    _, secret = create_key(tmp_path, url)
    said = database_log(own_server)
    assert "create_api_key" in said
    # The statement of this test itself that made the login is there, with what it was given.
    said = "".join(line for line in said.splitlines(keepends=True) if "CREATE ROLE deployer" not in line)
    assert_no_canary(said, "the database's log", secret)
