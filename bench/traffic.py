"""What the load generators send: one request after the other, each with its own idempotency key."""

from collections.abc import Iterator
from dataclasses import dataclass

#: Spreads the numbers of wallets over all ids (Knuth's multiplicative hash), as random ids are.
_SPREAD = 2_654_435_761


def wallet_id(number: int) -> str:
    """The id of the bench's wallet with this number. `bench.wallet_id` and the script for wrk compute the same."""
    return f"{number * _SPREAD % 2**32:08x}-0000-4000-8000-{number:012x}"


@dataclass(frozen=True)
class Traffic:
    """Requests to random wallets of a range."""

    method: str
    """GET or POST; a POST has an Idempotency-Key."""
    path: str
    """The path and query; `{wallet}` stands for the wallet's id."""
    body: str
    """The body; `{wallet}` and `{asset}` stand for the ids, `{other}` for the next wallet's. Empty for none."""
    asset_ids: tuple[str, ...]
    """The wallet with number n is in the asset n modulo their count."""
    first_wallet: int = 1
    """The lowest number of a wallet."""
    wallet_count: int = 1_000
    """How many wallets."""

    def parts(self, index: int) -> tuple[str, str]:
        """The request to one wallet of the range, index from 0, as the text before the key and after it."""
        number = self.first_wallet + index
        wallet, asset = wallet_id(number), self.asset_ids[number % len(self.asset_ids)]
        other = wallet_id(self.first_wallet + (index + 1) % self.wallet_count)

        def fill(template: str) -> str:
            return template.replace("{wallet}", wallet).replace("{other}", other).replace("{asset}", asset)

        body = fill(self.body)
        head = f"{self.method} {fill(self.path)} HTTP/1.1\r\nHost: bench\r\n"
        if not body:
            return head + "X-Request-Id: ", "\r\n\r\n"
        return f"{head}Content-Length: {len(body)}\r\nIdempotency-Key: ", f"\r\n\r\n{body}"

    def all_parts(self) -> Iterator[tuple[str, str]]:
        """`parts` of every wallet."""
        return (self.parts(index) for index in range(self.wallet_count))


def posting(kind: str, asset_ids: tuple[str, ...], first_wallet: int = 1, wallet_count: int = 1_000) -> Traffic:
    """Postings of 1 to random wallets; `kind` is the last part of the path: top-up, bonus or spend."""
    body = '{"accountId":"{wallet}","assetTypeId":"{asset}","amount":1}'
    return Traffic("POST", f"/api/v1/transactions/{kind}", body, asset_ids, first_wallet, wallet_count)


def transfer(asset_id: str, wallet_count: int = 1_000) -> Traffic:
    """Transfers of 1 from random wallets, each to the next one."""
    body = '{"fromAccountId":"{wallet}","toAccountId":"{other}","assetTypeId":"{asset}","amount":1}'
    return Traffic("POST", "/api/v1/transactions/transfer", body, (asset_id,), 1, wallet_count)


def balance(wallet_count: int = 1_000) -> Traffic:
    """Reads of the balances of random wallets."""
    return Traffic("GET", "/api/v1/accounts/{wallet}/balance", "", ("",), 1, wallet_count)
