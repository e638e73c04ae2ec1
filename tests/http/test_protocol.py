"""The envelope around what HTTP itself refuses: routes, methods, sizes, and requests that are no HTTP."""

import asyncio
import gzip
import json
import logging

import pytest

from tests.http.api import POSTINGS, Api, check_envelope, exchange, new_key
from tests.http.waiting import until
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

HEAD = b"POST /api/v1/transactions/top-up HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: raw\r\n"


async def test_unknown_routes_have_the_envelope(api: Api) -> None:
    """404 route_not_found whatever the method, under the prefix and outside of it."""
    below = ["/nowhere", "/health/", "/accounts//ledger", "/transactions/a/b"]
    for path in [*below, "//", "//api", "//api/v2/health", "//%00"]:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            assert (await api.call(method, path)).refused == (404, "route_not_found"), (method, path)


ALLOWED = {
    "/health": {"GET", "HEAD"},
    "/asset-types": {"GET", "HEAD", "POST"},
    "/accounts": {"GET", "HEAD", "POST"},
    "/accounts/x": {"GET", "HEAD", "PATCH"},
    "/accounts/x/balance": {"GET", "HEAD"},
    "/accounts/x/ledger": {"GET", "HEAD"},
    "/transactions": {"GET", "HEAD"},
    "/transactions/x": {"GET", "HEAD"},
    **{f"/transactions/{kind}": {"GET", "HEAD", "POST"} for kind in POSTINGS},
}


async def test_unknown_methods_name_the_allowed_ones(api: Api, books: Ledger) -> None:
    """405 method_not_allowed with an Allow header, for every endpoint and every other method."""
    before = books.state()
    for path, allowed in ALLOWED.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} - allowed:
            answer = await api.call(method, path, headers={"Idempotency-Key": new_key()})
            assert answer.refused == (405, "method_not_allowed"), (method, path)
            assert {one.strip() for one in answer.headers["Allow"].split(",")} == allowed
    assert books.state() == before


async def test_a_body_of_64_kib_is_the_largest(api: Api, books: Ledger) -> None:
    """64 KiB are read; one byte more is 413 body_too_large, with a length, in chunks, and unpacked from gzip."""
    wallet = await api.wallet()
    body = wallet.raw("1")
    largest = body + b" " * (64 * 1024 - len(body))
    assert (await api.posting_raw("top-up", largest)).status == 201
    before = books.state()
    assert (await api.posting_raw("top-up", largest + b" ")).refused == (413, "body_too_large")
    assert (await api.post("/accounts", content=b" " * 100_000)).refused == (413, "body_too_large")

    chunk = b"%x\r\n%s\r\n" % (len(largest), largest) + b"1\r\n \r\n0\r\n\r\n"
    status, headers, answer = await exchange(api.address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert (status, json.loads(answer)["code"]) == (413, "body_too_large")
    check_envelope(status, headers["content-type"], answer)

    packed = gzip.compress(b" " * 50_000_000)
    headers_gzip = {"Content-Encoding": "gzip", "Idempotency-Key": new_key()}
    bomb = await api.call("POST", "/transactions/top-up", content=packed, headers=headers_gzip)
    assert bomb.refused == (413, "body_too_large")
    assert books.state() == before


async def test_a_packed_body_is_unpacked(api: Api) -> None:
    """Content-Encoding gzip and deflate are understood; what is not packed so, or not whole, is refused with 400."""
    wallet = await api.wallet()
    packed = gzip.compress(wallet.raw("1"))
    for content, encoding, status in (
        (packed, "gzip", 201),
        (packed[:-12], "gzip", 400),
        (b"not gzip", "gzip", 400),
        (b"not deflate", "deflate", 400),
        (wallet.raw("1"), "identity", 201),
    ):
        answer = await api.call(
            "POST",
            "/transactions/top-up",
            content=content,
            headers={"Content-Encoding": encoding, "Idempotency-Key": new_key()},
        )
        assert answer.status == status, (content[:9], encoding)


MALFORMED_HTTP = {
    "unknown method": b"BREW /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "garbage": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\r\n\r\n",
    "unknown version": b"GET /api/v1/health HTTP/9.9\r\nHost: x\r\n\r\n",
    "method with spaces": b"G E T /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "header without a colon": b"GET /api/v1/health HTTP/1.1\r\nHost x\r\n\r\n",
    "header name with a space": b"GET /api/v1/health HTTP/1.1\r\nHo st: x\r\n\r\n",
    "NUL in a header": b"GET /api/v1/health HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "bad length": b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
    "negative length": b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "length and chunks": (
        b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "overlong request line": b"GET /api/v1/health?x=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "overlong header": b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    "overlong key": HEAD + b"Idempotency-Key: " + b"k" * 100_000 + b"\r\n\r\n",
    "too many headers": b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n" + b"X-Many: y\r\n" * 50_000 + b"\r\n",
}


async def test_what_is_no_http_has_the_envelope_too(api: Api, books: Ledger) -> None:
    """Requests that cannot be parsed get 400 validation_failed in the envelope, showing nothing of the inside."""
    before = books.state()
    for name, request in MALFORMED_HTTP.items():
        status, headers, body = await exchange(api.address, request)
        assert status == 400, (name, body)
        check_envelope(status, headers["content-type"], body)
        assert json.loads(body)["code"] == "validation_failed", name
        assert b"aiohttp" not in body
        assert headers["x-request-id"], name
    assert books.state() == before
    assert (await api.get("/health")).status == 200


async def test_a_broken_chunked_body_is_refused(api: Api, books: Ledger) -> None:
    """A chunk size that is none, after good headers: 400 in the envelope, nothing is written."""
    before = books.state()
    for chunks in (b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n\r\n", b"2\r\n{}xx\r\n0\r\n\r\n"):
        status, headers, body = await exchange(api.address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert status == 400, chunks
        check_envelope(status, headers["content-type"], body)
    assert books.state() == before


async def test_an_expectation_that_cannot_be_met_has_the_envelope(api: Api) -> None:
    """An unknown Expect header is refused in the envelope; 100-continue is served."""
    wallet = await api.wallet()
    for path in (b"/api/v1/transactions/top-up", b"/nowhere"):
        head = HEAD.replace(b"/api/v1/transactions/top-up", path)
        status, headers, body = await exchange(api.address, head + b"Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}")
        check_envelope(status, headers["content-type"], body)
        assert (status, json.loads(body)["code"]) == (417, "expectation_failed")
        assert headers["x-request-id"]
    answer = await api.call(
        "POST",
        "/transactions/top-up",
        content=wallet.raw("1"),
        headers={"Expect": "100-continue", "Idempotency-Key": new_key()},
    )
    assert answer.status == 201


async def test_an_overlong_key_that_still_is_a_header_gets_its_own_refusal(api: Api) -> None:
    """Up to the 32 KiB a header may have, an overlong key is idempotency_key_missing, not a parser's error."""
    wallet = await api.wallet()
    for length in (256, 9_000, 30_000):
        assert (await wallet.top_up("1", "k" * length)).refused == (400, "idempotency_key_missing")


async def test_a_body_that_does_not_arrive_is_not_waited_for_for_ever(
    api: Api, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """408 in the envelope once the time for a body is over, and nothing written."""
    monkeypatch.setattr("service.http.bodies.BODY_TIMEOUT_SECONDS", 0.05)
    before = books.state()
    reader, writer = await asyncio.open_connection(*api.address)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
    answer = await reader.readuntil(b"}")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer
    writer.close()
    await writer.wait_closed()
    assert books.state() == before


async def test_a_caller_that_hangs_up_in_mid_body_writes_nothing(
    api: Api, books: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """A request cut off in its body is not posted, is not logged as the database's fault, and the service goes on."""
    caplog.set_level(logging.INFO, "wallet.access")
    wallet = await api.wallet()
    body = wallet.raw("1")
    before = books.state()
    for _ in range(5):
        _, writer = await asyncio.open_connection(*api.address)
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 5) + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def all_logged() -> bool:
        return sum(" /api/v1/transactions/top-up " in line for line in caplog.messages) == 5

    await until(all_logged, "five requests are in the log")
    assert not [line for line in caplog.messages if " 503 " in line]
    assert (await api.get("/health")).status == 200
    assert books.state() == before
