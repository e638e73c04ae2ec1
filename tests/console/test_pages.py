"""What the pages show: found, exact, complete, and in words where there is nothing."""

import csv
import re
import urllib.parse
from collections.abc import Callable
from decimal import Decimal

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import settle
from tests.console.world import BIG_SHOWN, World

Visit = Callable[[str], Page]

NOT_FOUND = "the server responded with a status of 404"
REFUSED = "the server responded with a status of 400"


def shown(amount: object) -> str:
    """An amount of an asset with four decimals, as the console writes it."""
    return f"{Decimal(str(amount)):,.4f}"


def figures(page: Page) -> dict[str, str]:
    """The figures at the head of a page by their names."""
    pairs = (one.inner_text().split("\n") for one in page.locator(".figure").all())
    return {name.strip(): value.strip() for name, value in pairs}


def facts(page: Page) -> dict[str, str]:
    """Terms and what they are."""
    return {one.locator("dt").inner_text(): one.locator("dd").inner_text() for one in page.locator("dl > div").all()}


def rows(page: Page, caption: str) -> list[dict[str, str]]:
    """The rows of a table: cells by column."""
    found: list[dict[str, str]] = page.get_by_role("table", name=caption).evaluate(
        """table => [...table.tBodies[0].rows].map(row => Object.fromEntries(
            [...row.cells].map(cell => [cell.dataset.name, cell.innerText.replaceAll(/\\s+/g, " ").trim()])))"""
    )
    return found


def search(page: Page, text: str) -> None:
    """Find something by the keyboard alone."""
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("name", ["id", "external id"])
def test_a_wallet_is_found_and_shows_what_it_has(visit: Visit, world: World, expected: list[str], name: str) -> None:
    """By either name: the one wallet at once, with its balance, what is held of it, and what is left."""
    expected.append(NOT_FOUND)
    page = visit("")
    search(page, world.alice if name == "id" else "USER_ALICE_GC")
    page.wait_for_url(f"**/#/accounts/{world.alice}")
    settle(page)
    account = world.calls.get(f"/accounts/{world.alice}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice")
    assert page.title() == "Alice - Wallet console"
    assert account["held"] == 40
    assert figures(page) == {
        name.capitalize(): f"{shown(account[name])} GC" for name in ("balance", "held", "available")
    }
    assert facts(page)["External id"] == "USER_ALICE_GC"
    assert facts(page)["Id"] == world.alice


def test_an_owner_is_found_with_the_sums_over_all_wallets(visit: Visit, world: World, expected: list[str]) -> None:
    expected.append(NOT_FOUND)
    page = visit("books")
    search(page, "family")
    page.wait_for_url("**/#/owners/family")
    settle(page)
    balances = world.calls.get("/owners/family/balances")["balances"]
    assert rows(page, "In total") == [
        {
            "Asset": one["symbol"],
            "Wallets": str(one["accountCount"]),
            **{name.capitalize(): shown(one[name]) for name in ("balance", "held", "available")},
        }
        for one in balances
    ]
    assert {one["Wallet"] for one in rows(page, "Wallets")} == {"Anna", "Ben", "Cleo"}
    page.get_by_role("link", name="Ben").click()
    page.wait_for_url(f"**/#/accounts/{world.family[1]}")
    settle(page)
    page.go_back()
    page.wait_for_url("**/#/owners/family")
    # What was redirected is no stop on the way back.
    page.go_back()
    page.wait_for_url("**/#/books")


def test_a_reference_finds_its_transactions(visit: Visit, world: World, expected: list[str]) -> None:
    """One: at once. Several: a list. Also by idempotency key."""
    expected.append(NOT_FOUND)
    page = visit("")
    search(page, "order-7")
    page.wait_for_url(f"**/#/transactions/{world.spend}")
    settle(page)
    search(page, "family-order")
    page.wait_for_url("**/#/find/family-order")
    expect(page.get_by_role("heading", level=1)).to_have_text("Found for family-order")
    assert [one["Amount"] for one in rows(page, "Transactions")] == ["100.5000 DM", "100.5000 GC", "100.5000 GC"]
    expect(page.locator("#announcer")).to_have_text("Found: wallets 0, transactions 3.")
    search(page, world.calls.get(f"/transactions/{world.spend}")["idempotencyKey"])
    page.wait_for_url(f"**/#/transactions/{world.spend}")


def test_what_is_not_there_is_said_in_words(visit: Visit, world: World, expected: list[str]) -> None:
    expected.extend([NOT_FOUND, REFUSED])
    page = visit("find/nobody")
    expect(page.locator("main")).to_contain_text(
        "Nothing has this id, external id, owner, reference or idempotency key"
    )
    for path, heading in (
        (f"accounts/{world.alice[:-4]}0000", "Not found"),
        ("transactions/x", "This did not work"),
        ("owners/nobody", "Not found"),
        ("nowhere", "There is no such page"),
        ("accounts", "There is no such page"),
        ("accounts/", "There is no such page"),
        ("find/%E0%A4", "There is no such page"),
    ):
        visit("books")
        visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    visit(f"accounts/{world.empty}")
    for sentence in ("There are no entries in this period.", "Nothing is held.", "Nothing was changed"):
        expect(page.locator("main")).to_contain_text(sentence)


def test_the_statement_is_that_of_the_service_and_is_drawn(visit: Visit, world: World) -> None:
    """Every entry, newest first, with its exact balance; a step in the chart for each; ends and totals."""
    page = visit(f"accounts/{world.alice}")
    statement = world.calls.get(f"/accounts/{world.alice}/statement")
    table = rows(page, "Entries")
    assert len(table) == len(statement["lines"]) > 15
    for row, line in zip(table, reversed(statement["lines"]), strict=True):
        assert row["Balance"] == shown(line["balanceAfter"])
        assert row[line["entryType"].capitalize()] == shown(line["amount"])
        assert row["Type"] == line["type"].lower().replace("_", " ")
        assert row["Posted"] == line["createdAt"][:19].replace("T", " ")
        assert row["Reference"] == " ".join(filter(None, (line["referenceId"], line["description"])))
    assert facts(page)["Opening balance"] == "0.0000 GC"
    assert facts(page)["Closing balance"] == f"{shown(statement['closing']['balance'])} GC"
    assert facts(page)["Debits"] == f"{shown(statement['totals']['debits'])} GC"
    assert facts(page)["Credits"] == f"{shown(statement['totals']['credits'])} GC"
    expect(
        page.get_by_role("table", name="Entries").get_by_role("link", name="Gold Coins treasury").first
    ).to_be_visible()
    path = page.locator("svg .line").get_attribute("d") or ""
    assert path.count("V") == len(statement["lines"])
    assert "NaN" not in path
    # The higher the balance, the higher the line.
    heights = [float(one) for one in re.findall(r"V([\d.]+)", path)]
    balances = [float(line["balanceAfter"]) for line in statement["lines"]]
    for one, other in zip(range(len(heights) - 1), range(1, len(heights)), strict=True):
        assert (heights[one] > heights[other]) == (balances[one] < balances[other])
    box = page.locator("svg").bounding_box()
    assert box is not None
    assert box["height"] > 100


def test_amounts_are_exact_to_the_last_digit(visit: Visit, world: World) -> None:
    """Everywhere: 90071992547409.0001 is 90071992547409.0 to a browser that counts with its own numbers."""
    page = visit(f"accounts/{world.rich}")
    assert figures(page)["Balance"] == f"{BIG_SHOWN} GC"
    assert [one["Balance"] for one in rows(page, "Entries")] == [BIG_SHOWN, "90,071,992,547,409.0000", BIG_SHOWN]
    assert rows(page, "Entries")[2]["Credit"] == BIG_SHOWN
    assert facts(page)["Credits"] == "90,071,992,547,409.0002 GC"
    plot = page.get_by_role("group", name="Balance in GC")
    plot.focus()
    readings = []
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        plot.press(key)
        readings.append(page.locator(".reading").inner_text().split(" GC ")[0])
    assert readings == [BIG_SHOWN, "90,071,992,547,409", BIG_SHOWN, "0"]
    page.get_by_role("table", name="Entries").get_by_role("link").first.focus()
    visit("books")
    (gold,) = (row for row in world.calls.get("/trial-balance") if row["symbol"] == "GC")
    (shown_gold,) = (row for row in rows(page, "Trial balance") if row["Asset"] == "GC")
    assert shown_gold["Wallets"] == shown(gold["walletBalance"])
    assert gold["walletBalance"] > Decimal("90071992547409.0001")


def test_the_pointer_reads_the_chart(visit: Visit, world: World) -> None:
    page = visit(f"accounts/{world.rich}")
    box = page.locator("svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    expect(page.locator(".reading")).to_contain_text(BIG_SHOWN)


def test_a_period_is_chosen(visit: Visit, world: World) -> None:
    """Presets; and from and to, in UTC: before all, nothing; the whole of it, all. What is wrong is said."""
    page = visit(f"accounts/{world.alice}")
    count = len(rows(page, "Entries"))
    page.get_by_label("Period").select_option("1 hour")
    expect(page.locator("#announcer")).to_have_text(f"Statement: entries {count}.")
    page.get_by_label("Period").select_option("From … to …")
    page.get_by_label("From", exact=True).fill("2020-01-01T00:00:00")
    page.get_by_label("to", exact=True).fill("2020-01-02T00:00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("main")).to_contain_text("There are no entries in this period.")
    page.get_by_label("to", exact=True).fill("2100-01-01T00:00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#announcer")).to_have_text(f"Statement: entries {count}.")


def test_a_wrong_period_is_refused_in_words(visit: Visit, world: World, expected: list[str]) -> None:
    expected.append(REFUSED)
    page = visit(f"accounts/{world.alice}")
    page.get_by_label("Period").select_option("From … to …")
    page.get_by_label("From", exact=True).fill("2026-01-02T00:00:00")
    page.get_by_label("to", exact=True).fill("2026-01-01T00:00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Validation failed")


def test_too_many_entries_are_not_drawn_but_downloaded(visit: Visit, world: World, console_database: str) -> None:
    """2,001 are one too many: the page says so, shows the ends, and hands out all of them as CSV."""
    busy = world.calls.wallet(world.gold, name="Busy")
    with psycopg.connect(console_database, autocommit=True) as connection:
        for part in range(2):
            connection.execute(
                "SELECT wallet.post(array_agg(('BONUS', %s || n, %s, %s, 1, NULL, NULL, NULL)::wallet.posting_request))"
                " FROM generate_series(1, %s) AS n",
                [f"busy-{part}-", busy, world.gold, 1000],
            )
        page = visit(f"accounts/{busy}")
        assert facts(page)["Entries"] == "2000"
        expect(page.locator("svg")).to_be_visible()
        assert len(rows(page, "Entries")) == 100
        page.get_by_role("button", name="Show more").click()
        assert len(rows(page, "Entries")) == 200
    world.calls.move("bonus", busy, world.gold, 1)
    page.reload()
    settle(page)
    expect(page.locator("main")).to_contain_text("more entries than can be shown here (2,000)")
    assert facts(page)["Entries"] == "2001"
    assert facts(page)["Closing balance"] == "2,001.0000 GC"
    expect(page.locator("svg")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    text = download.value.path().read_text()
    assert sum(row[0] == "ENTRY" for row in csv.reader(text.splitlines())) == 2001
    assert download.value.suggested_filename.endswith(".csv")
    # The first two thousand are of the day before yesterday now: the longest period that is not too long is a day.
    with psycopg.connect(console_database, autocommit=True) as connection:
        connection.execute("ALTER TABLE wallet.ledger_entries DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE wallet.ledger_entries SET created_at = created_at - interval '2 days'"
            " WHERE account_id = %s AND version <= 2000",
            [busy],
        )
        connection.execute("ALTER TABLE wallet.ledger_entries ENABLE TRIGGER USER")
    page.reload()
    settle(page)
    expect(page.get_by_label("Period").locator("option:checked")).to_have_text("24 hours")
    assert [facts(page)[one] for one in ("Opening balance", "Entries")] == ["2,000.0000 GC", "1"]


def test_a_transaction_shows_its_entries_and_what_became_of_it(visit: Visit, world: World) -> None:
    page = visit(f"transactions/{world.spend}")
    expect(page.get_by_role("heading", level=1)).to_have_text("50.0000 GC")
    entries = world.calls.get(f"/transactions/{world.spend}/entries")
    expect(page.get_by_role("table", name="Entries").get_by_role("link", name="Alice")).to_be_visible()
    expect(page.get_by_role("table", name="Entries").get_by_role("link", name="Gold Coins revenue")).to_be_visible()
    assert rows(page, "Entries") == [
        {
            "Account": name,
            "Asset": "GC",
            "Debit": shown(50) if entry["entryType"] == "DEBIT" else "",
            "Credit": shown(50) if entry["entryType"] == "CREDIT" else "",
            "Balance after": shown(entry["balanceAfter"]),
            "Entry of the account": str(entry["version"]),
        }
        for name, entry in zip(("Alice", "Gold Coins revenue"), entries, strict=True)
    ]
    history = page.locator(".history li").all_inner_texts()
    assert [re.sub(r"^\S+ \S+ ", "", one) for one in history[:2]] == ["Posted by login postgres", "Refunded 8.5000 GC"]
    assert history[2] == "Refunded in all: 8.5000 GC of 50.0000 GC"
    assert page.locator("pre").inner_text() == (
        '{\n  "cart": [\n    1,\n    "two",\n    {\n      "n": null\n    }\n  ]\n}'
    )
    page.get_by_role("link", name="Refunded").click()
    page.wait_for_url(f"**/#/transactions/{world.refund}")
    settle(page)
    assert facts(page)["Refund of"] == world.spend
    assert facts(page)["Description"] == "Broken sword"


def test_operations_of_every_kind_are_shown(visit: Visit, world: World) -> None:
    """A journal with all its entries, a conversion in two assets, holds with what became of them."""
    page = visit(f"transactions/{world.journal}")
    assert [(one["Debit"], one["Credit"]) for one in rows(page, "Entries")] == [
        ("3.0000", ""),
        ("", "1.0000"),
        ("", "2.0000"),
    ]
    visit(f"transactions/{world.conversion}")
    assert [one["Asset"] for one in rows(page, "Entries")].count("DM") == 2
    assert facts(page)["Rate"] == "0.125"
    visit(f"transactions/{world.captured}")
    expect(page.locator("main")).to_contain_text("A hold has no entries")
    expect(page.locator(".history")).to_contain_text("Captured 2.0000 GC")
    page.get_by_role("link", name="Captured").click()
    page.wait_for_url(f"**/#/transactions/{world.capture}")
    settle(page)
    assert facts(page)["Capture of"] == world.captured
    visit(f"accounts/{world.alice}")
    assert [(one["Description"], one["Amount"]) for one in rows(page, "Open holds")] == [("Deposit", "40.0000")]
    visit(f"accounts/{world.frozen}")
    (change,) = rows(page, "Changes")
    assert change["What"] == "status: ACTIVE → FROZEN"
    assert change["Why"] == "Chargeback, case 17"


def test_the_overview_goes_on(visit: Visit, world: World) -> None:
    """The newest wallets, and more of them on demand, each once."""
    for number in range(25):
        world.calls.wallet(world.gold, name=f"Filler {number}")
    page = visit("")
    assert len(rows(page, "Newest wallets")) == 20
    page.get_by_role("button", name="Show more").click()
    expect(
        page.get_by_role("table", name="Newest wallets").get_by_role("link", name="Filler 0", exact=True)
    ).to_be_visible()
    newest = world.calls.get("/accounts?accountType=USER&limit=40")
    assert [one["Wallet"] for one in rows(page, "Newest wallets")] == [one["name"] for one in newest]


def test_the_books_and_the_doctor(visit: Visit, world: World, console_database: str) -> None:
    page = visit("books")
    expect(page.locator(".verdict").first).to_have_text(
        "The books balance: debits equal credits, and all balances add up to zero."
    )
    columns = {
        "Debits": "debits",
        "Credits": "credits",
        "Treasury": "treasuryBalance",
        "Revenue": "revenueBalance",
        "Wallets": "walletBalance",
        "Conversion": "conversionBalance",
        "Sum": "balanceSum",
    }
    assert rows(page, "Trial balance") == [
        {"Asset": row["symbol"], **{column: shown(row[field]) for column, field in columns.items()}}
        for row in world.calls.get("/trial-balance")
    ]
    checks = world.calls.get("/doctor")["checks"]
    assert [(one["Check"], one["Severity"]) for one in rows(page, "What the doctor checks")] == [
        (one["name"], one["severity"]) for one in checks
    ]
    expect(page.locator(".verdict").nth(1)).to_contain_text("No full run that found nothing is on record.")
    with psycopg.connect(console_database, autocommit=True) as connection:
        connection.execute("SELECT wallet.record_clean_run(wallet.settled_number())")
    page.reload()
    settle(page)
    expect(page.locator(".verdict").nth(1)).to_contain_text("The last full run that found nothing was at")


@pytest.mark.parametrize(("field", "value"), [("balanceSum", "0.0001"), ("debits", "90071992547409.0001")])
def test_books_that_do_not_balance_are_shouted(visit: Visit, page: Page, field: str, value: str) -> None:
    """By the last digit of a number that a browser would round."""
    row = {
        "assetTypeId": "x",
        "symbol": "XX",
        **dict.fromkeys(("treasuryBalance", "revenueBalance", "walletBalance", "conversionBalance", "balanceSum"), "0"),
        **dict.fromkeys(("debits", "credits"), "90071992547409.0002"),
        field: value,
    }
    text = ",".join(
        f'"{name}":' + (f'"{one}"' if name in ("assetTypeId", "symbol") else one) for name, one in row.items()
    )
    page.route(
        "**/trial-balance",
        lambda route: route.fulfill(content_type="application/json", body=f'{{"success":true,"data":[{{{text}}}]}}'),
    )
    visit("books")
    expect(page.get_by_role("alert")).to_have_text("The books do not balance: XX. Run wallet doctor.")


def test_the_live_page_follows(visit: Visit, world: World) -> None:
    """What is posted while it is open shows, without a reload, and the chart grows."""
    page = visit("live")
    assert set(figures(page)) == {"Postings a second", "Waiting in the queue", "Mean wait", "Mean batch", "Connections"}
    posted = world.calls.get("/status")["postings"]["posted"]
    world.calls.move("bonus", world.frozen, world.gold, 1)
    expect(page.locator("main")).to_contain_text(f"{posted + 1} posted")
    expect(page.locator("svg .line")).to_be_visible()
    assert "NaN" not in (page.locator("svg .line").get_attribute("d") or "NaN")


def test_the_address_of_a_page_leads_to_it(visit: Visit, world: World) -> None:
    """A link to a page can be sent to somebody: owners may have any name."""
    owner = "a/b?c#d%2e&e"
    wallet = world.calls.wallet(world.gold, name="Odd", ownerId=owner)
    page = visit(f"owners/{urllib.parse.quote(owner, safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Owner {owner}")
    assert [one["Wallet"] for one in rows(page, "Wallets")] == ["Odd"]
    visit(f"accounts/{wallet}")
    page.get_by_role("link", name=owner).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Owner {owner}")
