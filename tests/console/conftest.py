"""A real Chromium on the console of a real service.

Whatever a test does, its pages may not: log an error, break the page's security policy, or ask anybody but the service.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, sync_playwright

from tests.console.world import Calls, World, make_world
from tests.http.keyed import Keys
from tests.support.browser import VARIABLE, find_chromium
from tests.support.database import SEEDED, Databases
from tests.support.process import service_running

#: How long to wait for what should be on a page, in milliseconds: far longer than it ever takes.
PATIENCE = 20_000

_LISTEN = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of the console. Of the package, not the session: it has an event loop of its own."""
    chromium = find_chromium()
    if chromium is None:
        reason = f"There is no Chromium: run `make test`, put one on the path, or name one in {VARIABLE}."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.path, env={**os.environ, **chromium.variables})
        yield started
        started.close()


@pytest.fixture(scope="package")
def console_database(databases: Databases) -> Iterator[str]:
    """The database behind the console."""
    with databases.fresh(SEEDED) as url:
        yield url


@pytest.fixture(scope="package")
def world(console_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service that wants no key, and what there is to see. Tests may add to it, and change nothing."""
    with service_running(tmp_path_factory.mktemp("open"), console_database) as service:
        yield make_world(Calls(service.base_url))


@pytest.fixture(scope="package")
def closed_url(world: World, console_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service on the same database that wants a key."""
    folder: Path = tmp_path_factory.mktemp("closed")
    # It does not start on an address without keys.
    Keys(console_database).create("read")
    with service_running(folder, console_database, API_KEYS="required") as service:
        yield service.base_url


@pytest.fixture
def keys(console_database: str) -> Keys:
    """Makes API keys."""
    return Keys(console_database)


@pytest.fixture
def expected() -> list[str]:
    """What the browser may log in a test: parts of lines. It logs every answer of 4xx and 5xx by itself."""
    return []


@pytest.fixture
def open_context(browser: Browser, expected: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Open a window: `open_context(color_scheme="dark")`. At the end nothing may have gone wrong in any."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []
    hosts: set[str] = set()

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(message.text)

    def dismiss(dialog: Dialog) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_one(**options: object) -> BrowserContext:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # of many types
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_LISTEN)
        context.on("console", hear)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on("dialog", dismiss)
        context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert [one for one in problems if not any(part in one for part in expected)] == []
    assert len(hosts - {""}) <= 1, "the console asks nobody but the service"


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page in a window of its own."""
    return open_context().new_page()


@pytest.fixture
def visit(page: Page, world: World) -> Callable[[str], Page]:
    """Open a page of the console: `visit("accounts/…")`."""

    def go(path: str) -> Page:
        page.goto(f"{world.calls.base_url}/console/#/{path}")
        settle(page)
        return page

    return go


def settle(page: Page) -> None:
    """Wait until the page for the address is there."""
    page.wait_for_function(
        "() => { const main = document.getElementById('main');"
        " return main?.dataset.shown === location.hash && !main.hasAttribute('aria-busy'); }"
    )
