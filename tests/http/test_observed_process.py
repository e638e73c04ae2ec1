"""What a running `wallet serve` shows of itself: its figures from all its processes, its probes at the end, its log."""

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cli.test_workers import workers_started
from tests.conftest import Connect, StartService
from tests.http.api import PREFIX, Api, exchange
from tests.http.batches import gate_held
from tests.http.figures import Metrics, metrics_of
from tests.http.keyed import Keys, calling
from tests.http.waiting import until, until_waiting
from tests.support.ledger import Ledger
from tests.support.process import ServiceProcess, wallet_command, wallet_environment

pytestmark = pytest.mark.anyio

FIELDS = {"time", "level", "logger", "process", "message"}
REQUEST_FIELDS = {
    "request_id",
    "api_key_id",
    "method",
    "route",
    "status",
    "duration_seconds",
    "code",
    "replayed",
}


def session_of(service: ServiceProcess) -> aiohttp.ClientSession:
    """A session whose requests come on a connection of their own each, so that every worker is asked."""
    return aiohttp.ClientSession(service.base_url, connector=aiohttp.TCPConnector(force_close=True))


def lines_of(service: ServiceProcess) -> list[dict[str, Any]]:
    """What the service has logged, line by line."""
    return [json.loads(line) for line in service.log.read_text().splitlines()]


async def test_whichever_worker_is_asked_answers_for_all(
    start_service: StartService, seeded_url: str, tmp_path: Path
) -> None:
    """The sums of both; after kill -9 of one nothing that was counted is lost, and it is not among those that run."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with start_service(seeded_url, WORKERS="2", TMPDIR=str(temporary)) as service:
        async with session_of(service) as session:
            api = Api(session)
            wallet = await api.wallet()

            async def metrics_where(holds: Callable[[Metrics], bool], what: str) -> None:
                async def held() -> bool:
                    return holds(await metrics_of(session))

                await until(held, what)

            posted = 0
            asked: set[str] = set()
            async with asyncio.timeout(30):
                while len(asked) < 2 or posted < 40:
                    answer = await wallet.top_up("1.5")
                    assert answer.status == 201
                    asked.add(answer.headers["X-Request-Id"].partition("-")[0])
                    posted += 1

            def counted(found: Metrics) -> tuple[float, float]:
                route = f"{PREFIX}/transactions/top-up"
                return (
                    found.value("wallet_postings_total", type="TOP_UP", outcome="posted"),
                    found.value("wallet_http_requests_total", route=route, status="201"),
                )

            # Not later: both answer at once for what either has answered.
            for _ in range(8):
                assert counted(await metrics_of(session)) == (posted, posted)
            await metrics_where(
                lambda found: found.value("wallet_amount_moved_total", asset="GC") == 1.5 * posted, "all is moved"
            )
            await metrics_where(lambda found: found.value("wallet_queue_max", queue="postings") == 20_000, "both rooms")
            assert (await metrics_of(session)).value("wallet_workers") == 2
            assert (await api.get("/status")).data["workers"] == 2

            os.kill(workers_started(service)[0][1], signal.SIGKILL)

            async def another() -> bool:
                return len(workers_started(service)) == 3

            await until(another, "another is started")
            for _ in range(8):
                found = await metrics_of(session)
                assert counted(found) == (posted, posted)
                assert found.value("wallet_workers") == 2
            assert (await api.get("/status")).data["postings"]["posted"] == posted
        assert len(list(temporary.iterdir())) == 1
        service.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(service.wait) == 0
    assert list(temporary.iterdir()) == [], "the figures are gone"


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_once_told_to_stop_it_is_live_and_not_ready(
    start_service: StartService, seeded_url: str, books: Ledger, connect: Connect, workers: str
) -> None:
    """While the last posting is finished, on connections that are open: 503, and word that the connection ends."""
    with start_service(seeded_url, WORKERS=workers) as service:
        async with session_of(service) as session:
            wallet = await Api(session).wallet()
            host, port = Api(session).address
            lines = [await asyncio.open_connection(host, port) for _ in range(16 if workers == "2" else 2)]
            for reader, writer in lines:
                writer.write(f"GET {PREFIX}/health/ready HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert b" 200 " in await reader.readuntil(b"\r\n")
                await reader.readuntil(b"}}")
            with gate_held(connect(seeded_url)):
                posting = asyncio.create_task(wallet.top_up("1"))
                await until_waiting(books.connection, "wallet.posting_gate")
                service.send_signal(signal.SIGTERM)

                async def not_ready() -> bool:
                    reader, writer = lines.pop()
                    try:
                        writer.write(f"GET {PREFIX}/health/ready HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                        return b" 503 " in await reader.read()
                    finally:
                        writer.close()

                await until(not_ready, "it is not ready")
            assert (await posting).status == 201
            for _, writer in lines:
                writer.close()
        assert await asyncio.to_thread(service.wait) == 0


async def test_a_request_is_a_line_of_json(start_service: StartService, seeded_url: str) -> None:
    """Each with its id, key, route, status, duration and code; nothing that was sent but ids."""
    keys = Keys(seeded_url)
    token = keys.create("admin")
    with start_service(seeded_url, API_KEYS="required", LOG_LEVEL="DEBUG") as service:
        async with session_of(service) as session, calling(session, token) as api:
            wallet = await api.wallet()
            headers = {"X-Request-Id": "mine", "Idempotency-Key": "k-1"}
            for _ in range(2):
                await api.call("POST", "/transactions/top-up", wallet.body("31337"), headers=headers)
            await wallet.spend("987654")
            await api.get("/nowhere")
            await Api(session).get("/transactions")
            await exchange(Api(session).address, b"nonsense\r\n\r\n")
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        lines = lines_of(service)
        said = service.log.read_text()
    assert all(set(line) >= FIELDS for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"]) for line in lines)
    requests = [line for line in lines if line["logger"] == "wallet.access"]
    assert all(set(line) == FIELDS | REQUEST_FIELDS for line in requests)
    assert all(0 < line["duration_seconds"] < 60 for line in requests)
    short = [(one["route"].removeprefix(PREFIX), one["status"], one["code"], one["replayed"]) for one in requests]
    assert short == [
        ("/asset-types", 200, None, False),
        ("/accounts", 201, None, False),
        ("/transactions/top-up", 201, None, False),
        ("/transactions/top-up", 201, None, True),
        ("/transactions/spend", 422, "insufficient_balance", False),
        ("none", 404, "route_not_found", False),
        ("/transactions", 401, "unauthorized", False),
    ]
    assert [line["request_id"] for line in requests].count("mine") == 2
    # What matches no route is answered whoever asks.
    assert [line["api_key_id"] for line in requests] == [*[keys.ids[token]] * 5, None, None]
    assert "31337" not in said
    assert "987654" not in said


async def test_a_failure_is_logged_with_its_cause(start_service: StartService, seeded_url: str, books: Ledger) -> None:
    """The answer says nothing of it; the line has the request's id and the exception, and is one line."""
    books.connection.execute(
        "CREATE OR REPLACE FUNCTION wallet.list_asset_types() RETURNS json LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the cause'; END $$"
    )
    with start_service(seeded_url) as service:
        async with session_of(service) as session:
            answer = await Api(session).get("/asset-types")
            assert answer.refused == (500, "internal_error")
            assert b"cause" not in answer.body
        lines = lines_of(service)
    (failed,) = [line for line in lines if line["level"] == "ERROR"]
    assert failed["request_id"] == answer.headers["X-Request-Id"]
    assert "the cause" in failed["exception"]
    assert "Traceback" in failed["exception"]


def test_at_a_terminal_the_log_is_text(tmp_path: Path, seeded_url: str) -> None:
    """Where somebody reads it."""
    ours, theirs = pty.openpty()
    variables = {"DATABASE_URL": seeded_url, "PORT": "0", "HOST": "127.0.0.1", "WORKERS": "2"}
    with subprocess.Popen(
        wallet_command("serve"),
        cwd=tmp_path,
        env=wallet_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            assert process.stdout is not None
            assert b"Wallet answers" in process.stdout.readline()
            said = os.read(ours, 10_000).decode()
        finally:
            process.terminate()
            process.wait(20)
            os.close(ours)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO wallet\.workers \[\d+\] worker \d listens", said), said
