"""What is in the schema: every routine has its file, its comment, its safe settings and just its grants."""

import itertools
from collections.abc import Iterator

import pytest

from service import resources
from tests.support.database import MIGRATED, Connection, Databases

SERVICE = "wallet_service"
JOBS = "wallet_jobs"
AUDITOR = "wallet_auditor"

POSTING = {SERVICE, JOBS}
READING = {SERVICE, JOBS, AUDITOR}
CHECKING = {SERVICE, AUDITOR}

GRANTS = {
    "top_up": POSTING,
    "bonus": POSTING,
    "spend": POSTING,
    "post": POSTING,
    "post_operations": POSTING,
    "transfer": POSTING,
    "journal": POSTING,
    "refund": POSTING,
    "hold": POSTING,
    "capture": POSTING,
    "void": POSTING,
    "convert": POSTING,
    "post_json": {SERVICE},
    "post_atomic_json": {SERVICE},
    "find_api_keys": {SERVICE},
    "has_api_keys": {SERVICE},
    "create_account": POSTING,
    "change_account": {JOBS},
    "administer_json": {SERVICE},
    "list_accounts": READING,
    "list_account_changes": READING,
    "list_budgets": READING,
    "list_budget_changes": READING,
    "list_spending_limits": READING,
    "list_spending_limit_changes": READING,
    "set_budget": {SERVICE},
    "set_spending_limit": {SERVICE},
    "get_webhook": CHECKING,
    "list_webhooks": CHECKING,
    "list_webhook_changes": CHECKING,
    "list_deliveries": CHECKING,
    "lease_webhooks": {SERVICE},
    "webhook_work": {SERVICE},
    "prune_deliveries": {SERVICE},
    "webhook_figures": CHECKING,
    "list_asset_type_changes": READING,
    "owner_balances": READING,
    "search_transactions": READING,
    "get_idempotency_key": READING,
    "get_account": READING,
    "get_balance": READING,
    "get_transaction": READING,
    "list_transaction_entries": READING,
    "list_trial_balance": {SERVICE},
    "doctor_report": {SERVICE},
    "get_hold": READING,
    "balance_at": READING,
    "statement": READING,
    "open_statement": {SERVICE},
    "statement_page": {SERVICE},
    "read_accounts": READING,
    "read_balances": READING,
    "read_transactions": READING,
    "read_holds": READING,
    "public_account_id": READING,
    "list_asset_types": READING,
    "list_ledger_entries": READING,
    "list_transactions": READING,
    "list_holds": READING,
    "current_release": READING,
    "refusals": READING,
    "doctor_checks": READING,
    "doctor": CHECKING,
    "trial_balance": CHECKING,
    "check_account_assets": CHECKING,
    "check_account_clocks": CHECKING,
    "check_account_floors": CHECKING,
    "check_amounts": CHECKING,
    "check_assets": CHECKING,
    "check_balances": CHECKING,
    "check_clock": CHECKING,
    "check_counts": CHECKING,
    "check_directions": CHECKING,
    "check_entry_chains": CHECKING,
    "check_entry_order": CHECKING,
    "check_floors": CHECKING,
    "check_guards": CHECKING,
    "check_idempotency_keys": CHECKING,
    "check_indexes": CHECKING,
    "check_instants": CHECKING,
    "check_number_order": CHECKING,
    "check_orphans": CHECKING,
    "check_posters": CHECKING,
    "check_releases": CHECKING,
    "check_rights": CHECKING,
    "check_routines": CHECKING,
    "check_schema": CHECKING,
    "check_seals": CHECKING,
    "check_system_accounts": CHECKING,
    "check_transaction_ids": CHECKING,
    "check_transactions": CHECKING,
    "check_treasuries": CHECKING,
    "check_trial_balance": CHECKING,
    "check_versions": CHECKING,
    "check_refunds": CHECKING,
    "check_refund_totals": CHECKING,
    "check_holds": CHECKING,
    "check_held": CHECKING,
    "check_captures": CHECKING,
    "check_conversions": CHECKING,
    "check_ceilings": CHECKING,
    "check_closed_accounts": CHECKING,
    "check_changes": CHECKING,
    "check_budgets": CHECKING,
    "check_debit_totals": CHECKING,
    "check_ranges": CHECKING,
    "run_check": CHECKING,
    "clean_point": CHECKING,
    "schema_objects": CHECKING,
    "list_seals": CHECKING,
    "verify_seal": CHECKING,
    "record_clean_run": {SERVICE},
    "settled_number": {SERVICE},
    "list_events": READING,
    "event_horizon": READING,
    "seal_plan": {SERVICE},
    "seal_range": {SERVICE},
}
"""Who may execute what; every other routine is for wallet_owner alone."""

BODY_LINES_MAX = 70

SELF_EXPLANATORY_COLUMNS = {
    # The same everywhere: what the row is, when it came to be.
    "id",
    "created_at",
    "updated_at",
    "asset_type_id",
    "account_id",
    "transaction_id",
    "account_type",
    "entry_type",
    "type",
    "status",
    "amount",
    "name",
    "email",
    "description",
    "reference_id",
    "metadata",
    # Told by the comment of their table.
    "key",
    "release",
    "migrations",
    "functions_sha256",
    "applied_at",
    "level",
    "block",
    "transaction_count",
    "stripe",
    "is_never_filled",
}

ROUTINES = """
    SELECT p.proname
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = 'wallet'::regnamespace
"""


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: nothing here changes it."""
    with databases.fresh(MIGRATED) as url:
        yield url


def column(connection: Connection, query: str) -> list[str]:
    """Give the one column of a query, sorted."""
    return sorted(row[0] for row in connection.execute(query.encode()).fetchall())


def test_each_routine_has_one_file_and_one_overload(connection: Connection) -> None:
    """The files of db/functions are the routines of the schema: none is left over, none is overloaded."""
    files = sorted(path.stem for path in resources.functions_folder().glob("*.sql"))
    assert column(connection, ROUTINES) == files


def test_each_file_creates_just_the_routine_it_is_named_after() -> None:
    """A file's one CREATE FUNCTION is that of its name."""
    for path in resources.functions_folder().glob("*.sql"):
        lines = [line for line in path.read_text().splitlines() if line.startswith("CREATE OR REPLACE FUNCTION ")]
        assert [line.split()[4].partition("(")[0] for line in lines] == [f"wallet.{path.stem}"]


def test_each_routine_has_a_comment(connection: Connection) -> None:
    """`\\df+` in psql explains every routine."""
    assert column(connection, f"{ROUTINES} AND obj_description(p.oid, 'pg_proc') IS NULL") == []


def test_no_search_path_of_a_caller_reaches_a_routine(connection: Connection) -> None:
    """A routine fixes its search_path, or was bound to what it names when it was made."""
    unsafe = f"""{ROUTINES}
        AND p.prosqlbody IS NULL
        AND coalesce(NOT p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], TRUE)"""
    assert column(connection, unsafe) == []


def test_each_routine_belongs_to_the_owner(connection: Connection) -> None:
    """Nobody logs in as the owner of the routines."""
    assert column(connection, f"{ROUTINES} AND p.proowner <> 'wallet_owner'::regrole") == []
    login = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wallet_owner'").fetchone()
    assert login == (False,)


def test_the_grants_are_the_published_ones(connection: Connection) -> None:
    """Each role may execute what GRANTS says and nothing else; PUBLIC nothing at all."""
    rows = connection.execute("""
        SELECT p.proname, coalesce(g.rolname, 'PUBLIC')
        FROM pg_catalog.pg_proc AS p
        CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        LEFT JOIN pg_catalog.pg_roles AS g ON a.grantee = g.oid
        WHERE p.pronamespace = 'wallet'::regnamespace AND a.grantee <> p.proowner
        ORDER BY 1, 2""").fetchall()
    granted = {name: {role for _, role in roles} for name, roles in itertools.groupby(rows, lambda row: row[0])}
    assert granted == GRANTS


def test_only_what_somebody_may_call_runs_as_the_owner(connection: Connection) -> None:
    """SECURITY DEFINER is for the functions of the interface, none of which is a trigger."""
    definers = column(connection, f"{ROUTINES} AND p.prosecdef")
    assert set(definers) <= set(GRANTS)
    # Those that touch no table need no rights.
    assert set(GRANTS) - set(definers) == {"refusals", "public_account_id"}


def test_bodies_are_short(connection: Connection) -> None:
    """A routine fits a screen."""
    long_ones = f"""{ROUTINES} AND
        array_length(string_to_array(btrim(p.prosrc, E'\\n'), E'\\n'), 1) > {BODY_LINES_MAX}"""
    assert column(connection, long_ones) == []


def test_parameters_cannot_be_taken_for_columns(connection: Connection) -> None:
    """Inputs start with p_."""
    wrong = connection.execute("""
        SELECT p.proname, n.name
        FROM pg_catalog.pg_proc AS p
        CROSS JOIN LATERAL unnest(
            p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::integer]))
        ) AS n (name, mode)
        WHERE p.pronamespace = 'wallet'::regnamespace AND n.mode IN ('i', 'v') AND n.name NOT LIKE 'p\\_%'""")
    assert wrong.fetchall() == []


def test_routines_that_write_are_volatile_and_the_interface_for_reading_is_stable(
    connection: Connection,
) -> None:
    """STABLE reads see one snapshot, and can be run on a standby."""
    writing = {
        "top_up",
        "bonus",
        "spend",
        "transfer",
        "journal",
        "refund",
        "hold",
        "capture",
        "void",
        "convert",
        "post_operations",
        "post",
        "post_json",
        "post_atomic_json",
        "create_account",
        "change_account",
        "administer_json",
        "set_budget",
        "set_spending_limit",
        "lease_webhooks",
        "webhook_work",
        "prune_deliveries",
        "seal_range",
        "record_clean_run",
        "settled_number",
        # They need a snapshot for each statement, and are refused on a standby.
        "list_events",
        "event_horizon",
        "open_statement",
    }
    volatile = column(connection, f"{ROUTINES} AND p.provolatile = 'v'")
    assert set(volatile) & set(GRANTS) == writing


def test_tables_types_sequences_and_the_schema_have_comments(connection: Connection) -> None:
    """psql explains every object of the schema."""
    uncommented = """
        SELECT format('%s %s', c.relkind, c.relname)
        FROM pg_catalog.pg_class AS c
        WHERE
            c.relnamespace = 'wallet'::regnamespace
            AND (
                c.relkind IN ('r', 'v', 'm')
                -- The sequence of an identity column is told by its column.
                OR c.relkind = 'S' AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'i'
                )
            )
            AND obj_description(c.oid, 'pg_class') IS NULL
        UNION ALL
        SELECT format('type %s', t.typname)
        FROM pg_catalog.pg_type AS t
        LEFT JOIN pg_catalog.pg_class AS c ON t.typrelid = c.oid
        WHERE
            t.typnamespace = 'wallet'::regnamespace
            AND (t.typtype = 'e' OR c.relkind = 'c')
            AND obj_description(t.oid, 'pg_type') IS NULL
        UNION ALL
        SELECT 'schema' WHERE obj_description('wallet'::regnamespace, 'pg_namespace') IS NULL
    """
    assert column(connection, uncommented) == []


def test_indexes_with_a_purpose_of_their_own_have_comments(connection: Connection) -> None:
    """What is no constraint's index says what it is for."""
    uncommented = """
        SELECT i.indexrelid::regclass::text
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
        WHERE
            c.relnamespace = 'wallet'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid)
            AND obj_description(i.indexrelid, 'pg_class') IS NULL
    """
    assert column(connection, uncommented) == []


def test_columns_whose_name_does_not_say_it_all_have_comments(connection: Connection) -> None:
    """Either the name is on the list of plain ones, or there is a comment."""
    uncommented = column(
        connection,
        """
        SELECT DISTINCT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid
        WHERE
            c.relnamespace = 'wallet'::regnamespace AND c.relkind = 'r'
            AND a.attnum > 0 AND NOT a.attisdropped
            AND col_description(c.oid, a.attnum) IS NULL
        """,
    )
    assert set(uncommented) <= SELF_EXPLANATORY_COLUMNS


def test_triggers_have_comments(connection: Connection) -> None:
    """Each guard says what it guards."""
    uncommented = """
        SELECT t.tgname::text || ' on ' || t.tgrelid::regclass
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_class AS c ON t.tgrelid = c.oid
        WHERE
            c.relnamespace = 'wallet'::regnamespace AND NOT t.tgisinternal
            AND obj_description(t.oid, 'pg_trigger') IS NULL
    """
    assert column(connection, uncommented) == []


def test_the_refusals_are_well_formed_and_each_is_raised_or_answered(connection: Connection) -> None:
    """SQLSTATEs are valid and unique, codes too."""
    rows = connection.execute("SELECT sqlstate, code, http_status FROM wallet.refusals()").fetchall()
    assert [row[0] for row in rows] == [f"WL{number:03}" for number in range(1, len(rows) + 1)]
    assert len({row[1] for row in rows}) == len(rows)
    assert {row[2] for row in rows} <= {400, 404, 409, 422, 500}
    sources = "".join(path.read_text() for path in resources.functions_folder().glob("*.sql"))
    for sqlstate, code, _ in rows:
        assert sources.count(f"'{sqlstate}'") + sources.count(f"'{code}'") > 2, code
