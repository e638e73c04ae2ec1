"""Expecting a refusal of the single functions."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.ledger import Ledger


class Refusal:
    """What a refused call said; filled when the call is over."""

    sqlstate: str
    code: str | None
    """The stable code, from the HINT."""
    error: str
    details: dict[str, Any]
    """{field: [sentence]} mostly, from the DETAIL."""


@contextlib.contextmanager
def refused(ledger: Ledger, code: str) -> Iterator[Refusal]:
    """Expect that the call inside is refused with this code, and that nothing was written.

    The SQLSTATE must be the one that `wallet.refusals()` publishes for the code.
    """
    before = ledger.state()
    refusal = Refusal()
    with pytest.raises(psycopg.DatabaseError) as raised:
        yield refusal
    diagnosis = raised.value.diag
    published = ledger.connection.execute("SELECT sqlstate FROM wallet.refusals() WHERE code = %s", [code]).fetchone()
    assert published is not None
    assert raised.value.sqlstate == published[0], raised.value
    refusal.sqlstate = published[0]
    refusal.code = diagnosis.message_hint
    refusal.error = diagnosis.message_primary or ""
    refusal.details = json.loads(diagnosis.message_detail) if diagnosis.message_detail else {}
    assert ledger.state() == before
