"""How the console is used: by keyboard, by ear, on a phone, in the dark, and when the service is slow or away."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.console.conftest import settle
from tests.console.world import World

Visit = Callable[[str], Page]


def paths(world: World) -> list[str]:
    """A page of every kind, full and empty."""
    return [
        "",
        f"accounts/{world.alice}",
        f"accounts/{world.empty}",
        f"accounts/{world.hostile[0]}",
        f"transactions/{world.spend}",
        f"transactions/{world.captured}",
        "owners/family",
        "find/family-order",
        "find/nobody",
        "books",
        "live",
        "nowhere",
    ]


def violations(page: Page, *rules: str) -> list[tuple[str, str]]:
    """What axe finds: the rule and the first element that breaks it. Without rules, by all of them."""
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_every_page_is_accessible(
    open_context: Callable[..., BrowserContext], world: World, expected: list[str]
) -> None:
    """No violation of any rule of axe: names, roles, landmarks, contrast."""
    expected.append("404")
    # axe puts markup into the page to measure it, which the page's own policy would stop.
    page = open_context(bypass_csp=True).new_page()
    found = []
    for path in paths(world):
        page.goto(f"{world.calls.base_url}/console/#/{path}")
        settle(page)
        found += [(path, *one) for one in violations(page)]
    page.get_by_role("button", name="API key").click()
    found += [("key", *one) for one in violations(page)]
    assert found == []


@pytest.mark.parametrize(
    ("width", "scheme", "rules"), [(1280, "dark", ("color-contrast",)), (360, "light", ())], ids=["dark", "phone"]
)
def test_it_is_so_in_the_dark_and_on_a_phone(
    open_context: Callable[..., BrowserContext], world: World, width: int, scheme: str, rules: tuple[str, ...]
) -> None:
    """Where colours and layout are others."""
    page = open_context(viewport={"width": width, "height": 740}, color_scheme=scheme, bypass_csp=True).new_page()
    found = []
    for path in ("owners/family", f"accounts/{world.alice}", f"transactions/{world.spend}", "live"):
        page.goto(f"{world.calls.base_url}/console/#/{path}")
        settle(page)
        found += [(path, *one) for one in violations(page, *rules)]
    assert found == []


def test_nothing_is_wider_than_a_phone(
    open_context: Callable[..., BrowserContext], world: World, expected: list[str]
) -> None:
    """Names and amounts may be long: they break, or their table scrolls, and the page does not."""
    expected.append("404")
    page = open_context(viewport={"width": 320, "height": 700}).new_page()
    for path in (*paths(world), f"accounts/{world.rich}"):
        page.goto(f"{world.calls.base_url}/console/#/{path}")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def focused(page: Page) -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText"))


def test_the_keyboard_is_enough(visit: Visit, world: World) -> None:
    """/ to the search, Escape out of it; j, k and arrows through the rows; Enter opens, the heading has the focus."""
    page = visit("owners/family")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("jk/")
    expect(page.get_by_role("searchbox")).to_have_value("jk/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    names = []
    for key in ("j", "j", "ArrowDown", "ArrowDown", "k", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        names.append(focused(page))
    assert names == ["Cleo", "Ben", "Anna", "Anna", "Ben", "Cleo", "Cleo"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/#/accounts/{world.family[2]}")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Control+j")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_skip_link_leads_past_the_bar(visit: Visit, world: World) -> None:
    page = visit("owners/family")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    expect(page.locator(".skip")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/owners/family")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_nothing_moves_for_those_who_want_that(open_context: Callable[..., BrowserContext], world: World) -> None:
    moving = (
        "[...document.querySelectorAll('*')].filter(one => getComputedStyle(one).transitionDuration !== '0s').length"
    )
    counts = []
    for motion in ("no-preference", "reduce"):
        page = open_context(reduced_motion=motion).new_page()
        page.goto(f"{world.calls.base_url}/console/")
        settle(page)
        counts.append(page.evaluate(moving))
    assert counts[0] > 0
    assert counts[1] == 0


def test_what_takes_long_says_so(page: Page, world: World) -> None:
    """Words, and busy, until it is there; who goes elsewhere meanwhile is not brought back."""
    waiting: list[Route] = []
    page.route(f"**/api/v1/accounts/{world.alice}", lambda route: waiting.append(route))
    page.goto(f"{world.calls.base_url}/console/#/accounts/{world.alice}")
    expect(page.locator("main[aria-busy]")).to_contain_text("Loading")
    page.evaluate("location.hash = '#/books'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Books")
    for route in waiting:
        route.continue_()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_have_text("Books")


def test_a_service_that_is_away_is_said_and_tried_again(
    visit: Visit, page: Page, world: World, expected: list[str]
) -> None:
    expected.extend(["net::ERR_FAILED", "503"])
    page.route("**/api/v1/**", lambda route: route.abort())
    visit(f"accounts/{world.alice}")
    expect(page.get_by_role("alert")).to_have_text("The service does not answer.")
    page.unroute("**/api/v1/**")
    body = '{"success":false,"error":"The wallet is not available now.","code":"unavailable"}'
    page.route("**/api/v1/**", lambda route: route.fulfill(status=503, content_type="application/json", body=body))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_text("The wallet is not available now.")
    page.unroute("**/api/v1/**")
    page.route("**/api/v1/**", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Proxy</h1>"))
    expected.append("502")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_text("The service answered 502.")
    page.unroute("**/api/v1/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice")


def test_the_live_page_comes_back_by_itself(visit: Visit, page: Page, expected: list[str]) -> None:
    expected.append("net::ERR_FAILED")
    visit("live")
    page.route("**/api/v1/status", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_have_text("The service does not answer.")
    page.unroute("**/api/v1/status")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_is_read_aloud(visit: Visit, world: World) -> None:
    """The statement that came is announced; the chart has a name and says each point."""
    page = visit(f"accounts/{world.rich}")
    expect(page.locator("#announcer")).to_have_text("Statement: entries 3.")
    expect(page.get_by_role("img", name="Balance in GC over time")).to_be_visible()
