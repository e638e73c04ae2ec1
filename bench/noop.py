"""The rival over HTTP: an aiohttp server that reads the body and answers as many bytes, and does nothing else.

It runs as the service does: the same runner, the same event loop, no access log.
"""

import argparse
import asyncio
import signal

from aiohttp import web

from bench.event_loop import loop_factory
from service.http.envelope import JSON_CONTENT_TYPE
from service.http.server import WalletRunner


def create_app(body_size_bytes: int) -> web.Application:
    """Makes the application: every path answers `body_size_bytes` bytes, a POST with 201, a GET with 200."""
    body = b" " * body_size_bytes

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        status = 201 if request.method == "POST" else 200
        return web.Response(body=body, status=status, headers={"Content-Type": JSON_CONTENT_TYPE})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def serve(body_size_bytes: int) -> None:
    """Serves on a free port until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = WalletRunner(create_app(body_size_bytes), shutdown_timeout_seconds=1, connections_max=10_000)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"Nothing answers on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Runs the server; the arguments are the size of an answer's body in bytes, and the event loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("body_size_bytes", type=int)
    parser.add_argument("--asyncio", action="store_true", help="asyncio's own event loop instead of uvloop")
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=None if arguments.asyncio else loop_factory()) as runner:
        runner.run(serve(arguments.body_size_bytes))


if __name__ == "__main__":
    main()
