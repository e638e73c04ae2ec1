"""The service of the release before goes on, on a database that this release migrates under it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import StartService
from tests.recovery.releases import (
    copy_of_this_release,
    export_release,
    newest_release_before,
    start_wallet,
    this_checkout,
)
from tests.support.database import Databases
from tests.support.load import Load, check_books, find_wallets
from tests.support.process import run_wallet

pytestmark = pytest.mark.anyio


def missing_tags() -> list[str]:
    """The releases in the changelog before this version that have no tag here: of a clone without tags, all."""
    version = tomllib.loads((this_checkout() / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[?v?(\d+\.\d+\.\d+)", (this_checkout() / "CHANGELOG.md").read_text(), re.MULTILINE)
    known = newest_release_before(this_checkout())
    return [f"v{number}" for number in released if number != version and known is None]


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The checkout of the release before this; of this one, as long as there is none before."""
    folder = tmp_path / "previous"
    folder.mkdir()
    tag = newest_release_before(this_checkout())
    if tag is not None:
        return export_release(this_checkout(), tag, folder)
    assert missing_tags() == [], "there are releases before this one, but their tags are not in this clone"
    return copy_of_this_release(folder)


async def test_the_service_of_the_release_before_goes_on(
    previous: Path, databases: Databases, start_service: StartService, tmp_path: Path
) -> None:
    """Its own database, its own service, load; then this release's `wallet migrate`: no answer but 201 and 422."""
    with databases.fresh("template1") as url:
        for command in ("migrate", "seed"):
            process = start_wallet(previous, url, command)
            printed, _ = process.communicate(timeout=90)
            assert process.returncode == 0, printed
        with start_service(url, PYTHONPATH=str(previous)) as service:
            async with Load([service.base_url], find_wallets(url)) as load:
                await load.until_acknowledged(100)
                done = run_wallet(tmp_path, "migrate", DATABASE_URL=url)
                assert done.returncode == 0, done.stderr
                await load.until_acknowledged(300)
            assert set(load.answers) <= {201, 422}
            await check_books(url, load)
        # It can be started again, too, for as long as the upgrade takes.
        with start_service(url, PYTHONPATH=str(previous)) as service:
            async with Load([service.base_url], find_wallets(url)) as more:
                await more.until_acknowledged(50)
            await check_books(url, more)


def test_the_release_before_is_found_by_its_tag(tmp_path: Path) -> None:
    """The newest by version, not by text; not one that is this very commit; not one of another branch."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    def commit(*tags: str) -> None:
        with (tmp_path / "file").open("a") as file:
            file.write("a line\n")
        git("add", "file")
        git("commit", "-m", "a commit")
        for tag in tags:
            git("tag", tag)

    assert newest_release_before(tmp_path) is None
    git("init", "-b", "main")
    commit()
    assert newest_release_before(tmp_path) is None
    commit("v0.9.0")
    assert newest_release_before(tmp_path) is None
    commit("v0.10.0", "other")
    assert newest_release_before(tmp_path) == "v0.9.0"
    git("checkout", "-b", "elsewhere")
    commit("v0.11.0")
    git("checkout", "main")
    commit()
    assert newest_release_before(tmp_path) == "v0.10.0"
    assert (export_release(tmp_path, "v0.9.0", tmp_path / "export") / "file").read_text() == "a line\n" * 2
