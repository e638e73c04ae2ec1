"""GET /metrics and GET /status: what they count is what happened."""

import asyncio
import logging
import re
from decimal import Decimal

import pytest

from service import metrics
from service import monitor as monitoring
from service.http import server as http_server
from tests.conftest import Connect, StartApp
from tests.http.api import PREFIX, Api, exchange, new_key
from tests.http.batches import away, gate_held, item, post, send
from tests.http.figures import metrics_of, watch
from tests.http.keyed import Keys, calling
from tests.http.operations import journal, transfer
from tests.http.waiting import until, until_waiting
from tests.support.database import Databases
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
FAILS_TWICE = """
    ALTER FUNCTION wallet.post_json(json) RENAME TO post_json_itself;
    CREATE SEQUENCE wallet.calls;
    CREATE FUNCTION wallet.post_json(p_requests json) RETURNS TABLE (outcome text, code text, answer json)
    LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('wallet.calls') <= 2 THEN
            RAISE EXCEPTION 'lost a race' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN QUERY SELECT * FROM wallet.post_json_itself(p_requests);
    END $$;
    GRANT EXECUTE ON FUNCTION wallet.post_json(json) TO wallet_service;
"""


async def test_requests_are_counted_by_route_method_and_status(api: Api) -> None:
    """By the route's template; whatever matches none, and methods that are none, share one label each."""
    wallet = await api.wallet()
    seen = await watch(api.session)
    for _ in range(3):
        assert (await api.get(f"/accounts/{wallet.id}")).status == 200
    assert (await api.get("/accounts/x")).status == 400
    assert (await api.call("HEAD", f"/accounts/{wallet.id}")).status == 200
    for path in ("/a", "/b", f"/{wallet.id}"):
        assert (await api.get(path)).status == 404
    for method in ("PURGE", "MKCOL"):
        assert (await api.call(method, "/accounts")).status == 405
    status, _, _ = await exchange(api.address, b"GET /api/v1/health HTTP/1.1\r\nno header\r\n\r\n")
    assert status == 400
    name, route = "wallet_http_requests_total", f"{PREFIX}/accounts/{{id}}"
    assert await seen.risen(name, route=route, method="GET", status="200") == 3
    assert await seen.risen(name, route=route, method="GET", status="400") == 1
    assert await seen.risen(name, route=route, method="HEAD", status="200") == 1
    assert await seen.risen(name, route="none", method="GET", status="404") == 3
    assert await seen.risen(name, route="none", method="OTHER", status="405") == 2
    assert await seen.risen(name, route="none", status="400") == 1
    assert await seen.risen("wallet_http_request_duration_seconds_count", route=route, method="GET") == 4
    assert 0 < await seen.risen("wallet_http_request_duration_seconds_sum", route=route, method="GET") < 60
    assert await seen.risen("wallet_refusals_total", code="route_not_found") == 3
    assert await seen.risen("wallet_refusals_total", code="validation_failed") == 2
    found = await metrics_of(api.session)
    assert not UUID_FORM.search(found.text), "no ids in labels"
    assert "PURGE" not in found.text


async def test_postings_are_counted_by_what_became_of_them(api: Api) -> None:
    """Alone, in batches, whole and as dry runs; the refusals by their codes, those of items too."""
    wallet = await api.wallet(balance="10")
    seen = await watch(api.session)
    key = new_key()
    assert (await wallet.top_up("5", key)).status == 201
    assert (await wallet.top_up("5", key)).replayed
    assert (await wallet.spend("100")).status == 422
    items = [item(wallet, "1"), item(wallet, "1", kind="BONUS"), item(wallet, "999", kind="SPEND"), {"type": "SPEND"}]
    assert [one.status for one in await post(api, items)] == [201, 201, 422, 400]
    assert [one.status for one in await post(api, [item(wallet), item(wallet)], atomic=True)] == [201, 201]
    whole = await send(api, {"items": [item(wallet), item(wallet, "999", kind="SPEND")], "atomic": True})
    assert whole.status == 409
    assert (await api.post("/transactions/top-up?dryRun=true", wallet.body("7"), new_key())).status == 200
    hold = (await api.post("/holds", wallet.body("3"), new_key())).data["id"]
    assert (await api.post(f"/holds/{hold}/capture", {}, new_key())).status == 201

    expected = {
        ("TOP_UP", "posted"): 1 + 1 + 2,
        ("TOP_UP", "replayed"): 1,
        ("TOP_UP", "refused"): 1,
        ("BONUS", "posted"): 1,
        ("SPEND", "refused"): 1 + 1 + 1,
        ("SPEND", "posted"): 0,
        ("HOLD", "posted"): 1,
        ("CAPTURE", "posted"): 1,
    }
    for (kind, outcome), count in expected.items():
        assert await seen.risen("wallet_postings_total", type=kind, outcome=outcome) == count, (kind, outcome)
    assert await seen.risen("wallet_postings_total", outcome="failed") == 0
    assert await seen.risen("wallet_refusals_total", code="insufficient_balance") == 2
    assert await seen.risen("wallet_refusals_total", code="batch_refused") == 1
    assert await seen.risen("wallet_refusals_total", code="idempotency_key_missing") == 1
    assert await seen.risen("wallet_batch_size_sum", queue="dry runs") == 1
    assert await seen.risen("wallet_batch_size_sum", queue="atomic postings") == 4


async def test_amounts_moved_are_those_of_the_books(api: Api, books: Ledger) -> None:
    """By asset and type: as the rows of the transactions add up, whichever operation made them."""
    gold, other, gems = await api.wallet("GC", "100"), await api.wallet("GC", "100"), await api.wallet("DM", "5")
    # The figures are of the whole run, and floating point: the large amounts of other tests would swallow these.
    metrics.AMOUNT_MOVED.clear()
    seen = await watch(api.session)
    sums = "SELECT t.type::text, sum(t.amount) FROM wallet.transactions AS t WHERE t.asset_type_id = %s GROUP BY 1"

    def booked(asset: str) -> dict[str, Decimal]:
        return dict(books.connection.execute(sums, [asset]).fetchall())

    before = {asset: booked(asset) for asset in (gold.asset, gems.asset)}
    first = (await gold.top_up("12.3456")).data["id"]
    assert (await gold.spend("2.5")).status == 201
    assert (await gems.top_up("7")).status == 201
    assert (await api.post("/transactions/transfer", transfer(gold, other, "4"), new_key())).status == 201
    lines = journal(gold.asset, {gold.id: "3"}, {other.id: "3"})
    assert (await api.post("/transactions/journal", lines, new_key())).status == 201
    assert (await api.post(f"/transactions/{first}/refund", {"amount": "1.5"}, new_key())).status == 201
    hold = (await api.post("/holds", gold.body("6"), new_key())).data["id"]
    assert (await api.post(f"/holds/{hold}/capture", {"amount": "2"}, new_key())).status == 201
    assert (await gold.spend("100000")).status == 422
    kinds = set()
    for symbol, wallet in (("GC", gold), ("DM", gems)):
        for kind, total in booked(wallet.asset).items():
            moved = total - before[wallet.asset].get(kind, Decimal(0))
            risen = await seen.risen("wallet_amount_moved_total", asset=symbol, type=kind)
            assert risen == pytest.approx(float(moved)), (symbol, kind)
            if moved:
                kinds.add(kind)
    assert kinds == {"TOP_UP", "SPEND", "TRANSFER", "JOURNAL", "REFUND", "CAPTURE"}
    assert await seen.risen("wallet_amount_moved_total", type="HOLD") == 0


async def test_what_waits_is_seen_while_it_waits(api: Api, seeded_url: str, books: Ledger, connect: Connect) -> None:
    """The depth of the queue, here and in the status; then how long it took, and how many went together."""
    wallet = await api.wallet()
    seen = await watch(api.session)
    with gate_held(connect(seeded_url)):
        first = asyncio.create_task(wallet.top_up("1"))
        await until_waiting(books.connection, "wallet.posting_gate")
        others = [asyncio.create_task(wallet.top_up("1")) for _ in range(5)]

        async def five_wait() -> bool:
            depth: int = (await api.get("/status")).data["queue"]["depth"]
            return depth == 5

        await until(five_wait, "five wait")
        found = await metrics_of(api.session)
        assert found.value("wallet_queue_depth", queue="postings") == 5
        assert found.value("wallet_queue_max", queue="postings") == 10_000
    assert {(await one).status for one in (first, *others)} == {201}
    assert (await metrics_of(api.session)).value("wallet_queue_depth") == 0
    assert await seen.risen("wallet_batch_size_count", queue="postings") == 2
    assert await seen.risen("wallet_batch_size_sum", queue="postings") == 6
    assert await seen.risen("wallet_batch_size_bucket", queue="postings", le="5.0") == 2
    assert await seen.risen("wallet_batch_size_bucket", queue="postings", le="2.0") == 1
    assert await seen.risen("wallet_queue_wait_seconds_sum", queue="postings") > 0
    assert await seen.risen("wallet_batch_duration_seconds_sum", queue="postings") > 0


async def test_attempts_and_their_reasons(
    api: Api, seeded_url: str, books: Ledger, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """A lost race twice; a session that is ended in mid-posting; a value that PostgreSQL alone refuses."""
    wallet = await api.wallet()
    seen = await watch(api.session)
    with gate_held(connect(seeded_url)):
        posting = asyncio.create_task(wallet.top_up("1"))
        ended = await until_waiting(books.connection, "wallet.posting_gate")
        for pid in ended:
            books.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        await until_waiting(books.connection, "wallet.posting_gate", ended)
    assert (await posting).status == 201
    assert await seen.risen("wallet_batch_retries_total", reason="connection") == 1
    assert await seen.risen("wallet_batch_retries_total", reason="conflict") == 0
    books.connection.execute(FAILS_TWICE)
    assert (await wallet.top_up("1")).status == 201
    assert await seen.risen("wallet_batch_retries_total", reason="conflict") == 2
    assert (await api.get("/status")).data["batches"]["retries"] >= 3
    assert await seen.risen("wallet_postings_total", outcome="posted") == 2


async def test_a_database_that_is_away(api: Api, seeded_url: str, databases: Databases, connect: Connect) -> None:
    """The metrics say so, and so does the status; the process lives, and is not ready. Then all is as before."""
    administration = connect(databases.url("postgres"))
    assert (await metrics_of(api.session)).value("wallet_database_up") == 1
    with away(administration, seeded_url):
        assert (await metrics_of(api.session)).value("wallet_database_up") == 0
        status = (await api.get("/status")).data
        assert status["database"] == {"isReachable": False, "roundTripSeconds": None}
        assert status["doctor"] == {"lastCleanRun": None}
        assert (await api.get("/health/live")).data["status"] == "live"
        ready = await api.get("/health/ready")
        assert ready.refused == (503, "unavailable")
        assert ready.json["error"] == "The database cannot be reached."
        assert ready.json["data"]["status"] == "not_ready"

    async def back() -> bool:
        return (await api.get("/health/ready")).status == 200

    await until(back, "the service is ready")
    found = await metrics_of(api.session)
    assert found.value("wallet_database_up") == 1
    assert 0 < found.value("wallet_database_round_trip_seconds") < 60


@pytest.mark.parametrize(
    ("change", "is_ready"),
    [
        (
            "INSERT INTO wallet.releases (migrations, functions_sha256, objects)"
            " SELECT array_append(migrations, '9999-later'), functions_sha256, objects FROM wallet.releases LIMIT 1",
            True,
        ),
        (
            "INSERT INTO wallet.releases (migrations, functions_sha256, objects)"
            " SELECT migrations, repeat('0', 64), objects FROM wallet.releases LIMIT 1",
            True,
        ),
        (
            "INSERT INTO wallet.releases (migrations, functions_sha256, objects)"
            " SELECT migrations[2:], functions_sha256, objects FROM wallet.releases LIMIT 1",
            False,
        ),
        ("DELETE FROM wallet.releases", False),
    ],
    ids=["newer", "other functions", "older", "none"],
)
async def test_readiness_follows_the_schema(api: Api, books: Ledger, change: str, is_ready: bool) -> None:
    """Behind this release: not ready. Newer, as during an upgrade: ready; the routines serve this release too."""
    assert (await api.get("/health/ready")).status == 200
    books.connection.execute(change.encode())
    answer = await api.get("/health/ready")
    assert answer.status == (200 if is_ready else 503)
    if not is_ready:
        assert answer.json["error"] == "The database is behind this release."
    assert (await api.get("/health")).status == 200


async def test_the_doctors_last_clean_run(api: Api, seeded_url: str, books: Ledger) -> None:
    """Its instant and its number, as the database has them; a run that found something is none."""
    assert (await metrics_of(api.session)).value("wallet_doctor_clean_timestamp_seconds") == 0
    assert (await api.get("/status")).data["doctor"]["lastCleanRun"] is None
    books.connection.execute("SELECT wallet.record_clean_run(1)")
    (at,) = (
        books.connection.execute("SELECT extract(epoch FROM checked_at)::float8 FROM wallet.doctor_runs").fetchone()
        or ()
    )
    assert (await metrics_of(api.session)).value("wallet_doctor_clean_timestamp_seconds") == pytest.approx(at)
    assert (await api.get("/status")).data["doctor"]["lastCleanRun"]["number"] == 1


async def test_the_figures_of_webhooks(api: Api, books: Ledger) -> None:
    """As the database counts them; none at first."""
    found = await metrics_of(api.session)
    assert [found.value(f"wallet_webhook{name}") for name in ("s", "_deliveries", "_oldest_pending_seconds")] == [0] * 3
    books.connection.execute(
        "CREATE OR REPLACE FUNCTION wallet.webhook_figures() RETURNS TABLE (active bigint, paused bigint,"
        " disabled bigint, pending bigint, dead bigint, oldest_pending_seconds double precision)"
        " LANGUAGE sql AS $$ SELECT 1, 2, 3, 4, 5, 6.5 $$"
    )
    found = await metrics_of(api.session)
    for status, count in {"active": 1, "paused": 2, "disabled": 3}.items():
        assert found.value("wallet_webhooks", status=status) == count
    for status, count in {"pending": 4, "dead": 5}.items():
        assert found.value("wallet_webhook_deliveries", status=status) == count
    assert found.value("wallet_webhook_oldest_pending_seconds") == 6.5


async def test_connections_are_counted_and_refusals_are_said_once(
    seeded_url: str, start_app: StartApp, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refused connection is counted; the log says it at once, then only when some time is over."""
    caplog.set_level(logging.WARNING, "wallet.http")
    async with start_app(seeded_url, http_connections=2) as session:
        seen = await watch(session)
        host, port = Api(session).address
        _, second = await asyncio.open_connection(host, port)

        async def both() -> bool:
            return (await metrics_of(session)).value("wallet_http_connections") == 2

        await until(both, "two connections are open")

        async def knock() -> None:
            reader, writer = await asyncio.open_connection(host, port)
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            writer.close()

        for _ in range(4):
            await knock()
        assert await seen.risen("wallet_http_connections_refused_total") == 4
        said = [one for one in caplog.messages if "connections refused" in one]
        assert said == ["connections refused: 1, because 2 are open"]
        monkeypatch.setattr(http_server, "REFUSED_SAID_SECONDS", 0)
        await knock()
        assert caplog.messages[-1] == "connections refused: 4, because 2 are open"
        second.close()

        async def one() -> bool:
            return (await metrics_of(session)).value("wallet_http_connections") == 1

        await until(one, "one connection is open")
        assert (await Api(session).get("/status")).data["connections"] == 1


async def test_the_rate_is_that_of_the_last_seconds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Postings that were committed: none, some, and none again once the time is over."""
    monkeypatch.setattr(monitoring, "TICK_SECONDS", 0.05)
    wallet = await api.wallet()
    for _ in range(5):
        await wallet.top_up("1")
    status = (await api.get("/status")).data
    assert status["postings"]["perSecond"] > 0
    assert status["postings"]["windowSeconds"] == monitoring.RATE_SECONDS

    async def quiet() -> bool:
        rate: Decimal = (await api.get("/status")).data["postings"]["perSecond"]
        return rate == 0

    await until(quiet, "the rate falls to zero")


async def test_figures_that_cannot_be_taken_are_taken_the_next_time(
    seeded_url: str, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, and the watch goes on."""
    monkeypatch.setattr(monitoring, "TICK_SECONDS", 0.02)
    looks = 0
    look = monitoring.Monitor.look

    async def failing_twice(self: monitoring.Monitor) -> None:
        nonlocal looks
        looks += 1
        if looks <= 2:
            raise RuntimeError("no figures")
        await look(self)

    monkeypatch.setattr(monitoring.Monitor, "look", failing_twice)
    async with start_app(seeded_url):

        async def goes_on() -> bool:
            return looks > 4

        await until(goes_on, "it goes on")
    assert caplog.messages.count("the figures could not be brought up to date") == 2
    caplog.clear()


async def test_the_status_is_the_metrics_in_short(api: Api) -> None:
    """The same figures, summed up."""
    wallet = await api.wallet(balance="3")
    await wallet.spend("50")
    status = (await api.get("/status")).data
    found = await metrics_of(api.session)
    for outcome in ("posted", "replayed", "refused", "failed"):
        assert status["postings"][outcome] == found.value("wallet_postings_total", outcome=outcome)
    # The status itself is the one more.
    assert status["requests"]["count"] + 1 == found.value("wallet_http_requests_total")
    assert status["refusals"]["insufficient_balance"] == found.value(
        "wallet_refusals_total", code="insufficient_balance"
    )
    assert status["pool"]["max"] == found.value("wallet_pool_connections_max") == 8
    assert status["workers"] == 1
    assert status["isDraining"] is False
    labels = next(one.labels for one in found.samples if one.name == "wallet_release_info")
    assert status["release"] == labels


async def test_metrics_are_for_keys_of_their_own(seeded_url: str, start_app: StartApp) -> None:
    """The scope `metrics` reads nothing else; a key for one asset does not read the sums of the others."""
    keys = Keys(seeded_url)
    async with start_app(seeded_url, api_keys="required") as session:
        async with session.get("/metrics") as response:
            assert response.status == 401
        async with calling(session, keys.create("metrics")) as api:
            assert "wallet_workers 1.0" in (await api.get("/metrics")).body.decode()
            assert (await api.get("/transactions")).refused == (403, "forbidden")
            assert (await api.get("/status")).refused == (403, "forbidden")
        async with calling(session, keys.create("metrics", "read", assets=["GC"])) as limited:
            assert (await limited.get("/metrics")).refused == (403, "asset_forbidden")
            assert (await limited.get("/status")).status == 200
        async with calling(session, keys.create("read")) as reader:
            assert (await reader.get("/metrics")).refused == (403, "forbidden")
        for path in ("/health/live", "/health/ready"):
            assert (await Api(session).get(path)).status == 200
