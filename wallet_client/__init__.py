"""A client of the wallet's HTTP interface: typed answers, exact amounts, and retries that never post twice.

`Wallet` and `AsyncWallet` are the two flavours; `wallet_client.postings` drafts postings for batches and dry runs.
"""

from wallet_client import postings
from wallet_client.errors import Refused, Unanswered, WalletError
from wallet_client.postings import Amount, Draft
from wallet_client.resources import (
    Account,
    AssetBalance,
    AssetType,
    Balance,
    BalanceAt,
    Budget,
    Change,
    Entry,
    Event,
    Hold,
    ItemAnswer,
    JournalEntry,
    KeyRecord,
    OwnerBalances,
    Posting,
    SpendingLimit,
    Statement,
    StatementEnd,
    StatementLine,
    StatementTotals,
    Transaction,
    TrialBalance,
)
from wallet_client.wallet import AsyncWallet, Wallet

__all__ = [
    "Account",
    "Amount",
    "AssetBalance",
    "AssetType",
    "AsyncWallet",
    "Balance",
    "BalanceAt",
    "Budget",
    "Change",
    "Draft",
    "Entry",
    "Event",
    "Hold",
    "ItemAnswer",
    "JournalEntry",
    "KeyRecord",
    "OwnerBalances",
    "Posting",
    "Refused",
    "SpendingLimit",
    "Statement",
    "StatementEnd",
    "StatementLine",
    "StatementTotals",
    "Transaction",
    "TrialBalance",
    "Unanswered",
    "Wallet",
    "WalletError",
    "postings",
]
