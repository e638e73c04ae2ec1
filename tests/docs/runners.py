"""Running the examples of a page: shell commands in `sh`, SQL in one session of `wallet psql`."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.docs.examples import Example, matches_http, matches_text
from tests.support.process import wallet_command, wallet_environment

DOCUMENTED_URL = "http://127.0.0.1:3000"
_EXAMPLE_SECONDS = 60.0
_END = "-- end of example --"


class Shell:
    """Runs blocks one after the other; variables set by one are there for the next.

    `wallet` and `python` are this checkout's. No request goes through a proxy.
    """

    def __init__(self, folder: Path, base_url: str, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._base_url = base_url
        programs = folder / "programs"
        programs.mkdir()
        for name, command in (("wallet", wallet_command()), ("python", [sys.executable])):
            program = programs / name
            program.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
            program.chmod(0o755)
        self._environment = wallet_environment(**environment, no_proxy="*", NO_PROXY="*")
        self._environment["PATH"] = f"{programs}{os.pathsep}{self._environment['PATH']}"

    def run(self, script: str) -> str:
        """Run a block that must succeed; return what it prints to standard output.

        Raises:
            AssertionError: it fails.
        """
        kept = self._folder / "environment"
        done = subprocess.run(
            ["sh", "-c", f"set -ea\n{script.replace(DOCUMENTED_URL, self._base_url)}\nenv -0 > '{kept}'"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_EXAMPLE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        variables = kept.read_text().rstrip("\0").split("\0")
        self._environment = dict(variable.split("=", 1) for variable in variables)
        return done.stdout.replace(self._base_url, DOCUMENTED_URL)


class Psql:
    """One session of `wallet psql`, fed block by block."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, script: str) -> str:
        """Run a block; return what it prints, errors included.

        Raises:
            AssertionError: psql has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{script}\n\\echo '{_END}'\n")
        self._process.stdin.flush()
        printed: list[str] = []
        watchdog = threading.Timer(_EXAMPLE_SECONDS, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if line.rstrip("\n") == _END:
                    return "".join(printed)
                printed.append(line)
        finally:
            watchdog.cancel()
        raise AssertionError(f"psql ended: {''.join(printed)}")


@contextlib.contextmanager
def psql_session(folder: Path, database_url: str) -> Iterator[Psql]:
    """Open `wallet psql` on a database; end it at the end."""
    with subprocess.Popen(
        wallet_command("psql", "--no-psqlrc", "--quiet"),
        cwd=folder,
        env=wallet_environment(DATABASE_URL=database_url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield Psql(process)


def difference(example: Example, actual: str) -> str | None:
    """Say how what an example printed differs from what the page shows; None when it does not."""
    if example.output is None:
        same = example.source.language == "sh" or not actual.strip()
        expected = "nothing"
    else:
        expected = example.output.text
        match = matches_http if example.output.language == "http" else matches_text
        same = match(expected, actual)
    return None if same else f"{example.place}: {example.source.text}\n--- shown\n{expected}\n--- printed\n{actual}"
