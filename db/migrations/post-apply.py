"""Re-applies every routine of db/functions, checks them all, and records the release: in one transaction.

yoyo runs this after pending migrations; `wallet migrate` runs it every time, so that an edited routine is
enough.
"""

from pathlib import Path

import psycopg
from yoyo import step

from service.release import function_files, release_of

MIGRATIONS = Path(__file__).resolve().parent
FUNCTIONS = MIGRATIONS.parent / "functions"

# A routine's file may use a routine that comes later, so bodies are checked when all are there.
ROUTINES_TO_CHECK = """
    SELECT
        p.oid::regprocedure::text,
        format('SELECT %s(%s)', v.oid::regproc, p.oid)
    FROM pg_catalog.pg_proc AS p
    INNER JOIN pg_catalog.pg_language AS l ON p.prolang = l.oid
    INNER JOIN pg_catalog.pg_proc AS v ON l.lanvalidator = v.oid
    WHERE p.pronamespace = 'wallet'::regnamespace AND l.lanname IN ('plpgsql', 'sql')
    ORDER BY 1
"""

RECORD_RELEASE = """
    INSERT INTO wallet.releases (migrations, functions_sha256, objects)
    SELECT
        %(migrations)s::text[],
        %(functions_sha256)s,
        (SELECT jsonb_object_agg(o.object, o.definition_sha256) FROM wallet.schema_objects() AS o)
        || jsonb_build_object('server', current_setting('server_version_num')::integer / 10000)
    WHERE NOT EXISTS (
        SELECT
        FROM (SELECT n.* FROM wallet.releases AS n ORDER BY n.release DESC LIMIT 1) AS r
        WHERE
            r.migrations = %(migrations)s AND r.functions_sha256 = %(functions_sha256)s
            -- Another major version spells definitions in another way. Nothing else is a reason to record them again:
            -- what somebody did to the schema since must not become what it should be.
            AND (r.objects -> 'server')::integer = current_setting('server_version_num')::integer / 10000
    )
"""


def apply_functions(connection):
    """Apply, check and record, inside the transaction yoyo has begun."""
    connection.execute("SET LOCAL ROLE wallet_owner")
    connection.execute("SET LOCAL check_function_bodies = off")
    waiting = function_files(FUNCTIONS)
    while waiting:
        left = [path for path in waiting if not applied(connection, path)]
        if left == waiting:
            # Nothing more can be applied: the next attempt, outside a savepoint, raises what is wrong.
            execute(connection, left[0].read_bytes(), f"in db/functions/{left[0].name}")
        waiting = left
    connection.execute("SET LOCAL check_function_bodies = on")
    for signature, statement in connection.execute(ROUTINES_TO_CHECK).fetchall():
        execute(connection, statement, f"in the body of {signature}")
    release = release_of(MIGRATIONS, FUNCTIONS)
    connection.execute(
        RECORD_RELEASE, {"migrations": list(release.migrations), "functions_sha256": release.functions_sha256}
    )


def applied(connection, path):
    """Apply a file; False when it needs a routine not there yet: an SQL-standard body binds its names at once."""
    try:
        with connection.transaction():
            execute(connection, path.read_bytes(), f"in db/functions/{path.name}")
    except psycopg.errors.UndefinedFunction:
        return False
    return True


def execute(connection, statement, where):
    """Execute a statement; say where it came from when it fails."""
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        error.add_note(where)
        raise


step(apply_functions)
