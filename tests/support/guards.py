"""A superuser's way past the guards, for tests that need rows as nobody may make them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.database import Connection


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """Let the superuser change rows that are kept as they are, foreign keys included; afterwards all is as before.

    The triggers fire always, so their function is hollowed out: unlike disabling them that waits for no table's lock.
    """
    row = connection.execute("SELECT pg_get_functiondef('wallet.refuse_change'::regproc)").fetchone()
    assert row is not None
    connection.execute("SET session_replication_role = replica")
    connection.execute(
        "CREATE OR REPLACE FUNCTION wallet.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    yield
    connection.execute(row[0].encode())
    connection.execute("SET session_replication_role = origin")
