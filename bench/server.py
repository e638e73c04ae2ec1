"""The bench's own PostgreSQL: the embedded server of the wallet with stock settings, and databases on it."""

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench import pgbench
from bench.measured import Measured, Unavailable
from bench.traffic import wallet_id
from service import migrations
from service.embedded.binaries import find_server_programs
from service.embedded.server import open_database
from service.settings import load_settings

SQL_FOLDER = Path(__file__).resolve().parent / "sql"

#: Assets every database of the bench has.
SYMBOLS = ("BENCH1", "BENCH2", "BENCH3")

#: Wallets 1 to 10,000 are all in the first asset; those from here on in the three assets in turn.
FIRST_MIXED_WALLET = 10_001
WALLET_COUNT = 10_000

_FILL_CHUNK = 100_000

Connection = psycopg.Connection[tuple[Any, ...]]


class Database:
    """One database of the bench's server."""

    def __init__(self, url: str, programs: Path) -> None:
        self.url = url
        self._programs = programs

    @contextlib.contextmanager
    def connect(self, role: str | None = None) -> Iterator[Connection]:
        """Opens an autocommit connection, as the superuser or in a role."""
        with contextlib.closing(psycopg.connect(self.url, autocommit=True)) as connection:
            if role is not None:
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            yield connection

    def asset_id(self, symbol: str = SYMBOLS[0]) -> str:
        """The id of an asset."""
        with self.connect() as connection:
            row = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = %s", [symbol]).fetchone()
        assert row is not None
        return str(row[0])

    def run_script(
        self, script: str, clients: int, seconds: int, session: Mapping[str, str], **variables: str | int
    ) -> Measured:
        """Runs a script of bench/sql with pgbench, prepared, with `:name` for each of the variables."""
        options = ["--protocol=prepared", f"--file={SQL_FOLDER / script}"]
        return pgbench.run(self.url, self._pgbench(), options, clients, seconds, session, variables)

    def fill_tpcb(self, scale: int) -> None:
        """Makes pgbench's own tables."""
        pgbench.initialize(self.url, self._pgbench(), scale)

    def run_tpcb(self, clients: int, seconds: int) -> Measured:
        """Runs pgbench's own script, as it comes."""
        return pgbench.run(self.url, self._pgbench(), [], clients, seconds, {}, {})

    def checkpoint(self) -> None:
        """Writes out what earlier work left dirty, so that it does not burden the next."""
        with self.connect() as connection:
            connection.execute("CHECKPOINT")

    def _pgbench(self) -> Path:
        found = _find_pgbench(self._programs)
        if found is None:
            raise Unavailable("There is no pgbench beside the PostgreSQL programs or on the PATH.")
        return found


class Server:
    """The running server."""

    def __init__(self, url: str, programs: Path) -> None:
        self._url = url
        self._programs = programs
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    def empty(self) -> Database:
        """A database without anything in it."""
        return self._create("template1")

    def ledger(self) -> Database:
        """A fresh migrated database with the bench's assets and wallets, and no posting."""
        if "ledger" not in self._templates:
            database = self.empty()
            migrations.migrate(database.url)
            _add_fixture(database)
            self._templates["ledger"] = str(conninfo_to_dict(database.url)["dbname"])
        return self._create(self._templates["ledger"])

    def filled_ledger(self, transaction_count: int, on_progress: Callable[[int], None]) -> Database:
        """The one database with many postings; filled when first asked for, then always the same.

        Args:
            transaction_count: how many postings; there are twice as many entries.
            on_progress: called with the number of postings there are so far.
        """
        if "filled" not in self._templates:
            database = self.ledger()
            _fill(database, transaction_count, on_progress)
            self._templates["filled"] = database.url
        return Database(self._templates["filled"], self._programs)

    def drop(self, database: Database) -> None:
        """Removes a database, whoever is still connected."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            name = sql.Identifier(str(conninfo_to_dict(database.url)["dbname"]))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextlib.contextmanager
    def fresh_ledger(self) -> Iterator[Database]:
        """`ledger()` for a time."""
        database = self.ledger()
        try:
            yield database
        finally:
            self.drop(database)

    def settings(self) -> dict[str, str]:
        """The settings that matter for the figures.

        Raises:
            Unavailable: a commit would not be durable.
        """
        names = [
            "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "wal_sync_method",
            "shared_buffers", "max_wal_size", "checkpoint_timeout", "max_connections", "autovacuum", "data_checksums",
            "jit", "default_transaction_isolation", "listen_addresses", "ssl",
        ]  # fmt: skip
        with psycopg.connect(self._url, autocommit=True) as connection:
            found: dict[str, str] = dict(
                connection.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [names])
            )
        if found["fsync"] != "on" or found["synchronous_commit"] != "on":
            raise Unavailable("fsync and synchronous_commit must be on.")
        return {name: found[name] for name in names if name in found}

    def pgbench_version(self) -> str:
        """Which pgbench is used."""
        found = _find_pgbench(self._programs)
        if found is None:
            return "not installed"
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=10)
        return answer.stdout.strip().removeprefix("pgbench ")

    def _create(self, template: str) -> Database:
        name = f"bench_{next(self._numbers)}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return Database(self._url.rpartition("/")[0] + "/" + name, self._programs)


@contextlib.contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Starts the server with its data below `folder`; stops it at the end. WALLET_PG_BIN chooses other programs."""
    variables = {name: os.environ[name] for name in ("WALLET_PG_BIN",) if name in os.environ}
    settings = load_settings({**variables, "WALLET_DATA_DIR": str(folder / "postgresql")})
    with open_database(settings, exclusive=True) as url:
        yield Server(url, find_server_programs(settings.pg_bin))


def _find_pgbench(programs: Path) -> Path | None:
    beside = programs / "pgbench"
    found = str(beside) if beside.is_file() else shutil.which("pgbench")
    return Path(found) if found else None


def add_wallets(connection: Connection, first: int, count: int, asset_ids: list[str]) -> None:
    """Makes wallets with the numbers `first` and up, in these assets in turn."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY wallet.accounts (id, asset_type_id, asset_decimals, name) FROM STDIN") as copy,
    ):
        for number in range(first, first + count):
            copy.write_row((wallet_id(number), asset_ids[number % len(asset_ids)], 4, f"Bench {number}"))


def top_up_wallets(connection: Connection, first: int, count: int, asset_id: str, amount: int) -> None:
    """Gives each wallet an amount to spend."""
    connection.execute(
        """
        SELECT wallet.post(ARRAY(
            SELECT ROW(
                'TOP_UP', 'fund-' || n, bench.wallet_id(n), %(asset)s::uuid, %(amount)s::numeric, NULL, NULL, NULL
            )::wallet.posting_request
            FROM generate_series(f, least(f + 999, %(last)s)) AS n
        ))
        FROM generate_series(%(first)s, %(last)s, 1000) AS f
        """,
        {"asset": asset_id, "amount": amount, "first": first, "last": first + count - 1},
    )


def _add_fixture(database: Database) -> None:
    with database.connect() as connection:
        connection.execute((SQL_FOLDER / "fixture.sql").read_bytes())
        assets = []
        for symbol in SYMBOLS:
            row = connection.execute("SELECT wallet.create_asset_type(%s, 'Bench')", [symbol]).fetchone()
            assert row is not None
            assets.append(str(row[0]))
        add_wallets(connection, 1, WALLET_COUNT, assets[:1])
        add_wallets(connection, FIRST_MIXED_WALLET, WALLET_COUNT, assets)
        connection.execute("VACUUM (ANALYZE)")


def _fill(database: Database, transaction_count: int, on_progress: Callable[[int], None]) -> None:
    asset_id = database.asset_id()
    fill, finish = (SQL_FOLDER / "fill_ledger.sql").read_text().split("-- Then:\n")
    with database.connect() as connection:
        # Only the filling: what is measured afterwards commits durably.
        connection.execute("SET synchronous_commit = off")
        started = connection.execute("SELECT clock_timestamp() - %s * interval '1 ms'", [transaction_count]).fetchone()
        assert started is not None
        for first in range(1, transaction_count + 1, _FILL_CHUNK):
            last = min(first + _FILL_CHUNK - 1, transaction_count)
            values = {"asset": asset_id, "first": first, "last": last, "started": started[0], "wallets": WALLET_COUNT}
            connection.execute(fill.encode(), values)
            on_progress(last)
        connection.execute(
            finish.encode(),
            {"asset": asset_id, "last": transaction_count, "started": started[0], "wallets": WALLET_COUNT},
        )
        connection.execute("SELECT setval('wallet.transaction_numbers', %s)", [transaction_count])
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
