"""The Makefile: its targets, and that `make run` installs once and then starts at once."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.embedded.running import until
from tests.packaging.files import CHECKOUT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

MAKEFILE = (CHECKOUT / "Makefile").read_text()


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make, without the settings of a make that runs these tests."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def targets() -> list[str]:
    """Give the targets that make no file."""
    return re.findall(r"^\.PHONY: (\w+)$", MAKEFILE, re.MULTILINE)


def test_the_targets() -> None:
    """Those everything else speaks of are there, and each is one that says what it does."""
    assert {"help", "run", "test", "lint", "format", "lock", "clean"} <= set(targets())
    for target in targets():
        assert re.search(rf"^{target}:[^#\n]*## [A-Z]", MAKEFILE, re.MULTILINE), target


def test_help_lists_them_all() -> None:
    """Also when make is run without a target."""
    for arguments in (["help"], []):
        done = make(CHECKOUT, *arguments)
        assert done.returncode == 0
        lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
        assert [(word, target) for word, target, _ in lines] == [("make", target) for target in targets()]


def test_the_targets_spoken_of_exist() -> None:
    """In the README, the documentation, the files of this repository that name `make`."""
    pages = [
        *CHECKOUT.glob("*.md"),
        *CHECKOUT.glob("docs/*.md"),
        *CHECKOUT.glob(".ci/*"),
        CHECKOUT / "requirements.txt",
    ]
    spoken = {
        target
        for page in pages
        for target in re.findall(r"(?:^|`|exec |#\s+)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert {"run", "test", "lock"} <= spoken
    assert spoken <= set(targets())


@pytest.mark.parametrize("target", targets())
def test_every_target_can_be_made(target: str) -> None:
    """Its prerequisites exist or have rules; the files its commands name are there."""
    done = make(CHECKOUT, "--dry-run", "--always-make", target)
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"-r (\S+\.txt)|(\S+\.toml)", done.stdout):
        assert (CHECKOUT / "".join(name)).is_file()


class Checkout:
    """A folder with the Makefile, and programs in its virtual environment that only write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
            shutil.copy(CHECKOUT / name, folder / name)
        self.binaries = folder / ".venv" / "bin"
        self.binaries.mkdir(parents=True)
        self.program("python", 'echo "python $*" >> calls')
        self.program("wallet", 'echo "wallet $*" >> calls')

    def program(self, name: str, script: str) -> None:
        """Put a program into the virtual environment."""
        path = self.binaries / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def made(self, target: str) -> list[str]:
        """Make a target; give the calls since the last time."""
        self.calls.write_text("")
        done = make(self.folder, target)
        assert done.returncode == 0, done.stderr
        return self.calls.read_text().splitlines()

    def touch(self, name: str) -> None:
        """Make a file newer than everything else."""
        ahead = time.time() + 10
        os.utime(self.folder / name, (ahead, ahead))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_run_installs_once(checkout: Checkout) -> None:
    """The first time all that is locked, with hashes, then the wallet; later the wallet alone, until a lock changes."""
    first = checkout.made("run")
    locked, own, serve = first
    assert "--require-hashes -r requirements.txt" in locked
    assert own.endswith("--no-deps -e .")
    assert serve == "wallet serve"
    assert checkout.made("run") == ["wallet serve"]
    checkout.touch("requirements.txt")
    assert checkout.made("run") == first


def test_the_tools_are_installed_for_the_tests_only(checkout: Checkout) -> None:
    """`make run` does not ask for them; `make lint` does, once."""
    assert not any("requirements-dev" in call for call in checkout.made("run"))
    for name in ("ruff", "mypy", "sqlfluff", "squawk"):
        checkout.program(name, f'echo "{name} $*" >> calls')
    calls = checkout.made("lint")
    assert "--require-hashes -r requirements-dev.txt" in calls[0]
    assert {call.split()[0] for call in calls[1:]} == {"ruff", "mypy", "sqlfluff", "squawk"}
    assert not any("pip" in call for call in checkout.made("lint"))


def test_a_red_tool_makes_the_tests_red(checkout: Checkout) -> None:
    """A style error stops `make test` before the suite runs; a red suite makes it fail."""
    for name in ("ruff", "mypy", "sqlfluff", "squawk", "pytest"):
        checkout.program(name, f'echo "{name} $*" >> calls')
    assert any(call.startswith("pytest") for call in checkout.made("test"))
    for name in ("ruff", "mypy", "sqlfluff", "squawk", "pytest"):
        checkout.program(name, "exit 1")
        checkout.calls.write_text("")
        assert make(checkout.folder, "test").returncode != 0, name
        if name != "pytest":
            assert "pytest" not in checkout.calls.read_text()
        checkout.program(name, f'echo "{name} $*" >> calls')


def test_ctrl_c_ends_run_without_an_error(checkout: Checkout) -> None:
    """The terminal's signal reaches make and the wallet: make waits until the wallet has ended, and says nothing."""
    checkout.program(
        "wallet",
        "trap 'sleep 0.2; echo stopped >> calls; exit 0' INT; echo started >> calls; while :; do sleep 0.05; done",
    )
    with subprocess.Popen(
        ["make", "--no-print-directory", "run"],
        cwd=checkout.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            calls = checkout.calls
            until(lambda: calls.exists() and "started" in calls.read_text(), "the wallet runs")
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert calls.read_text().splitlines()[-1] == "stopped"
    assert errors == ""


def test_clean_keeps_the_data(checkout: Checkout) -> None:
    """What was installed goes; the books stay."""
    (checkout.folder / ".wallet-data").mkdir()
    (checkout.folder / ".env").touch()
    (checkout.folder / "service" / "__pycache__").mkdir(parents=True)
    checkout.made("clean")
    assert not checkout.binaries.parent.exists()
    assert not (checkout.folder / "service" / "__pycache__").exists()
    assert (checkout.folder / ".wallet-data").is_dir()
    assert (checkout.folder / ".env").is_file()
