"""A product service on the Python client: exact amounts, one key per posting, refusals, many postings at once.

Run it against `make run`:  python examples/client.py
"""

import os
from decimal import Decimal

from wallet_client import Refused, Wallet, postings

URL = os.environ.get("WALLET_URL", "http://127.0.0.1:3000/api/v1")


def main() -> None:
    """Open a wallet for Erin, give her coins once, let her spend more than she has, and thank her and Bob."""
    with Wallet(URL) as wallet:
        (gold,) = [asset for asset in wallet.list_asset_types() if asset.symbol == "GC"]
        erin = wallet.create_account("Erin", gold.id, external_id="USER_ERIN_GC", key="example:signup:erin")

        # The key is made from what the posting is for, so that not even a crash of this program makes it happen twice.
        for _ in range(2):
            wallet.top_up(erin.id, gold.id, Decimal("0.1"), key="example:order:1001")
        print("balance", wallet.get_balance(erin.id).balance)

        try:
            wallet.spend(erin.id, gold.id, 5, key="example:sword")
        except Refused as refusal:
            print(refusal.code + ":", refusal.sentence)

        (bob,) = wallet.list_accounts(external_id="USER_BOB_GC")
        thanks = [postings.bonus(one.id, gold.id, "2.5", key=f"example:thanks:{one.name}") for one in (erin, bob)]
        for answer in wallet.post_batch(thanks):
            print("bonus of", answer.unwrap().amount)


if __name__ == "__main__":
    main()
