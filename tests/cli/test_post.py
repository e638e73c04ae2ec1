"""`wallet post`: one posting from the shell, under a key that is known before it is made."""

import json
import re
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from service.cli.failure import Failure
from service.cli.posting import post
from tests.conftest import Connect
from tests.support.database import SEEDED, Databases
from tests.support.ledger import Ledger, decoded
from tests.support.process import run_wallet

KEY = re.compile(r"Idempotency key: (\S+)\n")


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    """One database for the module."""
    with databases.fresh(SEEDED) as found:
        yield found


@pytest.fixture
def ledger(url: str, connect: Connect) -> Ledger:
    """Its tables."""
    return Ledger(connect(url))


def balance(ledger: Ledger, external_id: str) -> Decimal:
    """Give an account's balance."""
    row = ledger.connection.execute(
        "SELECT balance FROM wallet.accounts WHERE external_id = %s", [external_id]
    ).fetchone()
    assert row is not None
    return Decimal(row[0])


def test_each_kind(tmp_path: Path, url: str, ledger: Ledger) -> None:
    """What it made is printed, and can be found by the key that was printed before."""
    before = {name: balance(ledger, name) for name in ("USER_ALICE_GC", "USER_BOB_GC")}
    for arguments, type_ in (
        (["top-up", "USER_ALICE_GC", "25.50", "GC", "--campaign", "spring"], "TOP_UP"),
        (["bonus", "USER_ALICE_GC", "1", "GC", "--description", "Birthday"], "BONUS"),
        (["spend", "USER_ALICE_GC", "4", "GC", "--reference", "order-7"], "SPEND"),
        (["transfer", "USER_ALICE_GC", "USER_BOB_GC", "2.25", "GC"], "TRANSFER"),
    ):
        if "--campaign" in arguments:
            ledger.connection.execute(
                "SELECT wallet.set_budget(asset_type_id, 'spring', 100, NULL, NULL, 'test', NULL)"
                " FROM wallet.accounts WHERE external_id = 'USER_ALICE_GC'"
            )
        done = run_wallet(tmp_path, "post", *arguments, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        key = KEY.fullmatch(done.stderr)
        assert key, done.stderr
        row = ledger.connection.execute(
            "SELECT id, type::text, amount, posted_by FROM wallet.transactions WHERE idempotency_key = %s", [key[1]]
        ).fetchone()
        assert row is not None
        assert row[1::2] == (type_, "role:postgres")
        assert done.stdout == f"{row[0]}: {type_} of {row[2].normalize():f}.\n"
        if type_ == "SPEND":
            spent = str(row[0])
    done = run_wallet(tmp_path, "post", "refund", spent, "1.5", "--reason", "Broken", "--json", DATABASE_URL=url)
    made = decoded(done.stdout)
    assert (made["type"], made["amount"], made["refundOf"], made["description"]) == (
        "REFUND",
        Decimal("1.5"),
        spent,
        "Broken",
    )
    assert balance(ledger, "USER_ALICE_GC") - before["USER_ALICE_GC"] == Decimal("21.75")
    assert balance(ledger, "USER_BOB_GC") - before["USER_BOB_GC"] == Decimal("2.25")


def test_a_key_is_posted_once(tmp_path: Path, url: str, ledger: Ledger) -> None:
    """The second time says so and shows the first answer; metadata keep their digits."""
    metadata = '{"price": 90071992547409.0001, "tags": ["a"]}'
    command = ["post", "spend", "USER_BOB_GC", "3", "GC", "--key", "cli-1", "--metadata", metadata, "--json"]
    before = balance(ledger, "USER_BOB_GC")
    first, again = (run_wallet(tmp_path, *command, DATABASE_URL=url) for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "Idempotency key: cli-1\n")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert again.stderr == first.stderr + "It was posted under this key before: nothing was posted now.\n"
    assert decoded(first.stdout)["metadata"] == {"price": Decimal("90071992547409.0001"), "tags": ["a"]}
    assert before - balance(ledger, "USER_BOB_GC") == 3
    other = run_wallet(tmp_path, *command[:3], "4", *command[4:], DATABASE_URL=url)
    assert (other.returncode, other.stdout) == (1, "")
    assert "Refused (idempotency_key_reused)" in other.stderr


def test_a_dry_run(tmp_path: Path, url: str, ledger: Ledger) -> None:
    """It says what would be, and writes nothing."""
    before = ledger.state()
    command = ["post", "spend", "USER_BOB_DM", "5", "DM", "--dry-run"]
    done = run_wallet(tmp_path, *command, DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (0, "It would be posted: SPEND of 5.\n")
    shown = run_wallet(tmp_path, *command, "--json", DATABASE_URL=url)
    assert (json.loads(shown.stdout)["id"], json.loads(shown.stdout)["amount"]) == (None, 5)
    refused = run_wallet(tmp_path, *command[:3], "5000", *command[4:], DATABASE_URL=url)
    assert "Refused (insufficient_balance): Insufficient balance: 25 available, 5000 asked for." in refused.stderr
    assert ledger.state() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["spend", "USER_BOB_LP", "5000", "LP"], "Refused (insufficient_balance): Insufficient balance: 200 available"),
        (["spend", "USER_BOB_LP", "1e3", "LP"], "Refused (validation_failed): Validation failed\n  amount: Must be a"),
        (["spend", "USER_BOB_LP", "1", "GC"], "Refused (asset_mismatch): "),
        (["spend", "USER_BOB_LP", "1", "XX"], "There is no asset 'XX', but DM, GC, LP."),
        (["transfer", "USER_BOB_LP", "nobody", "1", "LP"], "There is no account with the id or external id 'nobody'."),
        (["refund", "not-an-id"], "Refused (validation_failed): Validation failed\n  transactionId: Must be a UUID."),
        (["spend", "USER_BOB_LP", "1", "LP", "--key", "a b"], "Refused (idempotency_key_missing): "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal(tmp_path: Path, url: str, ledger: Ledger, arguments: list[str], sentence: str) -> None:
    """Exit code 1, what is wrong, nothing written."""
    before = ledger.state()
    done = run_wallet(tmp_path, "post", *arguments, DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert ledger.state() == before


@pytest.mark.parametrize("metadata", ["[]", "{", "nonsense"])
def test_metadata_that_are_no_object(tmp_path: Path, url: str, metadata: str) -> None:
    """Wrong usage."""
    done = run_wallet(tmp_path, "post", "spend", "A", "1", "GC", "--metadata", metadata, DATABASE_URL=url)
    assert done.returncode == 2
    assert "it is no JSON object" in done.stderr


def test_a_login_that_may_not(tmp_path: Path, url: str) -> None:
    """Finance reads and does not post; the service's login may."""
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE posts_not LOGIN IN ROLE wallet_auditor")
        superuser.execute("CREATE ROLE posts LOGIN IN ROLE wallet_service")
        try:
            command = ["post", "spend", "USER_ALICE_LP", "1", "LP"]
            done = run_wallet(tmp_path, *command, DATABASE_URL=url.replace("postgres@", "posts_not@"))
            assert done.returncode == 1
            assert re.search(r"\nThe database refused: permission denied [^\n]+ \(42501\)\.\n\Z", done.stderr), (
                done.stderr
            )
            assert "Traceback" not in done.stderr
            done = run_wallet(tmp_path, *command, "--json", DATABASE_URL=url.replace("postgres@", "posts@"))
            assert json.loads(done.stdout)["postedBy"] == "role:posts"
        finally:
            superuser.execute("DROP ROLE posts, posts_not")


def test_a_database_that_goes_away(unused_url: str) -> None:
    """Whether it was posted is not known, and how to go on is."""
    item = {
        "type": "SPEND",
        "idempotencyKey": "k-1",
        "accountId": "00000000-0000-4000-8000-000000000000",
        "assetTypeId": "00000000-0000-4000-8000-000000000000",
        "amount": "1",
    }
    with pytest.raises(Failure, match=r"run it again with --key k-1"):
        post(unused_url, item, dry_run=False)


@pytest.fixture
def unused_url() -> Iterator[str]:
    """Where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"postgresql://x@127.0.0.1:{unused.getsockname()[1]}/x"
