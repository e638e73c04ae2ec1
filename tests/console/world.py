"""What the pages of the tests show: wallets with a history, and names that are written to do harm."""

import itertools
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.http.api import decoded

BIG = "90071992547409.0001"
"""An amount that binary floating point cannot hold."""

BIG_SHOWN = "90,071,992,547,409.0001"

HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "\"'><script>window.hacked=1</script>",
    "javascript:window.hacked=1",
    "<svg/onload=window.hacked=1>",
    "${window.hacked=1}{{window.hacked=1}}",
    "__proto__",
    "\u202egnp.live",
    "a/b?c#d%2e%00&e",
)
"""Names as somebody might choose them to take over the page of whoever looks."""

_KEYS = itertools.count(1)


class Calls:
    """The service's JSON API, called from a thread of its own: no event loop is in the way of the browser's."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self.base_url = base_url
        self._token = token

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """Send a request that must succeed; give the `data` of the answer.

        Raises:
            urllib.error.HTTPError: it was refused.
        """
        headers = {"Idempotency-Key": key or f"console-{next(_KEYS)}"} if method != "GET" else {}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return decoded(response.read())["data"]

    def get(self, path: str) -> Any:
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body: object = None, key: str | None = None) -> Any:
        """POST under a key of its own unless one is given."""
        return self.call("POST", path, body, key)

    def wallet(self, asset: str, **fields: object) -> str:
        """Open a wallet; give its id."""
        return str(self.post("/accounts", {"name": "Somebody", "assetTypeId": asset, **fields})["id"])

    def move(self, kind: str, account: str, asset: str, amount: object, **fields: object) -> str:
        """Post a top-up, bonus or spend; give the transaction's id."""
        body = {"accountId": account, "assetTypeId": asset, "amount": amount, **fields}
        return str(self.post(f"/transactions/{kind}", body)["id"])


@dataclass(frozen=True)
class World:
    """Ids of what there is."""

    calls: Calls
    gold: str
    diamonds: str
    alice: str
    """1,000 gold of the demo data and a history; 40 held; external id USER_ALICE_GC."""
    spend: str
    """50 by alice, of which 8.5 was refunded; with metadata."""
    refund: str
    hold: str
    captured: str
    """A hold of 5, of which 2 were captured."""
    capture: str
    journal: str
    conversion: str
    rich: str
    """A wallet that holds BIG gold, and held it only for a while in two steps."""
    empty: str
    """A wallet that nothing was posted to."""
    frozen: str
    """With changes in its history."""
    family: tuple[str, ...]
    """The wallets of the owner `family`: two of gold, one of diamonds."""
    hostile: tuple[str, ...]
    """A wallet per hostile name."""
    hostile_spends: tuple[str, ...]


def make_world(calls: Calls) -> World:
    """Post it all."""
    assets = {one["symbol"]: one["id"] for one in calls.get("/asset-types")}
    gold, diamonds = assets["GC"], assets["DM"]
    demo = {one["externalId"]: one["id"] for one in calls.get("/accounts?limit=100")}
    alice = demo["USER_ALICE_GC"]
    for number in range(12):
        calls.move("bonus", alice, gold, "10.25", referenceId=f"day-{number}", description="Daily reward")
    spend = calls.move("spend", alice, gold, 50, referenceId="order-7", metadata={"cart": [1, "two", {"n": None}]})
    refund = calls.post(f"/transactions/{spend}/refund", {"amount": "8.5", "reason": "Broken sword"})["id"]
    hold = calls.post("/holds", {"accountId": alice, "assetTypeId": gold, "amount": 40, "description": "Deposit"})["id"]
    captured = calls.post("/holds", {"accountId": alice, "assetTypeId": gold, "amount": 5})["id"]
    capture = calls.post(f"/holds/{captured}/capture", {"amount": 2})["id"]
    family = tuple(
        calls.wallet(asset, name=name, ownerId="family", externalId=f"family-{name}")
        for name, asset in (("Anna", gold), ("Ben", gold), ("Cleo", diamonds))
    )
    for wallet, asset in zip(family, (gold, gold, diamonds), strict=True):
        calls.move("top-up", wallet, asset, "100.5", referenceId="family-order")
    entries = [
        {"accountId": family[0], "entryType": "DEBIT", "amount": 3},
        {"accountId": alice, "entryType": "CREDIT", "amount": 1},
        {"accountId": family[1], "entryType": "CREDIT", "amount": 2},
    ]
    journal = calls.post("/transactions/journal", {"assetTypeId": gold, "entries": entries})["id"]
    body = {"fromAccountId": family[0], "toAccountId": family[2], "amount": 10, "rate": "0.125"}
    conversion = calls.post("/transactions/convert", body)["id"]
    rich = calls.wallet(gold, name="Rich", externalId="rich")
    calls.move("top-up", rich, gold, BIG)
    calls.move("spend", rich, gold, "0.0001")
    calls.move("top-up", rich, gold, "0.0001")
    empty = calls.wallet(gold, name="Empty")
    frozen = calls.wallet(gold, name="Frozen")
    calls.call("PATCH", f"/accounts/{frozen}", {"status": "FROZEN", "reason": "Chargeback, case 17"})
    hostile, hostile_spends = [], []
    for name in HOSTILE:
        wallet = calls.wallet(gold, name=name, externalId=f"x{name}", ownerId=name, email=name)
        calls.move("top-up", wallet, gold, 9)
        calls.call("PATCH", f"/accounts/{wallet}", {"name": name + name, "reason": name})
        calls.call("PATCH", f"/accounts/{wallet}", {"name": name, "reason": name})
        fields = {"referenceId": name, "description": name, "metadata": {name: [name, {name: name}]}}
        hostile_spends.append(calls.move("spend", wallet, gold, 1, **fields))
        hostile.append(wallet)
    return World(
        calls,
        gold,
        diamonds,
        alice,
        spend,
        refund,
        hold,
        captured,
        capture,
        journal,
        conversion,
        rich,
        empty,
        frozen,
        family,
        tuple(hostile),
        tuple(hostile_spends),
    )
