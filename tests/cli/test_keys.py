"""`wallet keys`: a token that is shown once, a list without secrets, and an end to every key."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.api_keys import SCOPES
from service.cli.keys import parse_duration
from tests.conftest import Connect
from tests.support.database import SEEDED, Connection, Databases
from tests.support.process import run_wallet, wallet_command, wallet_environment

TOKEN = re.compile(r"wk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\n")


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test makes keys of its own."""
    with databases.fresh(SEEDED) as url:
        yield url


@pytest.fixture
def connection(seeded_url: str, connect: Connect) -> Connection:
    return connect(seeded_url)


def create(folder: Path, url: str, *arguments: str) -> tuple[str, str]:
    """Make a key for reading; give its id and its secret."""
    done = run_wallet(folder, "keys", "create", "--name", "shop", "--scope", "read", *arguments, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    token = TOKEN.fullmatch(done.stdout)
    assert token, done.stdout
    assert done.stderr == f"This is the token of the key {token[1]}, which is not shown again:\n"
    return token[1], token[2]


def test_the_token_is_shown_once_and_only_its_hash_is_kept(
    tmp_path: Path, seeded_url: str, connection: Connection
) -> None:
    """Standard output is the token alone; nothing of the secret is in the row, nor in the list."""
    key_id, secret = create(tmp_path, seeded_url)
    row = connection.execute(
        "SELECT k::text, secret_sha256 FROM wallet.api_keys AS k WHERE id = %s", [key_id]
    ).fetchone()
    assert row is not None
    assert row[1] == hashlib.sha256(secret.encode()).digest()
    assert secret not in row[0]
    for options in ((), ("--json",)):
        listed = run_wallet(tmp_path, "keys", "list", *options, DATABASE_URL=seeded_url)
        assert key_id in listed.stdout
        assert secret not in listed.stdout + listed.stderr
        assert row[1].hex() not in listed.stdout


def test_no_two_secrets_are_alike(tmp_path: Path, seeded_url: str) -> None:
    assert len({part for _ in range(3) for part in create(tmp_path, seeded_url)}) == 6


def test_what_a_key_is_given_is_what_it_has(tmp_path: Path, seeded_url: str) -> None:
    """Scopes, assets and expiry; without the last two it reaches everything for ever."""
    plain, _ = create(tmp_path, seeded_url)
    given = ("--scope", "post:spend", "--asset", "GC", "--asset", "DM", "--expires-in", "90d")
    limited, _ = create(tmp_path, seeded_url, *given)
    listed = json.loads(run_wallet(tmp_path, "keys", "list", "--json", DATABASE_URL=seeded_url).stdout)
    found = {one["id"]: one for one in listed}
    expected = {"name": "shop", "state": "live", "created_by": "postgres", "revoked_at": None}
    for key_id in (plain, limited):
        assert {name: found[key_id][name] for name in expected} == expected
    assert (found[plain]["scopes"], found[plain]["assets"], found[plain]["expires_at"]) == (["read"], None, None)
    assert (found[limited]["scopes"], found[limited]["assets"]) == (["post:spend", "read"], ["DM", "GC"])
    created, expires = (datetime.fromisoformat(found[limited][name]) for name in ("created_at", "expires_at"))
    assert timedelta(days=90) - timedelta(minutes=5) < expires - created <= timedelta(days=90)
    assert [one["created_at"] for one in listed] == sorted(one["created_at"] for one in listed)


def test_the_table_has_every_state(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    live, expired, revoked = (create(tmp_path, seeded_url)[0] for _ in range(3))
    connection.execute("UPDATE wallet.api_keys SET expires_at = clock_timestamp() WHERE id = %s", [expired])
    run_wallet(tmp_path, "keys", "revoke", revoked, DATABASE_URL=seeded_url)
    done = run_wallet(tmp_path, "keys", "list", DATABASE_URL=seeded_url, COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    for key_id, state in ((live, "live"), (expired, "expired"), (revoked, "revoked")):
        assert re.search(rf"{key_id} *│ shop *│ {state} *│ read *│", done.stdout), done.stdout


def test_the_id_is_whole_in_a_narrow_terminal(tmp_path: Path, seeded_url: str) -> None:
    """It is what `revoke` wants; a pipe is as narrow as 80 columns."""
    key_id, _ = create(tmp_path, seeded_url, "--scope", "post:top-up", "--asset", "GC", "--expires-in", "90d")
    for columns in ("80", "60"):
        done = run_wallet(tmp_path, "keys", "list", DATABASE_URL=seeded_url, COLUMNS=columns)
        assert key_id in done.stdout, columns


def test_a_token_that_cannot_be_written_is_of_no_key(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """Else there would be a live key that nobody has."""
    count = "SELECT count(*) FROM wallet.api_keys"
    before = connection.execute(count).fetchone()
    with Path("/dev/full").open("wb") as full_disk:
        done = subprocess.run(
            wallet_command("keys", "create", "--name", "x", "--scope", "read"),
            cwd=tmp_path,
            env=wallet_environment(DATABASE_URL=seeded_url),
            stdout=full_disk,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Standard output cannot be written (")
    assert done.stderr.endswith("): no key was made.\n")
    assert connection.execute(count).fetchone() == before


def test_revoking_is_for_good(tmp_path: Path, seeded_url: str, connection: Connection) -> None:
    """The first revocation counts; again changes nothing; an unknown id is a failure."""
    key_id, _ = create(tmp_path, seeded_url)
    revoked_at = "SELECT revoked_at FROM wallet.api_keys WHERE id = %s"
    seen = []
    for _ in range(2):
        done = run_wallet(tmp_path, "keys", "revoke", key_id, DATABASE_URL=seeded_url)
        assert (done.returncode, done.stdout) == (0, f"The key {key_id} is revoked.\n")
        seen.append(connection.execute(revoked_at, [key_id]).fetchone())
    assert seen[0] == seen[1] != (None,)
    done = run_wallet(tmp_path, "keys", "revoke", "0" * 12, DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is no API key with this id: `wallet keys list` has them all.\n"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (("--name", "x"), 2, "Missing option '--scope'"),
        (("--scope", "read"), 2, "Missing option '--name'"),
        (("--name", "x", "--scope", "everything"), 2, "'everything' is not one of"),
        (("--name", "x", "--scope", "read", "--expires-in", "90"), 2, "'90' is no duration"),
        (("--name", "x", "--scope", "read", "--asset", "XX"), 1, "There is no asset 'XX'."),
        *(
            (("--name", name, "--scope", "read"), 2, "a key's name has 1 to 255 characters")
            for name in ("", "x" * 256, "a\nb", "a\x1b[2Jb", "\x7f", "\udcff")
        ),
    ],
)
def test_what_makes_no_key(
    tmp_path: Path,
    seeded_url: str,
    connection: Connection,
    arguments: tuple[str, ...],
    exit_code: int,
    sentence: str,
) -> None:
    """One sentence, nothing on standard output, and no key."""
    count = "SELECT count(*) FROM wallet.api_keys"
    before = connection.execute(count).fetchone()
    done = run_wallet(tmp_path, "keys", "create", *arguments, DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert connection.execute(count).fetchone() == before


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("36500d", timedelta(days=36_500)),
        ("36501d", None),
        ("0d", None),
        ("-1d", None),
        ("1.5d", None),
        ("1w", None),
        ("d", None),
        ("", None),
        ("99999999d", None),
        ("999999999999999999999d", None),
    ],
)
def test_durations(text: str, duration: timedelta | None) -> None:
    assert parse_duration(text) == duration


def test_every_scope_can_be_given(tmp_path: Path, seeded_url: str) -> None:
    every = [word for scope in SCOPES for word in ("--scope", scope)]
    key_id, _ = create(tmp_path, seeded_url, *every)
    listed = json.loads(run_wallet(tmp_path, "keys", "list", "--json", DATABASE_URL=seeded_url).stdout)
    assert next(one["scopes"] for one in listed if one["id"] == key_id) == sorted(SCOPES)
