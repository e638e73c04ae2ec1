"""Spans by OpenTelemetry: request, batch, database call.

Needs the extra `tracing`. The standard variables `OTEL_*` say where spans go and how many are kept. Spans hold no
amounts and no bodies, so what an error says is left out of them: its SQLSTATE or type is enough.
"""

import importlib.metadata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import psycopg
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from service import app_keys
from service.http.middleware import route_of

_SERVICE: Final = "pg-wallet"


def exporting_tracer() -> "SpanTracer":
    """A tracer that sends its spans by OTLP over HTTP, as the variables `OTEL_*` say."""
    about = Resource({SERVICE_NAME: _SERVICE, SERVICE_VERSION: importlib.metadata.version(_SERVICE)})
    provider = TracerProvider(resource=about.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return SpanTracer(provider)


class SpanTracer:
    """Makes spans.

    Args:
        provider: where they go; closed with the tracer.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SERVICE)

    @property
    def middleware(self) -> Middleware:
        """Puts a span around each request."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._trace(request, handler)

        return middleware

    def current(self) -> Span:
        """The span that is under way."""
        return trace.get_current_span()

    def trace_id(self) -> str:
        """The id of its trace, as 32 hexadecimal digits."""
        return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)

    @contextmanager
    def batch(self, queue: str, size: int, requests: Sequence[object]) -> Iterator[None]:
        """A span around a batch: in the trace of its first request that is traced, linked with all of them."""
        spans = [span for span in requests if isinstance(span, Span) and span.is_recording()]
        if not spans:
            yield
            return
        attributes: dict[str, str | int] = {"wallet.queue": queue, "wallet.batch.size": size}
        with self._tracer.start_as_current_span(
            f"batch {queue}",
            trace.set_span_in_context(spans[0]),
            attributes=attributes,
            links=[trace.Link(span.get_span_context()) for span in spans],
        ) as batch:
            # The other way too: whoever looks at one of the other requests finds the batch.
            for span in spans[1:]:
                span.add_link(batch.get_span_context())
            yield

    @contextmanager
    def database(self, name: str) -> Iterator[None]:
        """A span around what is asked of the database; what it raises is on it by its SQLSTATE."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql"},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                code = error.sqlstate if isinstance(error, psycopg.Error) else None
                span.set_attribute("error.type", code or type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()

    async def _trace(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        with self._tracer.start_as_current_span(
            f"{request.method} {route}",
            propagate.extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "http.route": route},
            record_exception=False,
        ) as span:
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            span.set_attribute("wallet.request.id", request[app_keys.REQUEST_ID])
            if app_keys.REFUSAL_CODE in response:
                span.set_attribute("error.type", response[app_keys.REFUSAL_CODE])
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
            return response
