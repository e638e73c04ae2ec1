"""`wallet seal`, `wallet verify` and `wallet doctor --quick`, as the real command on a real database."""

import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from service.cli.checking import run_doctor
from service.cli.sealing import SealLine, seal_closed_days, verify
from tests.conftest import Connect
from tests.database.test_seals import put_on_days
from tests.support.database import Connection
from tests.support.guards import unguarded
from tests.support.ledger import Ledger
from tests.support.operations import Operation, call
from tests.support.process import run_wallet, wallet_command, wallet_environment

LINE = re.compile(r"\d{4}-\d\d-\d\d \d+ [0-9a-f]{64}")

CLEAN = "All is as it was sealed: "


@pytest.fixture
def connection(seeded_url: str, connect: Connect) -> Connection:
    """The superuser's, on the demo data, of which all but the last posting are on two days that are over."""
    connection = connect(seeded_url)
    put_on_days(connection, {10: 3, 11: 3, 12: 1, 13: 1, 14: 1})
    return connection


def tamper(connection: Connection, statement: str) -> None:
    """Run a statement past the guards."""
    with unguarded(connection):
        connection.execute(statement.encode())


def test_each_closed_day_is_a_line_and_is_verified(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """A second run has nothing to do, says so, and prints no line; the ledger is as it was sealed."""
    sealed = run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url)
    assert (sealed.returncode, sealed.stderr) == (0, "")
    lines = sealed.stdout.splitlines()
    rows = connection.execute("SELECT format('%s %s %s', day, seal, sha256) FROM wallet.list_seals()").fetchall()
    assert lines == [row[0] for row in rows]
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) for line in lines)
    again = run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url)
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == "No day that is over has anything new to seal.\n"
    kept = tmp_path / "seals.txt"
    kept.write_text(f"# kept elsewhere\n\n{sealed.stdout}")
    counted = connection.execute("SELECT sum(row_count) FROM wallet.list_seals()").fetchone()
    assert counted is not None
    for arguments, compared in (
        ([], ""),
        (["--against", str(kept)], " 2 lines kept outside compared."),
        (["--against", lines[0]], " 1 line kept outside compared."),
        (["--against", lines[1]], " 1 line kept outside compared."),
    ):
        done = run_wallet(tmp_path, "verify", *arguments, DATABASE_URL=seeded_url)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{CLEAN}2 seals, {counted[0]} rows, up to number 14.{compared}\n"


def test_what_was_tampered_with_is_named(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """One line each, exit code 1; --since leaves out the seals of days before."""
    lines = run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).stdout.splitlines()
    tamper(connection, "UPDATE wallet.transactions SET amount = 9 WHERE wallet.transaction_number(id) = 11")
    tamper(
        connection, "DELETE FROM wallet.ledger_entries WHERE wallet.transaction_number(transaction_id) = 13 AND leg = 2"
    )
    done = run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url)
    assert (done.returncode, done.stderr) == (1, "2 differences from what was sealed.\n")
    edited, deleted = done.stdout.splitlines()
    assert re.fullmatch(
        rf"seal 1 \({lines[0][:10]}\): transaction number 11 was edited \(transaction [0-9a-f-]{{36}}\)", edited
    )
    assert deleted == f"seal 2 ({lines[1][:10]}): entry 2 of transaction number 13 was deleted"
    since = run_wallet(tmp_path, "verify", "--since", lines[1][:10], DATABASE_URL=seeded_url)
    assert (since.returncode, since.stdout.splitlines()) == (1, [deleted])
    assert since.stderr == "1 difference from what was sealed.\n"


def test_a_hold_that_was_tampered_with_is_named(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """By its number; its id is there while it is."""
    ledger = Ledger(connection)
    row = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_GC'").fetchone()
    assert row is not None
    hold = Operation(type="HOLD", key="h", account_id=row[0], asset_type_id=ledger.asset_of(row[0]), amount=1)
    made = call(ledger, hold).id
    connection.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
    tamper(connection, "UPDATE wallet.holds SET amount = 2")
    done = run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].endswith(
        f": the hold with number 16 was edited (transaction {made}, account {row[0]})"
    )
    tamper(connection, "DELETE FROM wallet.holds")
    done = run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url)
    assert done.stdout.splitlines()[0].endswith(": the hold with number 16 was deleted")


def test_seals_that_were_made_anew_are_found_by_the_line_outside(
    tmp_path: Path, seeded_url: str, connection: Connection
) -> None:
    """Everything in the database agrees; the line that was kept does not. Nor does it when the seals are gone."""
    lines = run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).stdout.splitlines()
    kept = tmp_path / "seals.txt"
    kept.write_text("\n".join(lines))
    tamper(connection, "UPDATE wallet.transactions SET amount = 9 WHERE wallet.transaction_number(id) = 14")
    tamper(connection, "DELETE FROM wallet.seals WHERE seal = 2")
    tamper(connection, "DELETE FROM wallet.seal_blocks WHERE seal = 2")
    # The newest seal is removed: what is left agrees, but for the line.
    assert run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url).returncode == 0
    gone = run_wallet(tmp_path, "verify", "--against", str(kept), DATABASE_URL=seeded_url)
    assert gone.returncode == 1
    assert gone.stdout == f"seal 2 ({lines[1][:10]}): is not there, but its line was kept\n"
    assert run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).returncode == 0
    assert run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url).returncode == 0
    for against in (str(kept), lines[1]):
        other = run_wallet(tmp_path, "verify", "--against", against, DATABASE_URL=seeded_url)
        assert other.returncode == 1
        assert other.stdout == f"seal 2 ({lines[1][:10]}): is another one than the line that was kept\n"
    tamper(connection, "DELETE FROM wallet.seals")
    every = run_wallet(tmp_path, "verify", "--against", str(kept), DATABASE_URL=seeded_url)
    assert (every.returncode, len(every.stdout.splitlines())) == (1, 2)


def test_a_ledger_without_seals_is_not_called_whole(tmp_path: Path, seeded_url: str) -> None:
    """They may have been removed, all of them."""
    done = run_wallet(tmp_path, "verify", DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Nothing is sealed: `wallet seal` seals the days that are over.\n"


def test_what_is_no_line_and_no_file_is_wrong_usage(tmp_path: Path) -> None:
    """Exit code 2, before the database is asked."""
    bad = tmp_path / "bad.txt"
    bad.write_text(f"2026-01-01 1 {'0' * 64}\n2026-01-01 1 {'0' * 63}\n")
    for against in ("nonsense", "not-there.txt", str(bad), str(tmp_path), "2026-13-01 1 " + "0" * 64):
        done = run_wallet(tmp_path, "verify", "--against", against, DATABASE_URL="postgresql://nowhere.invalid/x")
        assert (done.returncode, done.stdout) == (2, ""), against
        assert "Traceback" not in done.stderr
    assert run_wallet(tmp_path, "verify", "--since", "yesterday").returncode == 2
    assert run_wallet(tmp_path, "seal", "surplus").returncode == 2


def test_a_line_that_cannot_be_written_seals_nothing(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """A seal whose line nobody has proves nothing. The next run makes it."""
    before = subprocess.Popen(
        wallet_command("seal"),
        cwd=tmp_path,
        env=wallet_environment(DATABASE_URL=seeded_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert before.stdout is not None
    # A reader that is gone, and a disk that is full.
    before.stdout.close()
    assert before.stderr is not None
    broken = (before.stderr.read(), before.wait())
    before.stderr.close()
    with Path("/dev/full").open("wb") as full_disk:
        full = subprocess.run(
            wallet_command("seal"),
            cwd=tmp_path,
            env=wallet_environment(DATABASE_URL=seeded_url),
            stdout=full_disk,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    for stderr, exit_code in (broken, (full.stderr, full.returncode)):
        assert re.fullmatch(r"Standard output cannot be written \([^)]+\): \d{4}-\d\d-\d\d is not sealed\.\n", stderr)
        assert exit_code == 1
    assert connection.execute("SELECT count(*) FROM wallet.list_seals()").fetchone() == (0,)
    assert len(run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).stdout.splitlines()) == 2


def test_nothing_that_was_compared_is_not_called_whole(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """A file without a line is wrong usage; a day after every seal verifies nothing."""
    assert run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).returncode == 0
    empty = tmp_path / "empty.txt"
    for text in ("", "\n\n", "# a comment\n"):
        empty.write_text(text)
        done = run_wallet(tmp_path, "verify", "--against", str(empty), DATABASE_URL=seeded_url)
        assert (done.returncode, done.stdout) == (2, "")
        assert "has no line of `wallet seal` in it." in done.stderr
    done = run_wallet(tmp_path, "verify", "--since", "2999-01-01", DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Nothing was verified: no seal is of 2999-01-01 or later.\n"


def test_a_doctor_that_may_not_write_tells_what_it_found(
    tmp_path: Path, seeded_url: str, connection: Connection
) -> None:
    """It only cannot note where the next quick run may begin."""
    name = seeded_url.rpartition("/")[2]
    connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    done = run_wallet(tmp_path, "doctor", "--json", DATABASE_URL=seeded_url)
    assert (done.returncode, fired(done.stdout)) == (0, set())
    assert done.stderr == (
        "The run is not noted as the beginning of quick ones (cannot execute INSERT in a read-only transaction).\n"
    )


def test_a_database_with_another_client_encoding(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """What the database sends is read all the same."""
    name = seeded_url.rpartition("/")[2]
    connection.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'".encode())
    assert run_wallet(tmp_path, "doctor", DATABASE_URL=seeded_url).returncode == 0
    done = run_wallet(tmp_path, "keys", "create", "--name", "口", "--scope", "read", DATABASE_URL=seeded_url)
    assert done.returncode == 0
    done = run_wallet(tmp_path, "keys", "list", DATABASE_URL=seeded_url, PYTHONIOENCODING="utf-8")
    assert "口" in done.stdout


def test_a_login_at_another_isolation_level_seals_too(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """The command chooses the level, whatever the database's default is."""
    name = seeded_url.rpartition("/")[2]
    connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode())
    assert len(run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).stdout.splitlines()) == 2


def test_a_posting_that_stays_open_ends_the_seal_with_a_sentence(
    tmp_path: Path, seeded_url: str, connection: Connection, connect: Connect
) -> None:
    """After ten seconds; nothing is sealed, and nobody's posting waited."""
    other = connect(seeded_url)
    row = other.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_LP'").fetchone()
    assert row is not None
    other.execute("BEGIN")
    Ledger(other).top_up(row[0], 1)
    done = run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url)
    other.execute("ROLLBACK")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("The database refused: A transaction that posts has been open for more than 10 s (55P03).\n")
    assert len(run_wallet(tmp_path, "seal", DATABASE_URL=seeded_url).stdout.splitlines()) == 2


def fired(stdout: str) -> set[str]:
    """Give the checks that found something, from the JSON."""
    return {check["check_name"] for check in json.loads(stdout) if check["problems"]}


def test_a_quick_doctor_goes_on_from_the_last_clean_run(
    tmp_path: Path, seeded_url: str, connection: Connection
) -> None:
    """Without one it checks everything; then only what is new; a run with problems is no clean point."""
    first = run_wallet(tmp_path, "doctor", "--quick", "--json", DATABASE_URL=seeded_url)
    assert first.returncode == 0
    assert first.stderr == "No clean full run is on record, so everything is checked.\n"
    assert connection.execute("SELECT number FROM wallet.doctor_runs").fetchall() == [(15,)]
    ledger = Ledger(connection)
    row = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_LP'").fetchone()
    assert row is not None
    ledger.top_up(row[0], 1)
    quick = run_wallet(tmp_path, "doctor", "--quick", "--json", DATABASE_URL=seeded_url)
    assert (quick.returncode, fired(quick.stdout)) == (0, set())
    assert re.fullmatch(r"Checking what was posted after number 15, clean at [^\n]+\.\n", quick.stderr)
    assert 0 < len(json.loads(quick.stdout)) < len(json.loads(first.stdout))
    tamper(connection, "UPDATE wallet.transactions SET amount = 9 WHERE wallet.transaction_number(id) = 11")
    assert run_wallet(tmp_path, "doctor", "--quick", DATABASE_URL=seeded_url).returncode == 0
    tamper(connection, "UPDATE wallet.transactions SET amount = 9 WHERE wallet.transaction_number(id) = 16")
    quick = run_wallet(tmp_path, "doctor", "--quick", "--json", DATABASE_URL=seeded_url)
    assert (quick.returncode, fired(quick.stdout)) == (1, {"check_transactions"})
    full = run_wallet(tmp_path, "doctor", "--json", DATABASE_URL=seeded_url)
    assert (full.returncode, fired(full.stdout)) == (1, {"check_transactions", "check_ranges"})
    assert connection.execute("SELECT number FROM wallet.doctor_runs").fetchall() == [(15,)]


def test_an_auditors_doctor_notes_nothing(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """That role changes nothing; a run of the service's login is noted."""
    connection.execute("CREATE ROLE auditing LOGIN IN ROLE wallet_auditor")
    connection.execute("CREATE ROLE serving LOGIN IN ROLE wallet_service")
    try:
        for login, noted in (("auditing", 0), ("serving", 1)):
            url = seeded_url.replace("postgres@", f"{login}@")
            done = run_wallet(tmp_path, "doctor", DATABASE_URL=url)
            assert (done.returncode, done.stderr) == (0, "")
            assert connection.execute("SELECT count(*) FROM wallet.doctor_runs").fetchone() == (noted,)
            assert run_wallet(tmp_path, "doctor", "--quick", DATABASE_URL=url).returncode == 0
        url = seeded_url.replace("postgres@", "serving@")
        assert run_wallet(tmp_path, "seal", DATABASE_URL=url).returncode == 0
        url = seeded_url.replace("postgres@", "auditing@")
        assert run_wallet(tmp_path, "verify", DATABASE_URL=url).stdout.startswith(CLEAN)
        refused = run_wallet(tmp_path, "seal", DATABASE_URL=url)
        assert refused.returncode == 1
        assert "permission denied" in refused.stderr
    finally:
        connection.execute("DROP ROLE auditing")
        connection.execute("DROP ROLE serving")


def test_a_doctor_beside_an_open_posting_is_not_noted(
    tmp_path: Path, seeded_url: str, connection: Connection, connect: Connect
) -> None:
    """It checks all the same; but it cannot say up to which number."""
    other = connect(seeded_url)
    row = other.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_LP'").fetchone()
    assert row is not None
    other.execute("BEGIN")
    Ledger(other).top_up(row[0], 1)
    done = run_wallet(tmp_path, "doctor", DATABASE_URL=seeded_url)
    other.execute("ROLLBACK")
    assert done.returncode == 0
    assert done.stderr == (
        "A transaction that posts has been open for more than 10 s."
        " The run is not noted as the beginning of quick ones.\n"
    )
    assert connection.execute("SELECT count(*) FROM wallet.doctor_runs").fetchone() == (0,)


def test_progress_is_shown_on_a_terminal_and_nowhere_else(seeded_url: str, connection: Connection) -> None:
    """The check that runs and the day that is sealed; to a file nothing is written."""
    shown = {}
    for is_terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=is_terminal, width=100, _environ={"TERM": "xterm"})
        run_doctor(seeded_url, False, console)
        lines: list[SealLine] = []
        seal_closed_days(seeded_url, console, lines.append)
        verify(seeded_url, lines, None, console)
        assert isinstance(console.file, io.StringIO)
        shown[is_terminal] = console.file.getvalue()
        tamper(connection, "DELETE FROM wallet.seals")
        tamper(connection, "DELETE FROM wallet.seal_blocks")
    assert shown[False] == ""
    for expected in ("check_ranges", f"sealing {lines[-1].day}", f"verifying {lines[-1].day}"):
        assert expected in shown[True]
