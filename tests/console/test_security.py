"""What the console lets nobody do: run scripts through names, or see what their key does not open."""

import json
import urllib.parse
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.conftest import settle
from tests.console.test_pages import NOT_FOUND, facts, figures, rows, search
from tests.console.world import HOSTILE, World
from tests.http.keyed import Keys

Visit = Callable[[str], Page]

UNAUTHORIZED = "the server responded with a status of 401"
FORBIDDEN = "the server responded with a status of 403"


def check_untouched(page: Page) -> None:
    """Nothing of what was written to do harm has become a part of the page."""
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, iframe, object, embed, main script, svg[onload]").count() == 0
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    assert [link for link in links if not link.startswith(("#/", "#main"))] == []
    assert page.evaluate("Object.prototype.polluted") is None


@pytest.mark.parametrize("index", range(len(HOSTILE)))
def test_names_are_text_whatever_they_hold(visit: Visit, world: World, expected: list[str], index: int) -> None:
    """Of a wallet, its owner, its references, descriptions, metadata, reasons: letter by letter, and nothing more."""
    expected.append(NOT_FOUND)
    name = HOSTILE[index]
    page = visit(f"accounts/{world.hostile[index]}")
    assert page.locator("h1").evaluate("heading => heading.textContent") == name
    assert facts(page)["Owner"] == name
    assert facts(page)["External id"] == f"x{name}"
    entry = page.get_by_role("table", name="Entries").locator("tbody tr").first
    assert entry.locator("[data-name=Reference]").evaluate("cell => cell.textContent") == name + name
    changes = page.get_by_role("table", name="Changes").locator("tbody tr")
    assert changes.first.locator("[data-name=Why]").evaluate("cell => cell.textContent") == name
    check_untouched(page)
    visit(f"transactions/{world.hostile_spends[index]}")
    assert facts(page)["Description"] == name
    assert json.loads(page.locator("pre").text_content() or "") == {name: [name, {name: name}]}
    check_untouched(page)
    visit(f"owners/{urllib.parse.quote(name, safe='')}")
    assert page.locator("h1").evaluate("heading => heading.textContent") == f"Owner {name}"
    check_untouched(page)
    visit("")
    check_untouched(page)
    search(page, f"x{name}")
    page.wait_for_url(f"**/#/accounts/{world.hostile[index]}")
    settle(page)
    check_untouched(page)
    visit(f"find/{urllib.parse.quote(name + '?', safe='')}")
    assert page.locator("h1").evaluate("heading => heading.textContent") == f"Found for {name}?"
    check_untouched(page)


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = '<img src=x onerror=window.hacked=1>'",
        "const one = document.createElement('script'); one.textContent = 'window.hacked=1'; document.body.append(one)",
        "document.body.setAttribute('onclick', 'window.hacked=1'); document.body.click()",
        "const one = document.createElement('style');"
        " one.textContent = 'body{display:none}'; document.head.append(one);"
        " if (getComputedStyle(document.body).display === 'none') window.hacked = 1",
        # Later: what the test itself has evaluated may do so.
        "setTimeout(() => { try { eval('window.hacked=1') } catch {} })",
        "location.href = 'javascript:window.hacked=1'",
    ],
)
def test_the_policy_stops_what_would_get_past_the_code(visit: Visit, expected: list[str], attempt: str) -> None:
    """Scripts, styles and markup that are not files of the service do nothing, even if the code let them in."""
    expected.extend(["policy:", "Content Security Policy", "TrustedHTML", "TrustedScript", "trusted", "violates"])
    page = visit("")
    page.evaluate(f"() => {{ try {{ {attempt} }} catch {{ }} }}")
    # The browser works off what it was given before it answers this.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    assert page.evaluate("window.hacked") is None


def test_the_page_asks_for_a_key_and_keeps_it_in_its_tab(
    open_context: Callable[..., BrowserContext], world: World, closed_url: str, keys: Keys, expected: list[str]
) -> None:
    """A wrong one is told; the right one opens all; a reload keeps it, another tab lacks it; it is forgotten."""
    expected.append(UNAUTHORIZED)
    token = keys.create("read")
    context = open_context()
    page = context.new_page()
    page.goto(f"{closed_url}/console/#/accounts/{world.alice}")
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("with the scope read")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog.locator("#key-reason")).to_contain_text("API key")
    expect(dialog.locator("#key-reason")).not_to_contain_text("scope read")
    dialog.get_by_label("Key", exact=True).fill(token)
    page.get_by_role("button", name="Use this key").click()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice")
    page.reload()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice")
    expect(page.get_by_role("button", name="API key: one is in use")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert token not in page.url
    assert token not in page.content()
    other = context.new_page()
    other.goto(f"{closed_url}/console/")
    expect(other.get_by_role("dialog", name="API key")).to_be_visible()
    page.get_by_role("button", name="API key: one is in use").click()
    page.get_by_role("button", name="Forget it").click()
    expect(dialog).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    expect(page.get_by_role("heading", level=1)).to_have_text("This did not work")
    page.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("main")).not_to_contain_text("Alice")


def opened(context: BrowserContext, base_url: str, token: str, path: str) -> Page:
    """A page with a key."""
    page = context.new_page()
    page.goto(f"{base_url}/console/icon.svg")
    page.evaluate("token => sessionStorage.setItem('wallet-console-key', token)", token)
    page.goto(f"{base_url}/console/#/{path}")
    settle(page)
    return page


def test_a_key_for_one_asset_sees_that_asset(
    open_context: Callable[..., BrowserContext], world: World, closed_url: str, keys: Keys, expected: list[str]
) -> None:
    """The overview, the search and the books show what is of it; a wallet of another is refused in words."""
    expected.extend([FORBIDDEN, NOT_FOUND])
    page = opened(open_context(), closed_url, keys.create("read", assets=["DM"]), "")
    assert {one["Asset"] for one in rows(page, "Newest wallets")} == {"DM"}
    assert {one["Amount"].split()[-1] for one in rows(page, "Latest transactions")} == {"DM"}
    search(page, "family-order")
    page.wait_for_url("**/#/transactions/*")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("100.5000 DM")
    search(page, "family")
    page.wait_for_url("**/#/owners/family")
    settle(page)
    assert [one["Wallet"] for one in rows(page, "Wallets")] == ["Cleo"]
    search(page, world.alice)
    expect(page.locator("main")).to_contain_text("Nothing has this id")
    page.goto(f"{closed_url}/console/#/accounts/{world.alice}")
    expect(page.get_by_role("alert")).to_have_text("The API key is not for this asset type.")
    page.goto(f"{closed_url}/console/#/books")
    settle(page)
    assert [one["Asset"] for one in rows(page, "Trial balance")] == ["DM"]


def test_a_key_without_the_scope_is_refused_in_words(
    open_context: Callable[..., BrowserContext], world: World, closed_url: str, keys: Keys, expected: list[str]
) -> None:
    expected.append(FORBIDDEN)
    page = opened(open_context(), closed_url, keys.create("post:bonus"), f"accounts/{world.alice}")
    expect(page.get_by_role("alert")).to_have_text("This needs an API key with the scope read.")
    assert figures(page) == {}


def test_another_key_reads_all_of_it_anew(
    open_context: Callable[..., BrowserContext], world: World, closed_url: str, keys: Keys
) -> None:
    """What the first has looked up is forgotten: each thing on the page is asked for with the second."""
    page = opened(open_context(), closed_url, keys.create("read"), f"transactions/{world.conversion}")
    expect(page.get_by_role("table", name="Entries").get_by_role("link", name="Cleo")).to_be_visible()
    asked: dict[str, str | None] = {}
    page.on("request", lambda request: asked.update({request.url: request.header_value("Authorization")}))
    second = keys.create("read", assets=["GC"])
    page.get_by_role("button", name="API key: one is in use").click()
    page.get_by_label("Key", exact=True).fill(second)
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("table", name="Entries").get_by_role("link", name="Cleo")).to_have_count(0)
    settle(page)
    expect(page.get_by_role("link", name="Anna").first).to_be_visible()
    assert {one["Asset"] for one in rows(page, "Entries")} == {"GC"}
    paths = {url.partition("/api/v1")[2] for url in asked}
    assert paths >= {"/asset-types", f"/accounts/{world.family[0]}", f"/transactions/{world.conversion}"}
    assert set(asked.values()) == {f"Bearer {second}"}
