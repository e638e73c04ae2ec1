"""A PostgreSQL server for the tests, also when they are run as root."""

import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from testing.postgresql import Postgresql

from service.embedded.binaries import (
    ServerUser,
    credentials,
    environment,
    find_server_programs,
    runnable_programs,
)

CONNECTIONS_MAX = 200

_SERVER_ARGUMENTS = (
    # No fsync: a test's database need not survive the machine.
    "-h 127.0.0.1 -F",
    "-c logging_collector=off",
    f"-c max_connections={CONNECTIONS_MAX}",
    # Functions are loaded and run with every check PL/pgSQL has: shadowed variables, two rows for one.
    "-c plpgsql.extra_errors=all",
    "-c deadlock_timeout=200ms",
    # No clock of the server's own in the way of tests that compare page reads.
    "-c autovacuum=off",
    "-c timezone=UTC",
)

# PostgreSQL refuses root, so the program that becomes the server puts the rights down first.
_RUN_AS = (
    "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]));"
    " os.chdir('/'); os.execv(sys.argv[3], sys.argv[3:])"
)


def test_programs() -> Path:
    """Return the folder with `initdb` and `postgres`; WALLET_TEST_PG_BIN names another set than the usual."""
    chosen = os.environ.get("WALLET_TEST_PG_BIN")
    return runnable_programs(find_server_programs(Path(chosen) if chosen else None), server_user())


class Server(Postgresql):  # type: ignore[misc]  # the package has no types
    """testing.postgresql's server on the given programs, under another account when we are root."""

    def __init__(self, programs: Path | None = None) -> None:
        programs = programs or test_programs()
        self._user = server_user()
        super().__init__(
            initdb=str(programs / "initdb"),
            postgres=str(programs / "postgres"),
            initdb_args="-U postgres -A trust --encoding=UTF8 --locale=C --no-sync",
            postgres_args=" ".join(_SERVER_ARGUMENTS),
            boot_timeout=60.0,
        )

    def initialize_database(self) -> None:
        if self._user is not None:
            for path in (self.base_dir, *(os.path.join(self.base_dir, name) for name in self.subdirectories)):
                os.chown(path, self._user.uid, self._user.gid)
        command = [self.initdb, "-D", self.get_data_directory(), *self.settings["initdb_args"].split()]
        done = subprocess.run(
            command, cwd="/", env=environment(), capture_output=True, check=False, **credentials(self._user)
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr.decode()}")

    def get_server_commandline(self) -> list[str]:
        command: list[str] = super().get_server_commandline()
        if self._user is None:
            return command
        return [sys.executable, "-c", _RUN_AS, str(self._user.uid), str(self._user.gid), *command]

    def is_server_available(self) -> bool:
        try:
            psycopg.connect(self.database_url("template1")).close()
        except psycopg.OperationalError:
            return False
        return True

    def poststart(self) -> None:
        """Make no database `test`: ours come from templates."""

    def database_url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database, for a user without a password."""
        url: Any = self.url(database=database, user=user)
        return str(url)


def server_user() -> ServerUser | None:
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return ServerUser(nobody.pw_name, nobody.pw_uid, nobody.pw_gid)
