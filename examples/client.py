"""A careful HTTP client: exact amounts, and retries that can never post twice. Standard library only.

Run it against `make run`:  python examples/client.py
"""

import json
import os
import random
import time
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

URL = os.environ.get("WALLET_URL", "http://127.0.0.1:3000/api/v1")
ATTEMPTS_MAX = 8


class Refused(Exception):
    """The wallet refused a request. `code` is stable, the text is for a person."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


def call(method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
    """Send a request, again while the wallet is unavailable; return the `data` of the answer.

    Sending a posting again is safe because the key stays the same.

    Raises:
        Refused: the wallet refused the request.
        OSError: the wallet did not answer, in spite of all attempts.
    """
    request = urllib.request.Request(URL + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if key is not None:
        request.add_header("Idempotency-Key", key)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        pause_seconds = 0.0
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return decoded(answer.read())["data"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    refusal = decoded(error.read())
                    raise Refused(refusal["code"], refusal["error"]) from error
                pause_seconds = float(error.headers.get("Retry-After", 1))
                last: OSError = error
        except OSError as error:  # refused, broken or too slow: it may have been posted or not
            last = error
        if attempt < ATTEMPTS_MAX:
            time.sleep(pause_seconds + random.uniform(0, min(10, 0.1 * 2**attempt)))
    raise last


def decoded(text: bytes) -> Any:
    """Decode JSON with exact numbers; the usual way would lose digits of an amount."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def main() -> None:
    """Open a wallet for Erin, give her coins once, and let her spend more than she has."""
    gold = next(asset for asset in call("GET", "/asset-types") if asset["symbol"] == "GC")
    erin = call(
        "POST",
        "/accounts",
        {"name": "Erin", "assetTypeId": gold["id"], "externalId": "USER_ERIN_GC"},
        key="example:signup:erin",
    )
    posting = {"accountId": erin["id"], "assetTypeId": gold["id"]}
    # Amounts travel as strings: json.dumps would send a Decimal as no number at all, and a float is not exact.
    for _ in range(2):
        call("POST", "/transactions/top-up", {**posting, "amount": "0.1"}, key="example:order:1001")
    print("balance", call("GET", f"/accounts/{erin['id']}/balance")["balance"])
    try:
        call("POST", "/transactions/spend", {**posting, "amount": "5"}, key="example:sword")
    except Refused as refusal:
        print(refusal.code + ":", refusal)


if __name__ == "__main__":
    main()
