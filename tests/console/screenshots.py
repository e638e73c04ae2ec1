"""Makes the pictures of docs/console.md: `python -m tests.console.screenshots`. They are looked at, then committed."""

import os
import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from playwright.sync_api import Browser, sync_playwright

from tests.console.conftest import settle
from tests.console.world import Calls
from tests.support.browser import find_chromium
from tests.support.database import SEEDED, Databases
from tests.support.process import service_running
from tests.support.server import Server

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"

_SPREAD = """
    ALTER TABLE wallet.transactions DISABLE TRIGGER USER;
    ALTER TABLE wallet.ledger_entries DISABLE TRIGGER USER;
    CREATE TEMP TABLE instants AS
    SELECT id, now() - interval '45 days' * (1 - percent_rank() OVER (ORDER BY id)) AS at FROM wallet.transactions;
    UPDATE wallet.transactions AS t SET created_at = i.at FROM instants AS i WHERE i.id = t.id;
    UPDATE wallet.ledger_entries AS e SET created_at = i.at FROM instants AS i WHERE i.id = e.transaction_id;
"""
"""Spreads what was posted over weeks, which nothing but a picture may do."""


def post_history(calls: Calls) -> str:
    """Post some weeks of a player's life; give the wallet's id."""
    chance = random.Random(7)
    (wallet,) = calls.get("/accounts?externalId=USER_ALICE_GC")
    account, gold = wallet["id"], wallet["assetTypeId"]
    for number in range(70):
        kind, text = chance.choice(
            [("spend", "Sword of light"), ("spend", "Potion"), ("top-up", "Monthly pack"), ("bonus", "Daily reward")]
        )
        cents = chance.randrange(100, 14_000)
        reference = f"order-{2000 + number}"
        calls.move(kind, account, gold, f"{cents / 100:.2f}", referenceId=reference, description=text)
    calls.post("/holds", {"accountId": account, "assetTypeId": gold, "amount": 40, "description": "Room deposit"})
    return str(account)


@contextmanager
def busy(calls: Calls, account: str) -> Iterator[None]:
    """Post in the background."""
    ended = threading.Event()
    asset = calls.get(f"/accounts/{account}")["assetTypeId"]
    chance = random.Random(7)

    def post() -> None:
        while not ended.wait(chance.uniform(0, 0.06)):
            calls.move("bonus", account, asset, 1)

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    yield
    ended.set()
    for thread in threads:
        thread.join()


def take(browser: Browser, calls: Calls, account: str) -> None:
    """Take them all."""
    base = f"{calls.base_url}/console/#/"
    for name, path, width, height in (
        ("wallet", f"accounts/{account}", 1100, 800),
        ("phone", f"accounts/{account}", 390, 800),
        ("books", "books", 1100, 560),
    ):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(base + path)
        settle(page)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / f"console-{name}.png")
    page = browser.new_page(viewport={"width": 1100, "height": 640}, color_scheme="dark")
    with busy(calls, account):
        page.goto(f"{base}live")
        settle(page)
        # Some samples of the chart.
        page.wait_for_timeout(40_000)
        page.screenshot(path=FOLDER / "console-live.png")


def main() -> None:
    """Start a service, post, and take the pictures."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("There is no Chromium.")
    FOLDER.mkdir(exist_ok=True)
    server = Server()
    try:
        with (
            Databases(server).fresh(SEEDED) as url,
            tempfile.TemporaryDirectory() as folder,
            service_running(Path(folder), url) as service,
            sync_playwright() as playwright,
        ):
            calls = Calls(service.base_url)
            account = post_history(calls)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_SPREAD)
                connection.execute("SELECT wallet.record_clean_run(wallet.settled_number())")
            browser = playwright.chromium.launch(
                executable_path=chromium.path, env={**os.environ, **chromium.variables}
            )
            take(browser, calls, account)
            browser.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
