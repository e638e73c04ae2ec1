"""A receiver of webhooks: checks signatures and takes each event once. The standard library is enough.

Run it against a service that may send to this machine (WEBHOOK_TARGETS=any):
WALLET_URL=http://127.0.0.1:3000/api/v1 python examples/webhook_receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TOLERANCE_SECONDS = 5 * 60


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the wallet sent it, just now, and nobody changed it on the way."""
    message_id, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > TOLERANCE_SECONDS:
        return False  # somebody kept it and sends it again
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)).decode()
    # While the secret is being replaced there are two signatures.
    signatures = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(expected, one) for one in signatures)


class Receiver(BaseHTTPRequestHandler):
    """Answers 2xx for what it has taken, once and for all; anything else is sent again later."""

    secret = ""
    seen: ClassVar[set[str]] = set()  # in your database, with an index, kept for a week
    events: ClassVar["queue.Queue[Any]"] = queue.Queue()

    def do_POST(self) -> None:
        """Take an event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not is_genuine(self.secret, dict(self.headers), body):
            self.send_response(401)
        else:
            message_id = self.headers["webhook-id"]
            if message_id not in self.seen:
                # Take it into a queue or a table, in one transaction with its id, and answer: work comes later.
                self.seen.add(message_id)
                self.events.put(json.loads(body, parse_float=Decimal))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def call(method: str, path: str, body: object = None) -> Any:
    """Call the wallet; give the `data` of its answer."""
    request = urllib.request.Request(
        os.environ["WALLET_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Idempotency-Key": str(uuid.uuid4())} | authorization(),
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read(), parse_float=Decimal)["data"]


def authorization() -> dict[str, str]:
    """The API key, where one is needed."""
    return {"Authorization": f"Bearer {os.environ['WALLET_TOKEN']}"} if "WALLET_TOKEN" in os.environ else {}


def main() -> None:
    """Receive the event of a posting."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (alice,) = call("GET", "/accounts?externalId=USER_ALICE_GC")
    webhook = call(
        "POST",
        "/webhooks",
        {
            "url": f"http://127.0.0.1:{server.server_port}/wallet",
            "eventTypes": ["transaction.posted"],
            "assetTypeIds": [alice["assetTypeId"]],
        },
    )
    Receiver.secret = webhook["secret"]
    try:
        posting = {"accountId": alice["id"], "assetTypeId": alice["assetTypeId"], "amount": "90071992547409.0001"}
        call("POST", "/transactions/top-up", posting)
        call("POST", "/transactions/spend", posting)
        for _ in range(2):
            event = Receiver.events.get(timeout=30)
            print(event["type"], event["data"]["type"], event["data"]["amount"])
    finally:
        call("DELETE", f"/webhooks/{webhook['id']}")
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
