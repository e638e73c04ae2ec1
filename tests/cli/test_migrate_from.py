"""`wallet migrate-from`: the books of an older service become this wallet's, and are proved to be the same."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from rich.progress import Progress

from service.cli.migrating.checks import check_source, check_target
from service.cli.migrating.moving import move
from service.cli.migrating.proof import prove
from service.cli.migrating.source import Basis, Source, open_source
from tests.conftest import Connect, StartApp
from tests.http.batches import gate_held
from tests.http.waiting import until_waiting
from tests.support.database import Connection, Databases
from tests.support.ledger import Ledger
from tests.support.older_service import OlderService
from tests.support.process import run_wallet, wallet_command, wallet_environment

EQUAL = "The wallet holds what the source held.\n"


@pytest.fixture
def source_url(databases: Databases) -> Iterator[str]:
    """A database for the older service."""
    with databases.fresh("template1") as url:
        yield url


@pytest.fixture
def older(source_url: str, connect: Connect) -> OlderService:
    """The older service, with its tables."""
    return OlderService(connect(source_url))


class Books:
    """Good books: two asset types, three wallets, five transactions."""

    def __init__(self, older: OlderService) -> None:
        self.gold = older.create_asset_type("GC")
        self.gems = older.create_asset_type("DM", is_active=False)
        self.alice = older.create_account(self.gold, "USER_ALICE_GC")
        self.bob = older.create_account(self.gold, None)
        self.gem_wallet = older.create_account(self.gems, "USER_ALICE_DM")
        self.top_up = older.post("TOP_UP", self.alice, "90071992547409.0001", "buy-1")
        older.post("BONUS", self.bob, "12.5", "bonus-1")
        older.post("SPEND", self.alice, "0.0001", "sword-1")
        older.post("SPEND", self.bob, "2.25", "sword-2")
        older.post("TOP_UP", self.gem_wallet, 7, "buy-2")


@pytest.fixture
def books(older: OlderService) -> Books:
    """The older service with good books."""
    return Books(older)


class Mover:
    """Runs the command from one database into the other."""

    def __init__(self, folder: Path, source_url: str, wallet_url: str) -> None:
        self._folder = folder
        self._source_url = source_url
        self._wallet_url = wallet_url

    def __call__(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return run_wallet(self._folder, "migrate-from", *options, self._source_url, DATABASE_URL=self._wallet_url)


@pytest.fixture
def run(tmp_path: Path, source_url: str, database_url: str) -> Mover:
    """The command, from the older service into an empty wallet."""
    return Mover(tmp_path, source_url, database_url)


class Pair:
    """An older service with good books, and a wallet: what is tried on them is rolled back."""

    def __init__(self, older: OlderService, wallet: Connection) -> None:
        self.older = older
        self.books = Books(older)
        self.wallet = wallet

    def source(self, basis: Basis = "cached") -> Source:
        """The older service as it is in the transaction."""
        return Source(self.older.connection, "older.public", basis)

    @contextlib.contextmanager
    def tried(self) -> Iterator[None]:
        """Undo everything at the end of the block."""
        with self.older.connection.transaction(force_rollback=True), self.wallet.transaction(force_rollback=True):
            yield

    def findings(self, basis: Basis = "cached") -> list[str]:
        """Check both sides."""
        source = self.source(basis)
        return [str(finding) for finding in (*check_source(source), *check_target(self.wallet, source))]


@pytest.fixture(scope="module")
def pair(databases: Databases) -> Iterator[Pair]:
    """One for the module."""
    with (
        databases.fresh("template1") as source_url,
        databases.fresh() as wallet_url,
        contextlib.closing(psycopg.connect(source_url, autocommit=True)) as source,
        contextlib.closing(psycopg.connect(wallet_url, autocommit=True)) as wallet,
    ):
        yield Pair(OlderService(source), wallet)


def table(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Read the proof that was printed: (asset, figure) -> source, wallet, equal."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in done.stdout.splitlines() if "│" in line]
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}


def test_books_are_brought_over_and_proved_equal(older: OlderService, books: Books, ledger: Ledger, run: Mover) -> None:
    """Ids, names and balances stay, exactly; treasuries have issued what there is; the wallet's own checks pass."""
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(EQUAL)
    assert {equal for _, _, equal in table(done).values()} == {"yes"}
    assert table(done)["GC", "balances of wallets"] == ("90,071,992,547,419.2500", "90,071,992,547,419.2500", "yes")
    assert table(done)["GC", "issued by the treasury"][1] == "90,071,992,547,421.5001"
    assert table(done)["all", "idempotency keys"] == ("5", "5", "yes")
    rows = ledger.connection.execute(
        "SELECT a.id, a.external_id, a.name, a.email, a.balance, a.created_at::text FROM wallet.accounts AS a"
        " WHERE a.account_type = 'USER'"
    ).fetchall()
    expected = older.run(
        "SELECT id, external_id, name, email, balance, created_at::text || '+00' FROM accounts"
        " WHERE account_type = 'USER'"
    )
    assert set(rows) == set(expected)
    assert ledger.balance(ledger.revenue(books.gold)) == Decimal("2.2501")
    active = ledger.connection.execute("SELECT t.symbol, t.is_active FROM wallet.asset_types AS t ORDER BY 1")
    assert active.fetchall() == [("DM", False), ("GC", True)]
    assert ledger.problems() == {}


def test_an_opening_balance_names_where_it_comes_from(books: Books, ledger: Ledger, run: Mover) -> None:
    assert run().returncode == 0
    row = ledger.connection.execute(
        "SELECT t.type, t.reference_id, t.metadata, t.description FROM wallet.transactions AS t"
        " WHERE t.idempotency_key = %s",
        [f"opening-balance:{books.bob}"],
    ).fetchone()
    assert row is not None
    kind, reference_id, metadata, description = row
    assert (kind, reference_id, description) == ("JOURNAL", str(books.bob), "Opening balance")
    assert metadata["sourceAccountId"] == str(books.bob)
    assert metadata["source"].endswith(".public")


def test_a_second_run_brings_nothing_over(books: Books, ledger: Ledger, run: Mover) -> None:
    assert run().returncode == 0
    before = ledger.state()
    again = run()
    assert (again.returncode, again.stdout.endswith(EQUAL)) == (0, True)
    assert ledger.state() == before


def test_a_dry_run_writes_nothing(books: Books, ledger: Ledger, run: Mover) -> None:
    before = ledger.state()
    done = run("--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "GC: 2 wallets with 90,071,992,547,419.2500, revenue 2.2501, to be issued 90,071,992,547,421.5001."
        in done.stdout
    )
    assert done.stdout.endswith("5 idempotency keys. Nothing was written.\n")
    assert ledger.state() == before


def test_the_source_is_only_read(source_url: str, books: Books) -> None:
    with open_source(source_url, "public", "cached") as source, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        source.rows(", gone AS (DELETE FROM ledger_entries RETURNING 1) SELECT count(*) AS found FROM gone")


def test_the_tables_may_be_in_another_schema(
    older: OlderService, source_url: str, connect: Connect, run: Mover
) -> None:
    Books(OlderService(connect(source_url), schema="Old wallet"))
    done = run("--schema", "Old wallet")
    assert (done.returncode, table(done)["all", "wallets"]) == (0, ("3", "3", "yes"))


@pytest.mark.anyio
async def test_clients_go_on_and_a_request_from_before_is_not_posted_again(
    books: Books, ledger: Ledger, database_url: str, run: Mover, start_app: StartApp
) -> None:
    """An account answers under its old id; an old key is refused, and tells what it made."""
    assert run().returncode == 0
    body = {"accountId": str(books.bob), "assetTypeId": str(books.gold), "amount": 12.5}
    async with start_app(database_url) as client:
        for path, key in (("top-up", "buy-1"), ("bonus", "bonus-1"), ("spend", "sword-2")):
            headers = {"Idempotency-Key": key}
            async with client.post(f"/api/v1/transactions/{path}", json=body, headers=headers) as answer:
                refusal = await answer.json()
                assert (answer.status, refusal["code"]) == (422, "idempotency_key_reused")
        assert ledger.balance(books.bob) == Decimal("10.25")
        async with client.get("/api/v1/idempotency-keys/buy-1") as answer:
            kept = json.loads(await answer.text(), parse_float=Decimal)["data"]
        assert kept["operation"] == "IMPORTED_TRANSACTION"
        assert kept["answer"]["id"] == str(books.top_up)
        assert kept["answer"]["amount"] == Decimal("90071992547409.0001")
        assert kept["answer"]["metadata"] == {"shop": 7}
        spend = {**body, "amount": "10.25"}
        async with client.post(
            "/api/v1/transactions/spend", json=spend, headers={"Idempotency-Key": "new-1"}
        ) as answer:
            assert answer.status == 201


def test_a_run_that_was_ended_is_finished_by_the_next(
    older: OlderService, source_url: str, database_url: str, connect: Connect, ledger: Ledger, run: Mover
) -> None:
    """Ended between two chunks: what was committed stays, and nothing of it is brought over again."""
    books = Books(older)
    for number in range(700):
        older.create_account(books.gold, f"player-{number}")
    older.run("UPDATE accounts SET balance = 3 WHERE external_id LIKE 'player-%'")

    class Ended(Exception):
        pass

    class EndedAfterOneChunk(Progress):
        def advance(self, *_: object) -> None:
            raise Ended

    with open_source(source_url, "public", "cached") as source, pytest.raises(Ended):
        move(connect(database_url), source, EndedAfterOneChunk())
    half = ledger.counts()
    assert 0 < half["transactions"] < 703
    done = run("--balances", "cached")
    assert (done.returncode, done.stdout.endswith(EQUAL)) == (0, True)
    assert ledger.counts()["transactions"] == 3 + 700 + 1
    assert table(done)["GC", "wallets"] == ("702", "702", "yes")
    assert ledger.problems() == {}


def _started(folder: Path, source_url: str, wallet_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        wallet_command("migrate-from", source_url),
        cwd=folder,
        env=wallet_environment(DATABASE_URL=wallet_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.anyio
async def test_ctrl_c_ends_a_run_with_a_sentence(
    books: Books, source_url: str, database_url: str, connect: Connect, ledger: Ledger, run: Mover, tmp_path: Path
) -> None:
    """While it waits for the wallet: nothing of the chunk is there, and the next run finishes."""
    with gate_held(connect(database_url)), _started(tmp_path, source_url, database_url) as process:
        await until_waiting(ledger.connection, "wallet.posting_gate")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors == "Interrupted. Run the same command again to go on: nothing is brought over twice.\n"
    assert ledger.counts()["transactions"] == 0
    assert run().stdout.endswith(EQUAL)


def test_a_source_that_changed_between_two_runs_is_not_taken_for_the_same(
    older: OlderService, books: Books, ledger: Ledger, run: Mover
) -> None:
    """What was opened stays as it is; the other figure is refused and shows in the proof."""
    assert run().returncode == 0
    older.post("BONUS", books.bob, 1, "bonus-2")
    done = run()
    assert done.returncode == 1
    assert f"refused: the opening balance of {books.bob}: " in done.stdout
    assert f"{books.bob} holds 11.2500 in the source, 10.2500 in the wallet." in done.stdout
    assert ledger.balance(books.bob) == Decimal("10.25")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("SELECT wallet.spend('{bob}', '{gold}', 1, 'later')", "{bob} holds 10.2500 in the source, 9.2500 in"),
        # The sums are right and the wallets are not.
        (
            "UPDATE wallet.accounts SET balance = balance + CASE id WHEN '{bob}' THEN 1 ELSE -1 END"
            " WHERE id IN ('{bob}', '{alice}')",
            "{bob} holds 10.2500 in the source, 11.2500 in",
        ),
        ("SELECT wallet.create_account('Carol', '{gold}')", "is not in the source."),
        ("DELETE FROM wallet.accounts WHERE id = '{bob}'", "{bob} is not in the wallet."),
        ("UPDATE wallet.accounts SET asset_type_id = '{gems}' WHERE id = '{bob}'", "{bob} holds"),
        ("DELETE FROM wallet.idempotency_keys WHERE key = 'buy-1'", None),
        ("UPDATE wallet.accounts SET balance = 1 WHERE account_type = 'REVENUE' AND asset_type_id = '{gold}'", None),
    ],
)
def test_the_proof_fails_when_the_wallet_holds_something_else(pair: Pair, change: str, what: str | None) -> None:
    """Changed behind the functions' back, or by a posting: a figure or a wallet differs."""
    ids = {name: str(id_) for name, id_ in vars(pair.books).items()}
    with pair.tried():
        assert move(pair.wallet, pair.source(), Progress(disable=True)) == []
        assert prove(pair.wallet, pair.source()).holds
        pair.wallet.execute("RESET ROLE")
        for name in ("accounts", "idempotency_keys"):
            pair.wallet.execute(f"ALTER TABLE wallet.{name} DISABLE TRIGGER USER".encode())
        pair.wallet.execute(change.format(**ids).encode())
        proof = prove(pair.wallet, pair.source())
        assert not proof.holds
        if what is None:
            assert (proof.differences, all(line.equal for line in proof.lines)) == ([], False)
        else:
            assert any(what.format(**ids) in sentence for sentence in proof.differences)


def test_a_proof_that_fails_is_printed_and_ends_with_exit_code_1(books: Books, ledger: Ledger, run: Mover) -> None:
    assert run().returncode == 0
    ledger.spend(books.bob, 1)
    done = run()
    assert (done.returncode, done.stderr) == (1, "The wallet does not hold what the source held.\n")
    assert table(done)["GC", "revenue"] == ("2.2501", "3.2501", "NO")
    assert table(done)["GC", "issued by the treasury"][2] == "yes"


_BAD_BOOKS = {
    "a symbol in lower case": ("UPDATE asset_types SET symbol = 'gc' WHERE symbol = 'GC'", "asset types whose symbol"),
    "a symbol twice": (
        "ALTER TABLE asset_types DROP CONSTRAINT asset_types_symbol_key; UPDATE asset_types SET symbol = 'GC'",
        "asset types whose symbol",
    ),
    "no name of an asset": ("UPDATE asset_types SET name = '' WHERE symbol = 'GC'", "asset types without a name"),
    "an unknown asset": (
        "ALTER TABLE accounts DROP CONSTRAINT accounts_asset_type_id_fkey;"
        " UPDATE accounts SET asset_type_id = gen_random_uuid() WHERE external_id = 'USER_ALICE_GC'",
        "accounts of an asset type that is not there: 1",
    ),
    "an external id twice": (
        "ALTER TABLE accounts DROP CONSTRAINT accounts_external_id_key;"
        " UPDATE accounts SET external_id = 'same' WHERE account_type = 'USER'",
        "external ids that several accounts have, or that are kept for system accounts: 1 (for example same)",
    ),
    "a user under a system account's name": (
        "UPDATE accounts SET external_id = 'other' WHERE external_id = 'SYSTEM_REVENUE_DM';"
        " UPDATE accounts SET external_id = 'SYSTEM_REVENUE_DM' WHERE external_id = 'USER_ALICE_GC'",
        "external ids that several accounts have, or that are kept for system accounts: 1",
    ),
    "an unknown system account": (
        "UPDATE accounts SET external_id = 'SYSTEM_PROMOTION_GC' WHERE external_id = 'SYSTEM_REVENUE_GC'",
        "accounts with a balance that are neither of a user nor",
    ),
    "too many digits": (
        "ALTER TABLE accounts ALTER balance TYPE numeric;"
        " UPDATE accounts SET balance = 0.1 + 0.2::float8::numeric + 0.00001 WHERE external_id = 'USER_ALICE_GC'",
        "balances with more than 14 digits before the point or 4 after it, or that are no number: 1",
    ),
    "too large": (
        "ALTER TABLE accounts ALTER balance TYPE numeric;"
        " UPDATE accounts SET balance = 100000000000000 WHERE external_id = 'USER_ALICE_GC'",
        "balances with more than 14 digits before the point or 4 after it, or that are no number: 1",
    ),
    "no number": (
        "UPDATE accounts SET balance = 'NaN' WHERE external_id = 'USER_ALICE_GC'",
        "balances with more than 14 digits before the point or 4 after it, or that are no number: 1",
    ),
    "below zero": (
        "UPDATE accounts SET balance = -0.5 WHERE external_id = 'USER_ALICE_GC'",
        "balances below zero of users or revenue accounts: 1",
    ),
    "an empty name": (
        "UPDATE accounts SET name = '' WHERE external_id = 'USER_ALICE_GC'",
        "accounts with a wrong name: must be 1 to 255 characters: 1",
    ),
    "an empty email": (
        "UPDATE accounts SET email = '' WHERE account_type = 'USER'",
        "accounts with a wrong email: must be 3 to 320 characters, or NULL: 3",
    ),
    "an empty external id": (
        "UPDATE accounts SET external_id = '' WHERE external_id = 'USER_ALICE_GC'",
        "accounts with a wrong external id: must be 1 to 255 characters, or NULL: 1",
    ),
    "a transaction of an unknown asset": (
        "ALTER TABLE transactions DROP CONSTRAINT transactions_asset_type_id_fkey;"
        " UPDATE transactions SET asset_type_id = gen_random_uuid() WHERE idempotency_key = 'buy-1'",
        "transactions of an asset type that is not there: 1",
    ),
}


@pytest.mark.parametrize("name", _BAD_BOOKS)
def test_what_the_wallet_cannot_hold_is_found(pair: Pair, name: str) -> None:
    statement, found = _BAD_BOOKS[name]
    with pair.tried():
        assert pair.findings() == []
        pair.older.run(statement)
        assert any(one.startswith("stops: ") and found in one for one in pair.findings()), pair.findings()


def test_books_that_the_wallet_cannot_hold_are_not_brought_over(
    older: OlderService, books: Books, ledger: Ledger, run: Mover
) -> None:
    """Whatever --balances says: everything that is wrong is named, and nothing is written."""
    older.run("UPDATE accounts SET balance = -0.5, name = '' WHERE external_id = 'USER_ALICE_GC'")
    before = ledger.state()
    done = run("--balances", "cached")
    assert done.returncode == 1
    assert done.stderr == "Nothing was written: mend what stops it, in the source or in the wallet, and run it again.\n"
    assert (
        f"stops: balances below zero of users or revenue accounts: 1 (for example {books.alice} -0.5000)" in done.stdout
    )
    assert "stops: accounts with a wrong name: must be 1 to 255 characters: 1" in done.stdout
    assert ledger.state() == before


_DISAGREEING_BOOKS = {
    "a cached balance that no entry explains": (
        "UPDATE accounts SET balance = balance + 1000 WHERE external_id = 'USER_ALICE_DM'",
        "accounts whose balance is not the sum of their entries: 1 (for example ",
        ("DM", "balances of wallets", "1007.0000", "7.0000"),
    ),
    "an entry without its transaction": (
        "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_transaction_id_fkey;"
        " INSERT INTO ledger_entries (transaction_id, account_id, entry_type, amount, balance_after)"
        " SELECT gen_random_uuid(), id, 'CREDIT', 5, 12 FROM accounts WHERE external_id = 'USER_ALICE_DM'",
        "entries without their account or transaction: 1",
        ("DM", "balances of wallets", "7.0000", "12.0000"),
    ),
    "a transaction with one entry": (
        "DELETE FROM ledger_entries AS e USING accounts AS a WHERE e.account_id = a.id"
        " AND a.external_id = 'SYSTEM_TREASURY_DM';"
        " UPDATE accounts SET balance = 0 WHERE external_id = 'SYSTEM_TREASURY_DM'",
        "transactions whose entries are not a debit and a credit of the amount",
        ("DM", "balances of wallets", "7.0000", "7.0000"),
    ),
    "entries of a transaction that failed": (
        "UPDATE transactions SET status = 'FAILED' WHERE idempotency_key = 'buy-2'",
        "transactions whose entries are not a debit and a credit of the amount",
        ("DM", "balances of wallets", "7.0000", "7.0000"),
    ),
    "a posting in another asset": (
        "UPDATE transactions SET asset_type_id = (SELECT id FROM asset_types WHERE symbol = 'GC')"
        " WHERE idempotency_key = 'buy-2'",
        "transactions on an account of another asset type than theirs: 1",
        ("DM", "balances of wallets", "7.0000", "7.0000"),
    ),
    "an asset that does not add up": (
        "UPDATE accounts SET balance = balance - 3 WHERE external_id = 'SYSTEM_TREASURY_DM'",
        "asset types whose balances do not add up to zero: 1 (for example DM -3.0000)",
        ("DM", "issued by the treasury", "7.0000", "7.0000"),
    ),
}


@pytest.mark.parametrize("name", _DISAGREEING_BOOKS)
@pytest.mark.parametrize("basis", ["cached", "entries"])
def test_books_that_disagree_are_found_and_either_figure_can_be_brought_over(
    pair: Pair, name: str, basis: Basis
) -> None:
    statement, found, (asset, figure, cached, entries) = _DISAGREEING_BOOKS[name]
    with pair.tried():
        pair.older.run(statement)
        assert any(one.startswith("choose: ") and found in one for one in pair.findings()), pair.findings()
        assert not any(one.startswith("stops: ") for one in pair.findings(basis))
        assert move(pair.wallet, pair.source(basis), Progress(disable=True)) == []
        proof = prove(pair.wallet, pair.source(basis))
        assert proof.holds
        (line,) = (one for one in proof.lines if (one.asset, one.figure) == (asset, figure))
        assert line.wallet == Decimal(cached if basis == "cached" else entries)


def test_books_that_disagree_are_refused_until_somebody_says_what_counts(
    older: OlderService, books: Books, ledger: Ledger, run: Mover
) -> None:
    """Without --balances nothing is written; with it the finding is still told, and those figures are brought over."""
    older.run("UPDATE accounts SET balance = balance + 1000 WHERE external_id = 'USER_ALICE_DM'")
    before = ledger.state()
    refused = run()
    assert (refused.returncode, refused.stderr.startswith("Nothing was written: the books of")) == (1, True)
    assert ledger.state() == before
    done = run("--balances", "entries")
    assert (done.returncode, done.stdout.endswith(EQUAL)) == (0, True)
    assert "choose: accounts whose balance is not the sum of their entries: 1" in done.stdout
    assert ledger.balance(books.gem_wallet) == 7


def test_what_is_in_the_wallet_already_is_not_overwritten(
    older: OlderService, books: Books, ledger: Ledger, run: Mover
) -> None:
    """A symbol under another id, an external id and a key that are taken: each is named, and nothing is written."""
    asset_type_id = ledger.create_asset_type("GC")
    account = ledger.create_account("Somebody", asset_type_id, "USER_ALICE_DM")
    ledger.top_up(account.id, 1, "buy-1")
    before = ledger.state()
    done = run()
    assert done.returncode == 1
    for found in (
        f"stops: asset types that the wallet has under another id or symbol: 1 (for example {books.gold} GC)",
        f"another account of the wallet has it: 1 (for example {books.gem_wallet})",
        "stops: idempotency keys that made something else in the wallet: 1 (for example buy-1)",
    ):
        assert found in done.stdout
    assert ledger.state() == before


@pytest.mark.parametrize(
    ("asset", "external_id", "found"),
    [("gems", "USER_ALICE_DM", False), ("gems", "other", True), ("gems", None, True), ("gold", "USER_ALICE_DM", True)],
)
def test_an_id_that_another_account_of_the_wallet_has_is_found(
    pair: Pair, asset: str, external_id: str | None, found: bool
) -> None:
    """An account that was brought over before is no other one."""
    with pair.tried():
        for symbol, asset_type_id in (("GC", pair.books.gold), ("DM", pair.books.gems)):
            pair.wallet.execute(
                "INSERT INTO wallet.asset_types (id, symbol, name) VALUES (%s, %s, %s)", [asset_type_id, symbol, symbol]
            )
        pair.wallet.execute(
            "INSERT INTO wallet.accounts (id, asset_type_id, asset_decimals, name, external_id)"
            " VALUES (%s, %s, 4, 'x', %s)",
            [pair.books.gem_wallet, getattr(pair.books, asset), external_id],
        )
        problem = "stops: accounts with a wrong id: another account of the wallet has it: 1"
        assert [one for one in pair.findings() if one.startswith(problem)] == pair.findings()
        assert bool(pair.findings()) == found


def test_a_key_that_no_request_can_carry_is_a_note(older: OlderService, books: Books, run: Mover) -> None:
    older.run("UPDATE transactions SET idempotency_key = 'with a space' WHERE idempotency_key = 'buy-1'")
    done = run()
    assert done.returncode == 0
    assert "note: transactions whose idempotency key no request can carry, so that it is not kept: 1" in done.stdout
    assert table(done)["all", "idempotency keys"] == ("4", "4", "yes")


def test_a_source_without_the_tables_is_refused(source_url: str, run: Mover) -> None:
    done = run()
    assert done.returncode == 1
    assert done.stderr.startswith(
        "The source has no table asset_types with description, id, is_active, name, symbol in"
    )


def test_an_error_says_which_database_it_came_from(database_url: str, tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    done = Mover(tmp_path, away, database_url)()
    assert (done.returncode, "(the source's)" in done.stderr) == (1, True)
    done = Mover(tmp_path, database_url, away)()
    assert (done.returncode, "(the source's)" in done.stderr) == (1, False)


def test_a_login_without_the_owners_rights_is_refused(
    books: Books, source_url: str, ledger: Ledger, database_url: str, tmp_path: Path
) -> None:
    """Only a member of wallet_owner opens accounts under chosen ids."""
    ledger.connection.execute("CREATE ROLE migrating_job LOGIN IN ROLE wallet_jobs")
    try:
        done = Mover(tmp_path, source_url, database_url.replace("postgres@", "migrating_job@", 1))()
        assert (done.returncode, "permission denied to set role" in done.stderr) == (1, True)
    finally:
        ledger.connection.execute("DROP ROLE migrating_job")
