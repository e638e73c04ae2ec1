"""One of several processes that serve on one port, started by `service.cli.workers`.

On its standard input it is given its settings and the database's URL, pickled: the URL may hold a password, which
neither the arguments nor the environment should show. Then the input stays open, and nothing more comes. When it ends,
the parent is gone, in whatever way, and the worker stops. On its standard output it writes one line of JSON: `{}` when
it takes connections, or `{"error": …}` when it never will.
"""

import asyncio
import contextlib
import json
import os
import pickle
import shutil
import sys

import psycopg

from service.cli.failure import Failure
from service.cli.group import database_sentence
from service.cli.serve import run_loop, serve
from service.logs import configure_logs
from service.metrics import SHARED_FOLDER_VARIABLE
from service.settings import Settings


def main() -> None:
    """Serve until asked to stop, or until the parent is gone; then exit."""
    try:
        settings, url = pickle.load(sys.stdin.buffer)
    except EOFError:  # The parent was gone at once.
        sys.exit(1)
    configure_logs(settings.log_level_number)
    try:
        run_loop(_work(settings, url))
    except Failure as failure:
        _tell({"error": failure.message})
        sys.exit(1)
    except psycopg.Error as error:
        _tell({"error": database_sentence(error)})
        sys.exit(1)


async def _work(settings: Settings, url: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    parent = sys.stdin.fileno()

    alone = asyncio.Event()

    def stop_when_alone() -> None:
        loop.remove_reader(parent)
        alone.set()
        stop.set()

    loop.add_reader(parent, stop_when_alone)
    await serve(settings, url, stop, lambda port: _tell({}), reuse_port=True)
    if alone.is_set():
        # Whoever would have removed the figures is gone.
        shutil.rmtree(os.environ[SHARED_FOLDER_VARIABLE], ignore_errors=True)


def _tell(message: dict[str, str]) -> None:
    # A parent that is gone is told by the end of the input too.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")
