"""Fresh databases from templates that were migrated and seeded once."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from service import resources
from service.migrations import migrate
from tests.support.server import Server

Connection = psycopg.Connection[tuple[Any, ...]]

MIGRATED = "wallet_migrated"
SEEDED = "wallet_seeded"


class Databases:
    """Makes databases on one server, a new one each time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._create(MIGRATED, "template1")
        migrate(self.url(MIGRATED))
        self._create(SEEDED, MIGRATED)
        with psycopg.connect(self.url(SEEDED)) as connection:
            connection.execute(resources.seed_file().read_bytes())

    def url(self, database: str) -> str:
        """Return the superuser's URL of a database."""
        return self.server.database_url(database)

    def create(self, template: str = MIGRATED) -> str:
        """Create a database from a template and return its URL (superuser)."""
        name = f"test_{next(self._numbers)}"
        self._create(name, template)
        return self.url(name)

    @contextlib.contextmanager
    def fresh(self, template: str = MIGRATED) -> Iterator[str]:
        """Create a database, yield its URL, and drop it."""
        url = self.create(template)
        yield url
        self.drop(url)

    def drop(self, url: str) -> None:
        """Drop a database and whoever is still connected to it."""
        name = url.rpartition("/")[2]
        with self._administration() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        with self._administration() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )

    def _administration(self) -> Connection:
        return psycopg.connect(self.url("postgres"), autocommit=True)
