"""The audit of the pinned versions: red for a known vulnerability, green with a notice when the network is to blame."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.audit import REQUIREMENTS, audit
from tests.packaging.files import CHECKOUT

WELL = {"name": "well", "version": "1", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
ILL = {
    "name": "ill",
    "version": "2",
    "vulns": [{"id": "CVE-1", "fix_versions": ["3"], "aliases": [], "description": "x"}],
}


def stand_in(folder: Path, packages: list[dict[str, Any]] | None, error: str = "", seconds: float = 0) -> list[str]:
    """Make a program that answers as pip-audit would."""
    path = folder / "pip_audit_stand_in.py"
    output = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    path.write_text(
        "import sys, time\n"
        f"time.sleep({seconds})\n"
        f"sys.stdout.write({output!r})\n"
        f"sys.stderr.write({error!r})\n"
        f"sys.exit({1 if packages is None or ILL in packages else 0})\n"
    )
    return [sys.executable, str(path)]


@pytest.mark.parametrize("packages", [[ILL], [WELL, ILL, SKIPPED]])
def test_a_known_vulnerability_is_red(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], packages: list[dict[str, Any]]
) -> None:
    """It is named with the version that mends it."""
    assert audit(stand_in(tmp_path, packages)) == 1
    assert "VULNERABLE: ill 2: CVE-1, fixed in: 3" in capsys.readouterr().err


def test_no_known_vulnerability_is_green(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And it is said what was not looked at."""
    assert audit(stand_in(tmp_path, [WELL, WELL, SKIPPED])) == 0
    assert capsys.readouterr().out == "No known vulnerability in 2 packages; 1 could not be looked up.\n"


@pytest.mark.parametrize(
    ("packages", "error", "seconds"),
    [
        ([SKIPPED, SKIPPED], "", 0.0),
        (None, "ERROR: Could not connect to PyPI's vulnerability feed", 0.0),
        (None, "requests.exceptions.ConnectionError: Name or service not known", 0.0),
        ([ILL], "", 60.0),
    ],
    ids=["an index that knows nothing", "no connection", "no name", "no answer"],
)
def test_without_an_index_it_is_green_with_a_notice(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    packages: list[dict[str, Any]] | None,
    error: str,
    seconds: float,
) -> None:
    assert audit(stand_in(tmp_path, packages, error, seconds), seconds=1 if seconds else 60) == 0
    assert capsys.readouterr().err.startswith("NOT AUDITED: the index of advisories cannot be reached (")


def test_what_fails_otherwise_is_red(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken audit must not pass for a clean one."""
    assert audit(stand_in(tmp_path, None, "error: unrecognized arguments: --format")) == 1
    assert capsys.readouterr().err.startswith("AUDIT FAILED: ")


def test_every_pinned_package_is_audited() -> None:
    """Each requirements file of the checkout is on the list, and pins every package with its hashes."""
    assert set(REQUIREMENTS) == {path.name for path in CHECKOUT.glob("requirements*.txt")}
    for name in REQUIREMENTS:
        blocks = (CHECKOUT / name).read_text().replace("\\\n", " ").splitlines()
        pinned = [line for line in blocks if line and not line.lstrip().startswith("#")]
        assert pinned
        assert all("==" in line and "--hash=sha256:" in line for line in pinned)


def test_the_suite_includes_the_audit() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    assert "\ntest: lint audit ##" in makefile
    assert "-m tests.packaging.audit\n" in makefile
