"""`wallet accounts`, `wallet statement` and `wallet export`: what is in the ledger, exactly, in bounded memory."""

import csv
import io
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from service.cli import exporting
from tests.conftest import Connect
from tests.support.database import SEEDED, Connection, Databases
from tests.support.ledger import Ledger, decoded
from tests.support.process import run_wallet, wallet_environment

LINES = 60_000
"""Of the account whose statement is long."""

MEMORY_MARGIN_KIB = 24 * 1024
"""What a long output may take more than a short one. All of it at once would take thrice that."""


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    """One database for the module: its tests add, and disturb nobody."""
    with databases.fresh(SEEDED) as found:
        yield found


@pytest.fixture
def ledger(url: str, connect: Connect) -> Ledger:
    """Its tables."""
    return Ledger(connect(url))


@pytest.fixture(scope="module")
def logins(url: str) -> Iterator[dict[str, str]]:
    """URLs of a login for each role: what people and services have in place of the superuser."""
    with psycopg.connect(url, autocommit=True) as superuser:
        for role in ("auditor", "service"):
            superuser.execute(f"CREATE ROLE reads_as_{role} LOGIN IN ROLE wallet_{role}".encode())
        yield {role: url.replace("postgres@", f"reads_as_{role}@") for role in ("auditor", "service")}
        superuser.execute("DROP ROLE reads_as_auditor, reads_as_service")


def account_of(connection: Connection, external_id: str) -> Any:
    """Give an account's id and its asset's."""
    row = connection.execute(
        "SELECT id, asset_type_id FROM wallet.accounts WHERE external_id = %s", [external_id]
    ).fetchone()
    assert row is not None
    return row


def words(line: str) -> list[str]:
    """Give the words of a line of a table."""
    return line.split()


# --- accounts


def test_accounts_are_listed(tmp_path: Path, url: str, logins: dict[str, str]) -> None:
    """By what they are, newest first, as a table and as the JSON that the service shows."""
    with psycopg.connect(url) as connection:
        gold = account_of(connection, "USER_ALICE_GC")[1]
        for number in range(3):
            connection.execute(
                "SELECT wallet.create_account(%s, %s, p_external_id => %s, p_owner_id => 'ann')",
                [f"Ann {number}", gold, f"ann-{number}"],
            )
    for login in logins.values():
        table = run_wallet(tmp_path, "accounts", "list", "--owner", "ann", DATABASE_URL=login)
        assert (table.returncode, table.stderr) == (0, "")
        head, *rows = table.stdout.splitlines()
        assert words(head) == ["Id", "External", "id", "Owner", "Status", "Asset", "Balance"]
        assert [words(row)[1:] for row in rows] == [
            [f"ann-{number}", "ann", "ACTIVE", "GC", "0"] for number in (2, 1, 0)
        ]
    wanted = ["--owner", "ann", "--asset", "GC", "--status", "ACTIVE", "--type", "USER", "--limit", "2", "--json"]
    listed = run_wallet(tmp_path, "accounts", "list", *wanted, DATABASE_URL=url)
    assert (listed.returncode, listed.stderr) == (0, "There are more than 2: --limit lists them too.\n")
    assert [account["externalId"] for account in json.loads(listed.stdout)] == ["ann-2", "ann-1"]
    every = run_wallet(tmp_path, "accounts", "list", "--json", "--limit", "1000", DATABASE_URL=url)
    with psycopg.connect(url) as connection:
        count = connection.execute("SELECT count(*) FROM wallet.accounts WHERE stripe = 0").fetchone()
    assert count == (len(json.loads(every.stdout)),)
    none = run_wallet(tmp_path, "accounts", "list", "--external-id", "nobody", "--json", DATABASE_URL=url)
    assert (none.returncode, none.stdout) == (0, "[]\n")


def test_more_accounts_than_a_page(tmp_path: Path, database_url: str, connect: Connect) -> None:
    """All of them are listed, each once."""
    books = Ledger(connect(database_url))
    gold = books.create_asset_type()
    expected = [str(books.create_wallet(gold)) for _ in range(120)]
    done = run_wallet(
        tmp_path, "accounts", "list", "--type", "USER", "--limit", "120", "--json", DATABASE_URL=database_url
    )
    assert [account["id"] for account in json.loads(done.stdout)] == expected[::-1]
    assert done.stderr == ""


def test_an_account_is_shown(tmp_path: Path, url: str, ledger: Ledger) -> None:
    """By either id, in full; one that is not there is told in a sentence."""
    id_, _ = account_of(ledger.connection, "USER_BOB_DM")
    shown = [
        run_wallet(tmp_path, "accounts", "show", name, "--json", DATABASE_URL=url)
        for name in ("USER_BOB_DM", str(id_).upper())
    ]
    assert shown[0].stdout == shown[1].stdout
    account = decoded(shown[0].stdout)
    assert (account["id"], account["name"], account["balance"]) == (str(id_), "Bob", 25)
    table = run_wallet(tmp_path, "accounts", "show", "USER_BOB_DM", DATABASE_URL=url)
    rows = dict([*words(line), ""][:2] for line in table.stdout.splitlines())
    assert (rows["id"], rows["balance"], rows["creditsAllowed"], rows["asset"]) == (str(id_), "25", "true", "DM")
    assert set(account) < set(rows)
    for name in ("nobody", "00000000-0000-4000-8000-000000000000"):
        done = run_wallet(tmp_path, "accounts", "show", name, DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"There is no account with the id or external id {name!r}.\n"
    done = run_wallet(tmp_path, "accounts", "list", "--asset", "XX", DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (1, "There is no asset 'XX', but DM, GC, LP.\n")


# --- statement


@pytest.fixture(scope="module")
def dora(url: str) -> str:
    """An account with three entries, one of them with texts that are dangerous to a spreadsheet."""
    with psycopg.connect(url, autocommit=True) as connection:
        books = Ledger(connection)
        _, gold = account_of(connection, "USER_ALICE_GC")
        books.create_account("Dora", gold, external_id="dora")
        account, _ = account_of(connection, "dora")
        books.top_up(account, Decimal("90071992547409.0001"))
        connection.execute(
            "SELECT wallet.bonus(%s, %s, 5, 'dora-bonus', p_reference_id => '=1+1', p_description => 'a \"b\", c')",
            [account, gold],
        )
        books.spend(account, "7.5")
    return "dora"


def test_a_statement_for_people(tmp_path: Path, url: str, dora: str, logins: dict[str, str]) -> None:
    """Opening, entries and closing, with exact amounts; also for finance's login."""
    for login in (url, logins["auditor"]):
        done = run_wallet(tmp_path, "statement", dora, DATABASE_URL=login)
        assert (done.returncode, done.stderr) == (0, "")
        head, *lines, last = done.stdout.splitlines()
        assert words(head) == ["Instant,", "UTC", "Type", "Debit", "Credit", "Balance", "Transaction"]
        assert last == "3 entries."
        assert [words(line)[2:-1] if len(words(line)) > 4 else words(line)[-2:] for line in lines] == [
            ["OPENING", "0"],
            ["TOP_UP", "90071992547409.0001", "90071992547409.0001"],
            ["BONUS", "5", "90071992547414.0001"],
            ["SPEND", "7.5", "90071992547406.5001"],
            ["CLOSING", "90071992547406.5001"],
        ]


def test_a_statement_for_programs(tmp_path: Path, url: str, dora: str) -> None:
    """CSV and JSON lines say the same, exactly; CSV defuses what a spreadsheet would run."""
    table = run_wallet(tmp_path, "statement", dora, "--csv", DATABASE_URL=url)
    data = run_wallet(tmp_path, "statement", dora, "--json", DATABASE_URL=url)
    assert (table.returncode, data.returncode) == (0, 0)
    rows = list(csv.DictReader(table.stdout.splitlines(keepends=True)))
    lines = [json.loads(line) for line in data.stdout.splitlines()]
    assert [row["record"] for row in rows] == ["OPENING", "ENTRY", "ENTRY", "ENTRY", "CLOSING"]
    assert (rows[2]["referenceId"], lines[2]["referenceId"]) == ("'=1+1", "=1+1")
    rows[2]["referenceId"] = "=1+1"
    for row, line in zip(rows, lines, strict=True):
        told = {name: "" if value is None else value for name, value in line.items()}
        told["version"] = str(told["version"])
        told["counterpartyAccountIds"] = " ".join(told["counterpartyAccountIds"])
        if row["record"] == "CLOSING":  # the instant is that of the command
            told["createdAt"] = row["createdAt"]
        assert row == told
    balance = sum(Decimal(row["credit"] or 0) - Decimal(row["debit"] or 0) for row in rows)
    assert balance == Decimal(rows[-1]["balance"]) == Decimal("90071992547406.5001")


def test_a_statement_between_instants(tmp_path: Path, url: str, dora: str, ledger: Ledger) -> None:
    """After --from, up to --to, whichever way they are written; a wrong one is wrong usage."""
    account, _ = account_of(ledger.connection, dora)
    instants = [
        at
        for (at,) in ledger.connection.execute(
            "SELECT created_at FROM wallet.ledger_entries WHERE account_id = %s ORDER BY version", [account]
        )
    ]
    bounds = ["--from", instants[0].isoformat(), "--to", instants[1].isoformat(), "--json"]
    done = run_wallet(tmp_path, "statement", dora, *bounds, DATABASE_URL=url)
    assert [(line["record"], line["balance"]) for line in map(json.loads, done.stdout.splitlines())] == [
        ("OPENING", "90071992547409.0001"),
        ("ENTRY", "90071992547414.0001"),
        ("CLOSING", "90071992547414.0001"),
    ]
    # A day is one of UTC, wherever the database has its clock.
    done = run_wallet(tmp_path, "statement", dora, "--to", "2020-01-01", "--json", DATABASE_URL=url, PGTZ="Asia/Tokyo")
    assert [json.loads(line)["createdAt"] for line in done.stdout.splitlines()][1:] == ["2020-01-01T00:00:00.000000Z"]
    done = run_wallet(tmp_path, "statement", dora, "--from", "2021-01-01", "--to", "2020-01-01", DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "WL001" in done.stderr
    for wrong in (["--from", "yesterday"], ["--csv", "--json"]):
        assert run_wallet(tmp_path, "statement", dora, *wrong, DATABASE_URL=url).returncode == 2


def test_balances_are_shown_exactly(tmp_path: Path, url: str, dora: str) -> None:
    """To people too: 18 digits."""
    for command in (["accounts", "show", dora], ["accounts", "list", "--external-id", dora]):
        done = run_wallet(tmp_path, *command, DATABASE_URL=url)
        assert "90071992547406.5001" in words(done.stdout)


# --- export


def exported(folder: Path, name: str) -> list[dict[str, str]]:
    """Read a file that was exported as CSV."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_export_is_the_ledger(tmp_path: Path, url: str, dora: str, ledger: Ledger, logins: dict[str, str]) -> None:
    """Every row, exactly; CSV and JSON lines say the same; the entries add up to the balances, stripes and all."""
    _, gold = account_of(ledger.connection, "USER_ALICE_GC")
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 4)")
    for _ in range(4):
        ledger.top_up(ledger.create_wallet(gold), 3)
    counts = ledger.counts()
    accounts = len(ledger.connection.execute("SELECT FROM wallet.accounts WHERE stripe = 0").fetchall())
    done = run_wallet(tmp_path, "export", "csv", DATABASE_URL=logins["auditor"])
    assert (done.returncode, done.stdout) == (0, "")
    expected = f"{accounts} accounts, {counts['transactions']} transactions, {counts['ledger_entries']} entries"
    assert done.stderr == f"Exported: {expected}.\n"
    assert sorted(path.name for path in (tmp_path / "csv").iterdir()) == [
        "accounts.csv",
        "entries.csv",
        "transactions.csv",
    ]
    done = run_wallet(tmp_path, "export", "json", "--format", "jsonl", DATABASE_URL=url)
    assert done.stderr == f"Exported: {expected}.\n"
    for name in exporting.TABLES:
        lines = [decoded(line) for line in (tmp_path / "json" / f"{name}.jsonl").read_text().splitlines()]
        for row, line in zip(exported(tmp_path / "csv", name), lines, strict=True):
            assert {field: _csv_text(field, value) for field, value in line.items()} == row
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    transactions = set()
    for entry in exported(tmp_path / "csv", "entries"):
        sums[entry["accountId"]] += Decimal(entry["amount"]) * (1 if entry["entryType"] == "CREDIT" else -1)
        transactions.add(entry["transactionId"])
    assert transactions == {row["id"] for row in exported(tmp_path / "csv", "transactions")}
    balances = {row["id"]: Decimal(row["balance"]) for row in exported(tmp_path / "csv", "accounts")}
    assert {id_: balance for id_, balance in balances.items() if balance or id_ in sums} == sums
    assert Decimal("90071992547406.5001") in balances.values()


def _csv_text(field: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if field == "referenceId" and str(value).startswith("="):
        return f"'{value}"
    return str(value)


def test_an_export_is_of_one_moment(
    tmp_path: Path, database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is posted while it is written is in none of the files."""
    books = Ledger(connect(database_url))
    wallet = books.create_wallet(books.create_asset_type())
    books.top_up(wallet, 1)
    copy = exporting._copy

    def posting_meanwhile(*arguments: Any) -> int:
        count = copy(*arguments)
        books.top_up(wallet, 1)
        return count

    monkeypatch.setattr(exporting, "_copy", posting_meanwhile)
    rows = exporting.export(database_url, list(exporting.TABLES), "csv", tmp_path / "out", Console(stderr=True))
    assert rows == {"accounts": 4, "transactions": 1, "entries": 2}
    assert books.balance(wallet) == 4
    assert {row["balance"] for row in exported(tmp_path / "out", "accounts")} == {"1", "-1", "0"}


def test_an_export_that_is_broken_off(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends it half way, no file is left, not even those that were whole."""
    copy = exporting._copy

    def ending_at_the_last(*arguments: Any) -> int:
        if arguments[1] == "entries":
            raise KeyboardInterrupt
        assert list((tmp_path / "out").glob("*.part"))
        return copy(*arguments)

    monkeypatch.setattr(exporting, "_copy", ending_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        exporting.export(url, list(exporting.TABLES), "csv", tmp_path / "out", Console(stderr=True))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_progress_of_an_export(tmp_path: Path, url: str, is_terminal: bool) -> None:
    """A bar for each table, which is full in the end; where nobody looks, nothing."""
    said = io.StringIO()
    console = Console(file=said, force_terminal=is_terminal, width=100)
    rows = exporting.export(url, ["accounts", "entries"], "csv", tmp_path, console)
    if not is_terminal:
        assert said.getvalue() == ""
        return
    for name, count in rows.items():
        assert re.search(rf"{name} .*{count}/{count}", said.getvalue())


def test_an_export_is_whole_or_not_there(tmp_path: Path, url: str, dora: str, logins: dict[str, str]) -> None:
    """A login that may not, a file that is there, no folder, a disk that is full: a sentence, and no file."""
    done = run_wallet(tmp_path, "export", "none", DATABASE_URL=logins["service"])
    assert done.returncode == 1
    assert done.stderr == "The database refused: permission denied for table accounts (42501).\n"
    assert list((tmp_path / "none").iterdir()) == []
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "entries.csv").write_text("mine")
    done = run_wallet(tmp_path, "export", "some", DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (
        1,
        "some/entries.csv is there already: name another folder, or remove it.\n",
    )
    assert [path.read_text() for path in (tmp_path / "some").iterdir()] == ["mine"]
    (tmp_path / "file").touch()
    done = run_wallet(tmp_path, "export", "file", DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (1, "The export cannot be written to file: File exists.\n")
    full = run_wallet_into(Path("/dev/full"), tmp_path, "export", "-", "--only", "entries", DATABASE_URL=url)
    assert (full.returncode, full.stderr) == (1, "The export cannot be written: No space left on device.\n")


def run_wallet_into(path: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its standard output into a file."""
    with path.open("wb") as file:
        return subprocess.run(
            [sys.executable, "-c", "from service.cli import main; main()", *arguments],
            cwd=folder,
            env=wallet_environment(**variables),
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


def test_an_export_to_standard_output(tmp_path: Path, url: str, dora: str) -> None:
    """One table, and nothing else there; two are wrong usage."""
    done = run_wallet(tmp_path, "export", "-", "--only", "accounts", "--format", "jsonl", DATABASE_URL=url)
    assert done.returncode == 0
    assert "dora" in {json.loads(line)["externalId"] for line in done.stdout.splitlines()}
    assert run_wallet(tmp_path, "export", "-", DATABASE_URL=url).returncode == 2


# --- bounded memory

_WITH_PEAK = """
import atexit, sys
@atexit.register
def tell():
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(peak.split()[1], file=sys.stderr)
from service.cli import main
main()
"""


@pytest.fixture(scope="module")
def long_url(databases: Databases) -> Iterator[str]:
    """A ledger in which Alice has very many entries. They are put there by force: posting them would take minutes."""
    with databases.fresh(SEEDED) as found:
        with psycopg.connect(found) as connection:
            account, _ = account_of(connection, "USER_ALICE_GC")
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                """
                INSERT INTO wallet.ledger_entries
                    (account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after)
                SELECT %s, wallet.transaction_id(n + 1000, gen_random_uuid()), n, now() + n * interval '1 microsecond',
                    'CREDIT', 2, 1, 1000 + n
                FROM generate_series(2, %s) AS n
                """,
                [account, LINES],
            )
            connection.execute(
                "UPDATE wallet.accounts SET version = %s, updated_at = now() + interval '1 second' WHERE id = %s",
                [LINES, account],
            )
        yield found


def peak_kib(folder: Path, url: str, *arguments: str) -> tuple[int, int]:
    """Run a command; give the most memory it had, and how many lines it printed."""
    with (folder / "printed").open("w+b") as printed:
        done = subprocess.run(
            [sys.executable, "-c", _WITH_PEAK, *arguments],
            cwd=folder,
            env=wallet_environment(DATABASE_URL=url),
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        printed.seek(0)
        count = sum(1 for _ in printed)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1]), count


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "arguments",
    [
        ["statement", "USER_ALICE_GC", "--csv"],
        ["export", "-", "--only", "entries"],
    ],
    ids=" ".join,
)
def test_memory_does_not_grow_with_the_ledger(tmp_path: Path, url: str, long_url: str, arguments: list[str]) -> None:
    """A long output takes no more memory than a short one."""
    short, few = peak_kib(tmp_path, url, *arguments)
    long, many = peak_kib(tmp_path, long_url, *arguments)
    assert many > LINES > few
    assert long - short < MEMORY_MARGIN_KIB


def test_a_long_statement_is_not_for_eyes(tmp_path: Path, long_url: str) -> None:
    """It is refused, and says how it is to be had; it is never cut off."""
    done = run_wallet(tmp_path, "statement", "USER_ALICE_GC", DATABASE_URL=long_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The statement has more than 1,000 entries")
