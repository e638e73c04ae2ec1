"""Traces: a request, the batch it went in, the call of the database; and none where nobody asks for them."""

import asyncio
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from service import tracing
from service.spans import SpanTracer
from tests.conftest import Connect, StartApp, StartService
from tests.http.api import PREFIX, Answer, Api
from tests.http.batches import gate_held
from tests.http.test_observed_process import lines_of
from tests.http.waiting import until, until_waiting
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

TRACE_ID, CALLER_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
TRACEPARENT = f"00-{TRACE_ID:032x}-{CALLER_ID:016x}-01"
TOP_UP = f"POST {PREFIX}/transactions/top-up"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans that have ended, of an application that is started after this."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", SpanTracer(provider))
    yield exporter
    provider.shutdown()


@pytest.fixture
async def traced(
    anyio_backend: str, spans: InMemorySpanExporter, seeded_url: str, start_app: StartApp
) -> AsyncIterator[Api]:
    """An application that is traced."""
    async with start_app(seeded_url) as session:
        yield Api(session)


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """The spans of this name, in the order in which they ended."""
    return [span for span in exporter.get_finished_spans() if span.name == name]


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Its trace and its own id."""
    return span.context.trace_id, span.context.span_id


async def test_a_request_its_batch_and_the_call_are_one_trace(traced: Api, spans: InMemorySpanExporter) -> None:
    """In the trace that the caller names, each the parent of the next; attributes by the common names; no amounts."""
    wallet = await traced.wallet()
    spans.clear()
    headers = {"traceparent": TRACEPARENT, "Idempotency-Key": "k", "X-Request-Id": "mine"}
    answer = await traced.call("POST", "/transactions/top-up", wallet.body("31337"), headers=headers)
    assert answer.status == 201

    async def ended() -> bool:
        return bool(named(spans, TOP_UP))

    await until(ended, "the request's span has ended")
    call, batch, request = spans.get_finished_spans()
    assert [span.name for span in (call, batch, request)] == ["post", "batch postings", TOP_UP]
    assert {span.context.trace_id for span in (call, batch, request)} == {TRACE_ID}
    parents = [span.parent.span_id for span in (call, batch, request) if span.parent]
    assert parents == [batch.context.span_id, request.context.span_id, CALLER_ID]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": f"{PREFIX}/transactions/top-up",
        "http.response.status_code": 201,
        "wallet.request.id": "mine",
    }
    assert batch.attributes == {"wallet.queue": "postings", "wallet.batch.size": 1}
    assert call.attributes == {"db.system.name": "postgresql"}
    assert "31337" not in "".join(span.to_json() for span in (call, batch, request))


async def test_a_batch_is_linked_with_every_request_in_it(
    traced: Api, spans: InMemorySpanExporter, seeded_url: str, connect: Connect, books: Ledger
) -> None:
    """It is in the trace of the first; the others lead to it, and it to them."""
    wallet = await traced.wallet()
    spans.clear()
    with gate_held(connect(seeded_url)):
        first = asyncio.create_task(wallet.top_up("1"))
        await until_waiting(books.connection, "wallet.posting_gate")
        others = [asyncio.create_task(wallet.top_up("1")) for _ in range(4)]

        async def four_wait() -> bool:
            depth: int = (await traced.get("/status")).data["queue"]["depth"]
            return depth == 4

        await until(four_wait, "four wait")
    assert {(await one).status for one in (first, *others)} == {201}

    async def ended() -> bool:
        return len(named(spans, TOP_UP)) == 5

    await until(ended, "the spans have ended")
    alone, together = named(spans, "batch postings")
    assert (alone.attributes or {})["wallet.batch.size"] == 1
    assert (together.attributes or {})["wallet.batch.size"] == 4
    requests = {ids(span): span for span in named(spans, TOP_UP)}
    linked = [(link.context.trace_id, link.context.span_id) for link in together.links]
    assert len(linked) == 4
    assert set(linked) < set(requests)
    assert len({trace for trace, _ in linked}) == 4
    assert together.parent is not None
    assert (together.parent.trace_id, together.parent.span_id) == linked[0]
    for one in linked[1:]:
        assert [(link.context.trace_id, link.context.span_id) for link in requests[one].links] == [ids(together)]


async def test_refusals_and_failures_are_marked(
    traced: Api, spans: InMemorySpanExporter, books: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """By code and SQLSTATE. A refusal is no error of the service; what the error says stays out."""
    wallet = await traced.wallet()
    spans.clear()
    assert (await wallet.spend("987654")).status == 422
    books.connection.execute(
        "CREATE OR REPLACE FUNCTION wallet.list_asset_types() RETURNS json LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the cause' USING ERRCODE = '0A000'; END $$"
    )
    assert (await traced.get("/asset-types")).status == 500
    caplog.clear()  # It is logged as an error, as it should be.

    async def ended() -> bool:
        return bool(named(spans, f"GET {PREFIX}/asset-types"))

    await until(ended, "the spans have ended")
    (spend,) = named(spans, f"POST {PREFIX}/transactions/spend")
    assert (spend.attributes or {})["error.type"] == "insufficient_balance"
    assert spend.status.status_code is StatusCode.UNSET
    (failed,) = named(spans, f"GET {PREFIX}/asset-types")
    assert (failed.attributes or {})["error.type"] == "internal_error"
    assert failed.status.status_code is StatusCode.ERROR
    (read,) = [span for span in named(spans, "read") if span.parent and span.parent.span_id == failed.context.span_id]
    assert (read.attributes or {})["error.type"] == "0A000"
    assert read.status.status_code is StatusCode.ERROR
    said = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "the cause" not in said
    assert "987654" not in said


async def test_what_the_caller_does_not_sample_is_not_traced(traced: Api, spans: InMemorySpanExporter) -> None:
    """Not its batch and its call either."""
    wallet = await traced.wallet()
    spans.clear()
    headers = {"traceparent": TRACEPARENT[:-2] + "00", "Idempotency-Key": "k"}
    assert (await traced.call("POST", "/transactions/top-up", wallet.body("1"), headers=headers)).status == 201
    assert (await wallet.top_up("1")).status == 201

    async def ended() -> bool:
        return bool(named(spans, TOP_UP))

    await until(ended, "the other request's span has ended")
    assert len(spans.get_finished_spans()) == 3
    assert TRACE_ID not in {span.context.trace_id for span in spans.get_finished_spans()}


async def test_a_batch_is_traced_when_any_request_in_it_is(
    traced: Api, spans: InMemorySpanExporter, seeded_url: str, connect: Connect, books: Ledger
) -> None:
    """Behind one that is not sampled: it is in the trace of the one that is, and linked with that alone."""
    wallet = await traced.wallet()
    spans.clear()

    def post(key: str, flags: str) -> asyncio.Task[Answer]:
        headers = {"traceparent": TRACEPARENT[:-2] + flags, "Idempotency-Key": key}
        return asyncio.create_task(traced.call("POST", "/transactions/top-up", wallet.body("1"), headers=headers))

    async def waits(count: int) -> None:
        async def wait() -> bool:
            depth: int = (await traced.get("/status")).data["queue"]["depth"]
            return depth == count

        await until(wait, f"{count} wait")

    with gate_held(connect(seeded_url)):
        first = asyncio.create_task(wallet.top_up("1"))
        await until_waiting(books.connection, "wallet.posting_gate")
        unsampled = post("unsampled", "00")
        await waits(1)
        sampled = post("sampled", "01")
        await waits(2)
    assert {(await one).status for one in (first, unsampled, sampled)} == {201}

    async def ended() -> bool:
        return len(named(spans, TOP_UP)) == 2

    await until(ended, "the spans have ended")
    _, together = named(spans, "batch postings")
    assert together.context.trace_id == TRACE_ID
    assert (together.attributes or {})["wallet.batch.size"] == 2
    assert len(together.links) == 1


class Collector:
    """Takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []

    async def take(self, request: web.Request) -> web.Response:
        """Keep what is sent."""
        content = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        self.requests.append(ExportTraceServiceRequest.FromString(content))
        return web.Response(body=b"", content_type="application/x-protobuf")

    def found(self) -> dict[str, list[str]]:
        """The names of the spans by their trace, as hexadecimal digits."""
        traces: dict[str, list[str]] = {}
        for request in self.requests:
            for scope in (scope for resource in request.resource_spans for scope in resource.scope_spans):
                for span in scope.spans:
                    traces.setdefault(span.trace_id.hex(), []).append(span.name)
        return traces


@pytest.fixture
async def collector(anyio_backend: str) -> AsyncIterator[tuple[Collector, str]]:
    """A collector, and where it listens."""
    taking = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", taking.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield taking, f"http://{host}:{port}"
    await runner.cleanup()


async def test_a_running_service_sends_its_spans(
    start_service: StartService, seeded_url: str, collector: tuple[Collector, str]
) -> None:
    """Where the standard variables say, at the end at the latest; the log has the trace's id."""
    taking, endpoint = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}
    with start_service(seeded_url, **variables) as service:
        async with aiohttp.ClientSession(service.base_url) as session:
            api = Api(session)
            wallet = await api.wallet()
            headers = {"traceparent": TRACEPARENT, "Idempotency-Key": "k"}
            assert (await api.call("POST", "/transactions/top-up", wallet.body("1"), headers=headers)).status == 201
        service.process.terminate()
        assert await asyncio.to_thread(service.wait) == 0
        lines = lines_of(service)
    assert sorted(taking.found()[f"{TRACE_ID:032x}"]) == sorted([TOP_UP, "batch postings", "post"])
    assert f"{TRACE_ID:032x}" in {line.get("trace_id") for line in lines}
    about = {one.key: one.value.string_value for one in taking.requests[0].resource_spans[0].resource.attributes}
    assert about["service.name"] == "pg-wallet"
    assert about["deployment.environment"] == "test"


async def test_a_collector_that_is_away_harms_nobody(start_service: StartService, seeded_url: str) -> None:
    """Requests are answered, and the end is not held up."""
    with start_service(seeded_url, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") as service:
        async with aiohttp.ClientSession(service.base_url) as session:
            assert (await (await Api(session).wallet()).top_up("1")).status == 201
        service.process.terminate()
        assert await asyncio.to_thread(service.wait) == 0
        assert "Traceback" not in service.log.read_text()


def test_nobody_who_does_not_ask_pays_for_it() -> None:
    """Neither the service nor its command imports OpenTelemetry, and no span is made."""
    check = (
        "import sys, service.app, service.cli.serve, service.cli.worker; from service import tracing;"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')];"
        "assert tracing.current() is None; assert tracing.batch('x', 1, []) is tracing.database('x')"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


async def test_without_the_extra_there_are_none_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for, and not installed: a warning, and the service goes on."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delitem(sys.modules, "service.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    async with tracing.running():
        assert tracing.tracer is None
    assert "pip install 'pg-wallet[tracing]'" in caplog.text


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_who_asks_for_traces(environ: dict[str, str], wanted: bool) -> None:
    assert tracing.is_wanted(environ) is wanted
