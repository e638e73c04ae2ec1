"""The wheel: all that is needed is in it, nothing else, and it works without the checkout."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import psutil
import psycopg
import pytest

from service.release import ReleaseState, release_state
from tests.packaging.files import CHECKOUT, contents, dockerfile, named, project
from tests.support.database import Databases
from tests.support.process import wallet_environment

DISTRIBUTION = "pg_wallet-0.1.0".replace("0.1.0", str(project()["version"]))


def build(source: Path, kind: str, folder: Path) -> Path:
    """Build a wheel or an sdist with the project's own build backend, without the network; give its path."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def wheel_contents(wheel: Path) -> dict[str, bytes]:
    """Give the files in a wheel; its record of them is left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build(CHECKOUT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A virtual environment with the wheel; what the wheel depends on is borrowed from ours."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", wheel),
        ],
        check=True,
    )
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


class Installed:
    """The wheel's `wallet` command, in a folder of its own without the checkout."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.command = environment / "bin" / "wallet"
        self.folder = folder
        # What lies around must not be mistaken for the wallet's own.
        (folder / "service").mkdir()
        (folder / "service" / "__init__.py").write_text("raise RuntimeError('not this one')")
        (folder / "db" / "migrations").mkdir(parents=True)
        (folder / "pyproject.toml").touch()
        self.variables = wallet_environment(HOME=str(folder / "home"))
        del self.variables["PYTHONPATH"]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database without a wallet."""
    with databases.fresh("template1") as url:
        yield url


def test_the_wheel_has_all_files_and_no_others(wheel: Path) -> None:
    """The packages, the SQL files, the demo data, byte for byte; no tests, no tools, nothing compiled."""
    expected = {f"service/{name}": content for name, content in contents(CHECKOUT / "service").items()}
    expected |= {f"wallet_client/{name}": content for name, content in contents(CHECKOUT / "wallet_client").items()}
    expected |= {f"service/_resources/db/{name}": content for name, content in contents(CHECKOUT / "db").items()}
    expected["service/_resources/seed.sql"] = (CHECKOUT / "seed.sql").read_bytes()
    found = wheel_contents(wheel)
    assert {name for name in found if not name.startswith(f"{DISTRIBUTION}.dist-info/")} == set(expected)
    assert [name for name, content in expected.items() if found[name] != content] == []
    for needed in ("migrations/0001-schema-and-roles.sql", "migrations/post-apply.py", "functions/post.sql"):
        assert f"service/_resources/db/{needed}" in found


def test_the_wheel_says_what_it_needs(wheel: Path) -> None:
    """What pyproject.toml says: the name, the version, Python, what it depends on, the command."""
    found = wheel_contents(wheel)
    metadata = message_from_bytes(found[f"{DISTRIBUTION}.dist-info/METADATA"])
    about = project()
    assert (metadata["Name"], metadata["Version"]) == (about["name"], about["version"])
    assert metadata["Requires-Python"] == about["requires-python"]
    assert requirements(metadata) == {re.split(r"[<>=;\[]", one)[0].lower() for one in about["dependencies"]}
    assert "wallet = service.cli:main" in found[f"{DISTRIBUTION}.dist-info/entry_points.txt"].decode()


def requirements(metadata: Message) -> set[str]:
    """Give the names of what is needed without an extra."""
    lines = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    return {re.split(r"[<>=!~;\[ ]", line)[0].lower() for line in lines}


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Whoever packages from the source archive gets what we hand out."""
    sdist = build(CHECKOUT, "sdist", tmp_path / "sdist")
    # File by file: what `extractall` wants to be told differs between the releases of Python.
    with tarfile.open(sdist) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is not None:
                path = tmp_path / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    again = build(tmp_path / DISTRIBUTION, "wheel", tmp_path / "wheel")
    assert wheel_contents(again) == wheel_contents(wheel)


def test_what_the_image_copies_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """The files the Dockerfile copies, and .dockerignore lets through, are enough to build from."""
    patterns = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert patterns[0] == "*"
    let_through = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    context = tmp_path / "context"
    context.mkdir()
    build_stage = dockerfile()[0]
    for instruction in named(build_stage, "COPY"):
        *sources, target = instruction.words
        for source in sources:
            assert source in let_through
            if (CHECKOUT / source).is_dir():
                assert target == source
                shutil.copytree(CHECKOUT / source, context / target)
            else:
                shutil.copy(CHECKOUT / source, context / target)
    again = build(context, "wheel", tmp_path / "wheel")
    assert wheel_contents(again) == wheel_contents(wheel)


def test_the_installed_wallet_is_the_wheels(installed: Installed) -> None:
    """Its version is the package's, and its code is not the checkout's."""
    done = installed.run("--version")
    assert (done.returncode, done.stdout) == (0, f"wallet, version {project()['version']}\n")
    python = installed.command.parent / "python"
    where = subprocess.run(
        [python, "-P", "-c", "import service, service.resources as r; print(service.__file__, r.checkout_folder())"],
        cwd=installed.folder,
        env=installed.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    path, checkout = where.stdout.split()
    assert Path(path).is_relative_to(installed.command.parent.parent)
    assert checkout == "None"


def test_a_database_of_ones_own(installed: Installed, empty_url: str) -> None:
    """migrate, seed and doctor from an empty folder; what they make is this very release."""
    for command, result in (
        ("migrate", r"The database is current: \d+ migrations applied\."),
        ("migrate", r"The database is current: nothing had changed\."),
        ("seed", r"The demo data is there\."),
    ):
        done = installed.run(command, DATABASE_URL=empty_url)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(result, done.stdout.strip())
    done = installed.run("doctor", DATABASE_URL=empty_url)
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(empty_url) as connection:
        assert release_state(connection) is ReleaseState.CURRENT
        wallets = "SELECT count(*) FROM wallet.accounts WHERE external_id LIKE 'USER\\_%'"
        assert connection.execute(wallets).fetchone() == (6,)


def test_the_embedded_database(installed: Installed) -> None:
    """`serve` from an empty folder brings everything along, and keeps its data in the user's folder."""
    process = subprocess.Popen(
        [installed.command, "serve"],
        cwd=installed.folder,
        env=installed.variables | {"PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Wallet answers on http://127.0.0.1:")
            (supervisor,) = psutil.Process(process.pid).children()
            (data,) = [path.parent for path in (installed.folder / "home").rglob("pgdata")]
            assert data.name == "pg-wallet"
            assert os.path.samefile(supervisor.cwd(), Path(installed.command).parents[1] / site_packages(installed))
            assert installed.run("psql", "-XAtc", "SELECT count(*) FROM wallet.asset_types").stdout == "3\n"
            assert installed.run("doctor").returncode == 0
            process.terminate()
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert not supervisor.is_running()


def site_packages(installed: Installed) -> Path:
    """Give the folder of the packages, from the environment's own."""
    environment = installed.command.parents[1]
    (found,) = environment.glob("lib/python*/site-packages")
    return found.relative_to(environment)
