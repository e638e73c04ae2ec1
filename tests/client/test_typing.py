"""A type checker sees what the client takes and gives, as a user of the installed package has it."""

import subprocess
import sys
from pathlib import Path

import wallet_client
from service.resources import PACKAGE_FOLDER
from tests.support.process import wallet_environment

TYPED = Path(__file__).with_name("typed.py")


def test_a_type_checker_knows_the_client(tmp_path: Path) -> None:
    """Each `type: ignore` of the file is needed, or the checker would say so: those lines are wrong, and are found."""
    (script := tmp_path / "typed_by_user.py").write_text(TYPED.read_text())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--cache-dir"),
            tmp_path / "cache",
            script,
        ],
        cwd=tmp_path,
        env=wallet_environment(MYPYPATH=str(PACKAGE_FOLDER.parent)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (Path(wallet_client.__file__).parent / "py.typed").exists()
