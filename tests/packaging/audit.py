"""`python -m tests.packaging.audit`: are there known vulnerabilities in the versions that are pinned?

Exit code 1 when there are. When the index of advisories cannot be reached it says so and ends with 0: whether the
network is there says nothing about this code.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

#: How long the whole audit may take, and each look into the index.
AUDIT_SECONDS = 120
LOOK_SECONDS = 5

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")

_UNREACHABLE = (
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "SSLError",
    "ProxyError",
    "Could not connect",
    "HTTPError",
)


def audit(program: Sequence[str] = (sys.executable, "-m", "pip_audit"), seconds: float = AUDIT_SECONDS) -> int:
    """Audit the pinned versions; print what was found; give the exit code.

    Args:
        program: pip-audit, or what takes its place.
        seconds: how long it may take.
    """
    # The files pin every package with its hash, so nothing is resolved and nothing installed.
    files = [word for name in REQUIREMENTS for word in ("--requirement", name)]
    options = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    try:
        done = subprocess.run(
            [*program, *options, "--timeout", str(LOOK_SECONDS), *files],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _unaudited(f"no answer within {seconds:g} s")
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        if any(word in done.stderr for word in _UNREACHABLE):
            return _unaudited(last)
        print(f"AUDIT FAILED: {last}", file=sys.stderr)
        return 1
    known = [package for package in packages if "vulns" in package]
    for package in known:
        for one in package["vulns"]:
            fixes = ", ".join(one["fix_versions"]) or "none yet"
            print(
                f"VULNERABLE: {package['name']} {package['version']}: {one['id']}, fixed in: {fixes}", file=sys.stderr
            )
    if any(package["vulns"] for package in known):
        return 1
    if not known:
        return _unaudited("it knows none of the packages")
    skipped = len(packages) - len(known)
    print(
        f"No known vulnerability in {len(known)} packages"
        + (f"; {skipped} could not be looked up." if skipped else ".")
    )
    return 0


def _unaudited(reason: str) -> int:
    print(f"NOT AUDITED: the index of advisories cannot be reached ({reason}).", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(audit())
