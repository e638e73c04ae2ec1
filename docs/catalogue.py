"""The parts of the reference that PostgreSQL knows best: the routines and the refusals of the schema `wallet`."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg

from service.embedded.server import open_database
from service.migrations import migrate
from service.settings import load_settings

Connection = psycopg.Connection[tuple[Any, ...]]

#: Whose routines they are -> heading and introduction. A routine is listed under the first that may execute it.
_AUDIENCES: Final = {
    "wallet_jobs": ("For jobs", "Logins with the role `wallet_jobs` may execute them."),
    "wallet_auditor": ("For finance", "Logins with the role `wallet_auditor` may execute them."),
    "wallet_service": ("For the service", "Nobody else needs them."),
    "wallet_owner": ("For the owner", "Only members of `wallet_owner` may execute them; most are steps of the others."),
}

_ROUTINES: Final = """
    SELECT
        p.proname::text,
        pg_catalog.pg_get_function_arguments(p.oid),
        pg_catalog.pg_get_function_result(p.oid),
        pg_catalog.obj_description(p.oid, 'pg_proc'),
        ARRAY(
            SELECT r.rolname::text
            FROM pg_catalog.aclexplode(p.proacl) AS a
            JOIN pg_catalog.pg_roles AS r ON a.grantee = r.oid
            WHERE a.grantee <> p.proowner
        )
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = 'wallet'::regnamespace AND p.prorettype <> 'trigger'::regtype
    ORDER BY p.proname
"""


@contextlib.contextmanager
def migrated_database() -> Iterator[Connection]:
    """Make a database of this release, connect to it, and leave nothing of it behind.

    Raises:
        EmbeddedDatabaseError: there are no programs of PostgreSQL, or they do not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"WALLET_DATA_DIR": f"{folder}/data"}, Path(folder, ".env"))
        with open_database(settings, exclusive=True) as url:
            migrate(url)
            # Without a search path of its own the catalogue writes every name whole.
            with psycopg.connect(url, autocommit=True, options="-c search_path=pg_catalog") as connection:
                yield connection


def functions_page(connection: Connection) -> str:
    """Return every routine of the schema as Markdown: its call, its comment, who may execute it."""
    sections: dict[str, list[str]] = {role: [] for role in _AUDIENCES}
    for name, arguments, result, comment, roles in connection.execute(_ROUTINES).fetchall():
        audience = next((role for role in _AUDIENCES if role in roles), "wallet_owner")
        others = ", ".join(f"`{role}`" for role in _AUDIENCES if role in roles)
        call = f"wallet.{name}({_broken(arguments)}) RETURNS {result}"
        note = f"\nMay be executed by {others}.\n" if others else ""
        sections[audience].append(f"### {name}\n\n```sql\n{call}\n```\n\n{_escaped(comment)}\n{note}")
    return "\n".join(
        f"## {heading}\n\n{introduction}\n\n" + "\n".join(sections[role])
        for role, (heading, introduction) in _AUDIENCES.items()
    )


def refusals_page(connection: Connection) -> str:
    """Return the table of the schema's own SQLSTATEs as Markdown, with the status that each has over HTTP."""
    rows = connection.execute("SELECT r.* FROM wallet.refusals() AS r ORDER BY r.sqlstate").fetchall()
    lines = [f"| `{state}` | `{code}` | {status} | {_escaped(meaning)} |" for state, code, status, meaning in rows]
    return "\n".join(["| SQLSTATE | Code | HTTP status | Meaning |", "|---|---|---|---|", *lines, ""])


def _broken(arguments: str) -> str:
    """Put each argument on a line of its own when there are several."""
    parts = re.split(r", (?=(?:OUT |INOUT |VARIADIC )?p?_?\w+ )", arguments)
    return "\n    " + ",\n    ".join(parts) + "\n" if len(parts) > 1 else arguments


def _escaped(text: str) -> str:
    """Take the meaning from what Markdown would see in a plain text."""
    return re.sub(r"([\\`*_{}\[\]<>|#$~])", r"\\\1", text)
