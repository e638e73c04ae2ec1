"""The histories find faults: each of these, put into a routine of a scratch database, is noticed."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import psycopg
import pytest
from hypothesis.errors import FlakyFailure

from service import resources
from tests.model.books import Books
from tests.model.callers import SqlCaller
from tests.model.machine import machine_on
from tests.model.running import Effort, run_histories
from tests.support.database import MIGRATED, Connection, Databases

# A fixed seed: whether a fault is found must not be a matter of luck.
FOUND = (AssertionError, psycopg.Error, TypeError, FlakyFailure)
"""How a fault may show. Flaky: ids are the database's own, so the same history may pass the next time."""

EFFORT = Effort(seed=6, examples=200, steps=50)


class Mutant(NamedTuple):
    """A fault: a piece of a routine's text, and what stands there instead."""

    routine: str
    text: str
    instead: str


MUTANTS = {
    "overdraws by one": Mutant(
        "settle_lines", "ELSE balances[v_cell] >= floors[v_cell]\n", "ELSE balances[v_cell] >= floors[v_cell] - 1\n"
    ),
    "names a balance without its floor": Mutant(
        "settle_lines",
        "CASE WHEN v_amount > 0 THEN p_ceilings[v_cell] ELSE floors[v_cell] END;",
        "CASE WHEN v_amount > 0 THEN p_ceilings[v_cell] ELSE 0 END;",
    ),
    "posts a key again within a batch": Mutant("settle_lines", "v_owner = 0 OR v_posted[v_owner]", "v_owner = 0"),
    "credits without counting": Mutant(
        "settle_lines",
        "versions[v_cell] := versions[v_cell] + 1;",
        "versions[v_cell] := versions[v_cell] + CASE WHEN v_amount > 0 THEN 0 ELSE 1 END;",
    ),
    "writes the wrong balance into the credit": Mutant(
        "write_postings", "abs(e.amount), e.balance\n", "abs(e.amount), e.balance - greatest(e.amount, 0)\n"
    ),
    "counts a batch as one": Mutant(
        "write_postings", "b.transaction_count + excluded.transaction_count", "b.transaction_count + 1"
    ),
    "forgets the reference": Mutant("write_postings", "p.idempotency_key, p.reference_id,", "p.idempotency_key, NULL,"),
    "keeps the keys of refused requests": Mutant(
        "release_keys", "k.key = ANY(v_refused_keys)", "k.key = ANY(v_refused_keys) AND FALSE"
    ),
    "takes other metadata for the same request": Mutant(
        "match_keys", "t.metadata IS DISTINCT FROM l.metadata", "FALSE"
    ),
    "lets an asset's decimals be exceeded": Mutant(
        "request_refusal", "p_amount <> round(p_amount, p_decimals)", "FALSE"
    ),
    "forgets a block that was skipped": Mutant(
        "find_transactions", "v_skip := v_skip - v_inner.row_count;", "v_skip := 0;"
    ),
    "reads one block too few": Mutant(
        "find_transactions", "WHEN v_found - v_offset >= p_limit", "WHEN v_found >= p_limit"
    ),
    "filters an account's list without its pages": Mutant("find_account_transactions", "OFFSET p_skip", ""),
    "forgets the balance before a page of stripes": Mutant(
        "find_entries", "coalesce(sum(e.balance_after), 0) INTO", "0 * coalesce(sum(e.balance_after), 0) INTO"
    ),
    "orders entries of one instant otherwise": Mutant(
        "find_entries", "e.created_at, e.account_id, e.version", "e.created_at, e.version, e.account_id"
    ),
    "leaves an instant's own entry out": Mutant(
        "balance_at", "a.version, p_at)", "a.version, p_at - interval '1 microsecond')"
    ),
    "leaves what was posted at a statement's end out of it": Mutant(
        "statement_ends", "a.version, to_at)", "a.version, to_at - interval '1 microsecond')"
    ),
    "gives any account for a known key": Mutant("replay_request", "v_known.request = p_request", "TRUE"),
    "takes a limit of zero": Mutant("list_ledger_entries", "greatest(p_limit, 1)", "p_limit"),
    "transfers to a wallet of another asset": Mutant(
        "request_refusal", " OR p_to_account_asset_type_id <> p_asset_type_id", ""
    ),
    "forgets all refunds but the last": Mutant(
        "write_specials", "SET refunded = r.refunded + excluded.refunded", "SET refunded = excluded.refunded"
    ),
    "lets every refund leave a debt": Mutant("load_quotas", "WHERE l.may_owe AND a.id", "WHERE a.id"),
    "lets held amounts be spent": Mutant("lock_accounts", "a.balance_min + a.held", "a.balance_min"),
    "frees only what is captured": Mutant(
        "resolve_hold_end", "v_line.reserve := v_hold.amount;", "v_line.reserve := v_line.amount;"
    ),
    "captures or voids a hold again": Mutant("resolve_hold_end", "v_line.draw := 1;", "v_line.draw := 0;"),
    "posts a journal that does not balance": Mutant(
        "journal_problem", "v_facts.debits IS DISTINCT FROM v_facts.credits", "FALSE"
    ),
    "credits a frozen account against its will": Mutant(
        "lock_accounts",
        "WHEN a.status = 'ACTIVE' OR a.status = 'FROZEN' AND a.credits_allowed THEN a.balance_max",
        "WHEN a.status <> 'CLOSED' THEN a.balance_max",
    ),
    "closes an account that is not empty": Mutant(
        "change_refusal", "((p_before).balance <> 0 OR (p_before).held <> 0)", "FALSE"
    ),
    "leaves a ceiling out of account": Mutant("settle_lines", "balances[v_cell] <= p_ceilings[v_cell]", "NULL"),
    "rounds a conversion up": Mutant("resolve_conversion", "v_credited := trunc(", "v_credited := round("),
}


@pytest.fixture(scope="module")
def books(databases: Databases) -> Iterator[Books]:
    """One scratch database for the module."""
    with databases.fresh(MIGRATED) as url, psycopg.connect(url, autocommit=True) as connection:
        # A fault may also be that it never ends.
        connection.execute("SET statement_timeout = '30s'")
        # Whether the routines are those of the release would be too easy.
        yield Books(connection, [SqlCaller(connection)], frozenset({"check_schema"}))


def test_nothing_is_found_without_a_fault(books: Books) -> None:
    """The same routine put in as it is: what is found below is found for the fault alone."""
    with put_in(books.connection, Mutant("settle_lines", "v_owner := coalesce(", "v_owner :=  coalesce(")):
        run_histories(machine_on(books), replace(EFFORT, examples=10))


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_the_fault_is_found(books: Books, mutant: Mutant) -> None:
    """Some history fails with it."""
    with put_in(books.connection, mutant), pytest.raises(FOUND):
        run_histories(machine_on(books), EFFORT, shrink=False)


@contextlib.contextmanager
def put_in(connection: Connection, mutant: Mutant) -> Iterator[None]:
    """Replace a routine by one with the fault, for a while."""
    text = (resources.functions_folder() / f"{mutant.routine}.sql").read_text()
    assert text.count(mutant.text) == 1, f"{mutant.routine} has changed: the fault has no place in it"
    connection.execute(text.replace(mutant.text, mutant.instead).encode())
    try:
        yield
    finally:
        connection.execute(text.encode())
