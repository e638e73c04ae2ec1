"""`python -m bench.choices`: what the choice of the event loop and of the JSON library rests on; half a minute."""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import timeit
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click

from bench import load
from bench.traffic import posting
from service.http.bodies import PostingBody, decode_body

ROUNDS = 5
SECONDS = 2
CONNECTIONS = 64
CALLS = 20_000

_CHECKOUT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def _noop(*options: str) -> Iterator[str]:
    """The no-op server of the bench; yields its address."""
    command = [sys.executable, "-m", "bench.noop", "430", *options]
    with subprocess.Popen(command, cwd=_CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def event_loops() -> None:
    """The no-op server of the bench on either loop, in turn, under the load of the top-up case."""
    traffic = posting("top-up", (str(uuid.uuid4()),))
    rates: dict[str, list[float]] = {"uvloop": [], "asyncio": []}
    with _noop() as uvloop_url, _noop("--asyncio") as asyncio_url:
        for _ in range(ROUNDS):
            for name, url in (("uvloop", uvloop_url), ("asyncio", asyncio_url)):
                measured = load.send(url, traffic, CONNECTIONS, SECONDS)
                rates[name].append(measured.count / measured.seconds)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    click.echo(
        f"Event loop, no-op POST, {CONNECTIONS} connections: uvloop {medians['uvloop']:,.0f}/s,"
        f" asyncio {medians['asyncio']:,.0f}/s, ratio {medians['uvloop'] / medians['asyncio']:.2f}"
    )


def json_libraries() -> None:
    """Decoding a posting's body: msgspec with all checks of the service, the standard library with none."""
    body = json.dumps(
        {"accountId": str(uuid.uuid4()), "assetTypeId": str(uuid.uuid4()), "amount": "12.5", "referenceId": "order-1"}
    ).encode()

    def with_msgspec() -> None:
        decode_body(body, PostingBody)

    def with_json() -> None:
        fields = json.loads(body, parse_float=Decimal)
        uuid.UUID(fields["accountId"])
        uuid.UUID(fields["assetTypeId"])

    times = {
        name: min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6
        for name, call in (("msgspec", with_msgspec), ("json", with_json))
    }
    click.echo(
        f"A posting's body: msgspec, typed and checked {times['msgspec']:.1f} us,"
        f" json with two UUIDs and no other check {times['json']:.1f} us, ratio {times['json'] / times['msgspec']:.2f}"
    )


@click.command(help=__doc__)
def main() -> None:
    """Prints both."""
    json_libraries()
    event_loops()


if __name__ == "__main__":
    main()
