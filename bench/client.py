"""A small load generator, for machines without wrk: `python -m bench.client`, its order as JSON on standard input.

It knows just enough HTTP for the bench's two servers: keep-alive, and answers with a Content-Length.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from bench.event_loop import loop_factory
from bench.measured import from_latencies
from bench.traffic import Traffic

_LENGTH_HEADER = b"content-length:"
_HEAD_END = b"\r\n\r\n"


class Tally:
    """What all connections have counted together."""

    def __init__(self) -> None:
        self.latencies_seconds: list[float] = []
        self.refused = 0
        self.broken = 0


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next, until there is none or it is told to stop."""

    def __init__(self, next_request: Callable[[], bytes | None], tally: Tally) -> None:
        self._next_request = next_request
        self._tally = tally
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._sent_at = 0.0
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the first request."""
        # A cast: uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Counts an answer when it is whole, and sends the next request."""
        self._received += data
        end = answer_end(self._received)
        if end is None:
            return
        self._tally.latencies_seconds.append(time.perf_counter() - self._sent_at)
        if not self._received.startswith(b"HTTP/1.1 2"):
            self._tally.refused += 1
        del self._received[:end]
        if not self._stopped:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts a connection that the server closed."""
        if not self._stopped:
            self._tally.broken += 1

    def stop(self) -> None:
        """Sends no more and closes."""
        self._stopped = True
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next_request()
        if request is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(request)


def answer_end(received: bytes | bytearray) -> int | None:
    """Where the first answer ends in what was received; None while it is not whole."""
    head_end = received.find(_HEAD_END)
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    start = head.find(_LENGTH_HEADER)
    if start < 0:
        return None
    length = int(head[start + len(_LENGTH_HEADER) :].split(b"\r\n", 1)[0])
    end = head_end + len(_HEAD_END) + length
    return end if len(received) >= end else None


async def run(order: dict[str, Any]) -> dict[str, float]:
    """Carries out an order, as `bench.load` writes it. Gives what the script for wrk gives."""
    fields = {**order["traffic"], "asset_ids": tuple(order["traffic"]["asset_ids"])}
    parts = [(head.encode(), tail.encode()) for head, tail in Traffic(**fields).all_parts()]
    prefix, made, tally = order["prefix"], 0, Tally()

    def next_request() -> bytes | None:
        nonlocal made
        if made == order["count_max"]:
            return None
        made += 1
        head, tail = random.choice(parts)
        return b"%b%b-%d%b" % (head, prefix.encode(), made, tail)

    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = await asyncio.gather(
        *(
            loop.create_connection(lambda: Connection(next_request, tally), order["host"], order["port"])
            for _ in range(order["connections"])
        )
    )
    await asyncio.sleep(order["seconds"])
    measured = from_latencies(tally.latencies_seconds, time.perf_counter() - started)
    for _, connection in opened:
        connection.stop()
    return {
        "count": measured.count,
        "seconds": measured.seconds,
        "p50_ms": measured.p50_ms,
        "p99_ms": measured.p99_ms,
        "refused": tally.refused,
        "broken": tally.broken,
    }


def main() -> None:
    """Reads the order, prints the result as JSON."""
    order = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        print(json.dumps(runner.run(run(order))))


if __name__ == "__main__":
    main()
