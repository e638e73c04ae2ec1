"""Every command: its help, its exit codes, its results, and one sentence for every trouble."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner

from service.cli.commands import wallet
from service.migrations import pending
from tests.conftest import Connect
from tests.embedded.running import until
from tests.support.commands import every_command, parse
from tests.support.database import SEEDED, Databases
from tests.support.ledger import Ledger
from tests.support.process import run_wallet, wallet_command, wallet_environment

COMMANDS = every_command()
BEHIND = "The database is behind this release: run `wallet migrate`.\n"

ON_THE_DATABASE = ["serve", "deliver", "migrate", "seed", "doctor", "import", "seal", "verify"]
"""The commands that talk to the database themselves."""


def arguments_of(command: str) -> list[str]:
    """Give a command that would do its work, were the database there."""
    return [command, os.devnull] if command == "import" else [command]


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One database for the module: what a test breaks, it mends."""
    with databases.fresh(SEEDED) as url:
        yield url


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database without a wallet."""
    with databases.fresh("template1") as url:
        yield url


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_needs_nothing_and_gives_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Neither settings nor a database; the example is a command line that this very program takes."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner(env={"PORT": "nonsense", "DATABASE_URL": "nonsense"}).invoke(
        wallet, [*command.split(), "--help"], prog_name="wallet", terminal_width=200
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: wallet {command}".rstrip())
    example = re.search(r"^ *Example: (.+(?:\n +\S.*)*)\s*\Z", done.stdout, re.MULTILINE)
    assert example, done.stdout
    line = " ".join(example[1].split())
    inner = re.search(r"\$\((.*)\)", line)
    words = shlex.split(inner[1] if inner else line)
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    assert words.pop(0) == "wallet"
    # Parsing alone: the file of `import` is made, so that it can be opened.
    for word in words:
        if word.endswith(".ndjson"):
            (tmp_path / word).touch()
    assert f"{parse(words)} ".startswith(f"{command} ".lstrip())


def test_help_of_the_real_program(tmp_path: Path) -> None:
    """It lists the commands, and needs no settings either."""
    done = run_wallet(tmp_path, "--help", PORT="nonsense", DATABASE_URL="nonsense")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(re.search(rf"^  {name} +[A-Z]", done.stdout, re.MULTILINE) for name in wallet.commands)


@pytest.mark.parametrize(("name", "command"), COMMANDS.items(), ids=str)
def test_help_names_every_option(name: str, command: click.Command) -> None:
    """Every option and argument of every command says what it is for."""
    assert command.help, name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (name, parameter.name)
        else:
            assert parameter.human_readable_name in command.help, (name, parameter.name)


def test_commands_start_without_the_http_server() -> None:
    """It would take half of the time that a small command needs."""
    script = "import sys, service.cli.commands; print('aiohttp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=wallet_environment(), capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    """The script is the shell's, and what it asks the program for are the commands and their options."""
    done = run_wallet(tmp_path, "completion", shell)
    assert done.returncode == 0, done.stderr
    assert "_WALLET_COMPLETE" in done.stdout
    asked = run_wallet(
        tmp_path,
        _WALLET_COMPLETE=f"{shell}_complete",
        COMP_WORDS="wallet accounts list --o",
        COMP_CWORD="--o" if shell == "fish" else "3",
    )
    assert "--owner" in asked.stdout
    assert "--json" not in asked.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_takes_the_completion(tmp_path: Path) -> None:
    """It runs the script without a word, and knows the program afterwards."""
    script = run_wallet(tmp_path, "completion", "bash").stdout
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p wallet"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "_wallet_completion" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["serve", "--nonsense"],
        ["serve", "surplus"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "101"],
        ["serve", "--workers", "two"],
        ["migrate", "--nonsense"],
        ["seed", "surplus"],
        ["doctor", "--nonsense"],
        ["import"],
        ["import", "not-there.ndjson"],
        ["url", "surplus"],
        ["accounts", "list", "--limit", "0"],
        ["post", "nonsense"],
        ["post", "spend", "account", "1"],
        ["export", "folder", "--only", "nonsense"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    """With the usage on standard error, nothing on standard output, no traceback."""
    done = run_wallet(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: wallet ")
    assert "Traceback" not in done.stderr


def test_the_version(tmp_path: Path) -> None:
    """It is the package's."""
    done = run_wallet(tmp_path, "--version")
    try:
        version = metadata.version("pg-wallet")
    except metadata.PackageNotFoundError:
        pytest.skip("the package is not installed here: the tests of the wheel ask for its version")
    assert (done.returncode, done.stdout) == (0, f"wallet, version {version}\n")


@pytest.mark.parametrize("command", ON_THE_DATABASE)
def test_a_database_that_is_away(tmp_path: Path, command: str) -> None:
    """Nobody listens there: exit code 1 and one sentence, without the password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://x:s3cret@127.0.0.1:{unused.getsockname()[1]}/x"
        done = run_wallet(tmp_path, *arguments_of(command), DATABASE_URL=url, PORT="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The database cannot be reached: [^\n]+ Connection refused[^\n]*\.\n", done.stderr), (
        done.stderr
    )
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("command", ON_THE_DATABASE)
def test_a_database_that_does_not_exist(tmp_path: Path, databases: Databases, command: str) -> None:
    """The sentence names it."""
    done = run_wallet(tmp_path, *arguments_of(command), DATABASE_URL=databases.url("not_there"), PORT="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r'The database [^\n]*database "not_there" does not exist[^\n]*\.\n', done.stderr), done.stderr


@pytest.mark.parametrize("command", ["serve", "seed", "doctor", "import", "seal", "verify"])
def test_a_database_that_is_behind(tmp_path: Path, empty_url: str, command: str) -> None:
    """The sentence says what to do. Nothing was made."""
    done = run_wallet(tmp_path, *arguments_of(command), DATABASE_URL=empty_url, PORT="0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", BEHIND)
    with psycopg.connect(empty_url) as connection:
        row = connection.execute("SELECT to_regnamespace('wallet'), to_regnamespace('wallet_migrations')").fetchone()
    assert row == (None, None)


def test_a_login_that_may_not(tmp_path: Path, seeded_url: str, connect: Connect) -> None:
    """What PostgreSQL refuses is told with its code; nothing is half done."""
    superuser = connect(seeded_url)
    superuser.execute("CREATE ROLE stranger LOGIN")
    try:
        url = seeded_url.replace("postgres@", "stranger@")
        for command in ("migrate", "seed", "doctor", "seal", "verify", "serve"):
            done = run_wallet(tmp_path, command, DATABASE_URL=url, PORT="0")
            assert (done.returncode, done.stdout) == (1, ""), command
            last = done.stderr.splitlines()[-1]
            assert re.fullmatch(r"The database refused.*: permission denied for .+ \(42501\)\.", last), done.stderr
            assert "Traceback" not in done.stderr
    finally:
        superuser.execute("DROP ROLE stranger")


def test_migrate_and_migrate_again(tmp_path: Path, empty_url: str, connect: Connect) -> None:
    """The first time it says what it applies; the second time nothing had changed; a missing routine comes back."""
    names = pending(empty_url)
    first = run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url)
    assert first.returncode == 0
    assert first.stdout == f"The database is current: {len(names)} migrations applied.\n"
    assert first.stderr.splitlines() == [*(f"Applying {name}" for name in names), "Applying the functions"]
    again = run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url)
    assert (again.returncode, again.stdout) == (0, "The database is current: nothing had changed.\n")
    assert again.stderr == "Applying the functions\n"
    connection = connect(empty_url)
    connection.execute("UPDATE wallet.releases SET functions_sha256 = repeat('0', 64)")
    changed = run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url)
    assert (changed.returncode, changed.stdout) == (0, "The database is current: the functions were replaced.\n")


def test_migrate_refuses_a_newer_database(tmp_path: Path, empty_url: str, connect: Connect) -> None:
    """One sentence that names the migration it does not know."""
    assert run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url).returncode == 0
    connect(empty_url).execute(
        "INSERT INTO wallet_migrations._yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999-newer')"
    )
    done = run_wallet(tmp_path, "migrate", DATABASE_URL=empty_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The database is newer than this release (it has 9999-newer): nothing was changed.\n"


def test_seed_and_seed_again(tmp_path: Path, database_url: str, connect: Connect) -> None:
    """The first time there is demo data; the second time not one row is written."""
    ledger = Ledger(connect(database_url))
    first = run_wallet(tmp_path, "seed", DATABASE_URL=database_url)
    assert (first.returncode, first.stdout, first.stderr) == (0, "The demo data is there.\n", "")
    before = ledger.state()
    assert ledger.counts()["transactions"] == 6
    again = run_wallet(tmp_path, "seed", DATABASE_URL=database_url)
    assert (again.returncode, again.stdout, again.stderr) == (0, "The demo data is there.\n", "")
    assert ledger.state() == before


def test_seed_is_all_or_nothing(tmp_path: Path, database_url: str, connect: Connect) -> None:
    """It ends half way: exit code 1, one sentence, no row."""
    ledger = Ledger(connect(database_url))
    ledger.connection.execute("ALTER TABLE wallet.accounts ADD CHECK (external_id <> 'USER_BOB_LP')")
    before = ledger.state()
    done = run_wallet(tmp_path, "seed", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The database refused: [^\n]+ \(23514\)\.\n", done.stderr), done.stderr
    assert ledger.state() == before


def test_doctor_on_a_whole_ledger(tmp_path: Path, seeded_url: str) -> None:
    """A table with every check, and the same as JSON; exit code 0."""
    table = run_wallet(tmp_path, "doctor", DATABASE_URL=seeded_url, COLUMNS="200")
    data = run_wallet(tmp_path, "doctor", "--json", DATABASE_URL=seeded_url)
    assert (table.returncode, table.stderr) == (data.returncode, data.stderr) == (0, "")
    checks = json.loads(data.stdout)
    assert len(checks) >= 14
    rows = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in table.stdout.splitlines()]
    assert [row for row in rows if len(row) == 4] == [
        ["Check", "Severity", "Problems", "Meaning"],
        *([check["check_name"], check["severity"], "0", check["meaning"]] for check in checks),
    ]
    for check in checks:
        assert set(check) == {"check_name", "severity", "problems", "meaning", "remedy", "example"}
        assert (check["problems"], check["example"]) == (0, None)
        assert check["severity"] in {"critical", "warning"}
        assert check["meaning"]
        assert check["remedy"]


def test_doctor_on_a_ledger_that_was_tampered_with(tmp_path: Path, databases: Databases, connect: Connect) -> None:
    """Exit code 1, the checks that fire are told with what to do and an example; so they are in JSON."""
    with databases.fresh(SEEDED) as url:
        superuser = connect(url)
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE wallet.accounts SET balance = balance + 1 WHERE external_id = 'USER_BOB_GC'")
        table = run_wallet(tmp_path, "doctor", DATABASE_URL=url, COLUMNS="200")
        data = run_wallet(tmp_path, "doctor", "--json", DATABASE_URL=url)
    assert (table.returncode, table.stderr) == (data.returncode, data.stderr) == (1, "")
    fired = {check["check_name"]: check for check in json.loads(data.stdout) if check["problems"]}
    assert set(fired) == {"check_trial_balance", "check_balances"}
    assert fired["check_balances"]["problems"] == 1
    text = " ".join(table.stdout.split())
    for name, check in fired.items():
        assert f"{name}: {check['remedy']}" in text
        assert check["example"] is not None
    assert len(re.findall(r"^ +for example \{", table.stdout, re.MULTILINE)) == 2


def test_a_warning_is_a_problem_too(tmp_path: Path, databases: Databases, connect: Connect) -> None:
    """A check that is not critical makes exit code 1 as well."""
    with databases.fresh(SEEDED) as url:
        superuser = connect(url)
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE wallet.transaction_blocks SET transaction_count = transaction_count + 1")
        done = run_wallet(tmp_path, "doctor", "--json", DATABASE_URL=url)
    assert done.returncode == 1
    assert [check["severity"] for check in json.loads(done.stdout) if check["problems"]] == ["warning"]


def test_url_prints_the_setting(tmp_path: Path) -> None:
    """As it is, password and all; no database is needed."""
    url = "postgresql://x:s3cret@one.example:1,two.example:2/x?target_session_attrs=read-write"
    done = run_wallet(tmp_path, "url", DATABASE_URL=url)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{url}\n", "")


def test_psql_gets_its_arguments_and_gives_its_exit_code(tmp_path: Path, seeded_url: str) -> None:
    """Options of psql's own are passed on, also those that `wallet` has; what psql ends with, `wallet` ends with."""
    done = run_wallet(tmp_path, "psql", "-XAtc", "SELECT count(*) FROM wallet.asset_types", DATABASE_URL=seeded_url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    for arguments, exit_code in ((["-c", "nonsense"], 1), (["--nonsense"], 1), (["-Xc", r"\quit"], 0)):
        assert run_wallet(tmp_path, "psql", *arguments, DATABASE_URL=seeded_url).returncode == exit_code
    stops = ["-Xv", "ON_ERROR_STOP=1", "-f", "-"]
    done = subprocess.run(
        wallet_command("psql", *stops),
        cwd=tmp_path,
        env=wallet_environment(DATABASE_URL=seeded_url),
        input="SELECT 1 / 0;",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "division by zero" in done.stderr


def test_psql_gets_the_password_out_of_sight(tmp_path: Path, seeded_url: str) -> None:
    """In its environment, and not in its arguments, which everybody on the machine can read."""
    url = seeded_url.replace("postgres@", "postgres:s3%20cret@")
    show = r"\! echo password=$PGPASSWORD; ps -o args= -p $PPID"
    done = run_wallet(tmp_path, "psql", "-Xc", show, DATABASE_URL=url)
    assert done.returncode == 0
    password, arguments = done.stdout.splitlines()
    assert password == "password=s3 cret"
    assert "--dbname" in arguments
    assert not re.search(r"s3(%20| )cret|password", arguments.partition("-Xc")[0])


def test_ctrl_c_in_psql_cancels_the_query(tmp_path: Path, seeded_url: str, connect: Connect) -> None:
    """The whole group gets the signal; psql says so and ends its script as it does without us, and `wallet` with it."""
    with subprocess.Popen(
        wallet_command("psql", "-XAt"),
        cwd=tmp_path,
        env=wallet_environment(DATABASE_URL=seeded_url, PGAPPNAME="ctrl-c"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write("SELECT pg_sleep(60);\n")
            process.stdin.close()
            process.stdin = None
            observer = connect(seeded_url)
            sleeping = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'ctrl-c'"
            )
            until(lambda: observer.execute(sleeping.encode()).fetchone() == (1,), "the query runs")
            os.killpg(process.pid, signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "canceling statement due to user request" in errors
    assert "Traceback" not in errors
    assert (process.returncode, output) == (3, "")
