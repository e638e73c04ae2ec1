"""The page at /docs, in a browser: it shows every operation, and tries one with an API key.

What the fixtures hold the console to holds here too: no policy broken, no error logged, nobody asked but the service.
"""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, expect

from tests.http.described import document
from tests.http.keyed import Keys


def test_a_request_is_tried_with_a_key(
    open_context: Callable[..., BrowserContext], closed_url: str, keys: Keys, expected: list[str]
) -> None:
    """401 without a key, 200 with one; the key is gone with the tab."""
    expected.append("401 (Unauthorized)")
    window = open_context(viewport={"width": 1200, "height": 4000})
    page = window.new_page()
    page.goto(f"{closed_url}/docs")
    operation = page.locator("#operations-Accounts-get-accounts")
    operation.wait_for()
    assert page.locator(".opblock").count() == sum(map(len, document()["paths"].values()))
    operation.locator(".opblock-summary-control").click()
    operation.locator(".try-out__btn").click()
    operation.locator(".execute").click()
    expect(status_of(operation)).to_contain_text("401")

    page.locator(".scheme-container .authorize").click()
    page.get_by_label("auth-bearer-value").fill(keys.create("read"))
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    operation.locator(".execute").click()
    expect(status_of(operation)).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text("USER_ALICE_GC")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert window.cookies() == []


def status_of(operation: Locator) -> Locator:
    """Where the status of the last answer is shown."""
    return operation.locator(".live-responses-table .response .response-col_status")
