"""What an API key may be allowed to do. Apart from the keys themselves, for commands name scopes and need no more."""

from typing import Final

#: Every scope there is, and what it lets its key do.
SCOPES: Final = {
    "read": "read accounts, balances, ledgers and transactions",
    "accounts": "open, freeze and close accounts",
    "post:top-up": "post top-ups",
    "post:bonus": "post bonuses",
    "post:spend": "post spends",
    "post:transfer": "post transfers",
    "post:journal": "post journals",
    "post:refund": "refund transactions",
    "post:hold": "make, capture and void holds",
    "post:convert": "post conversions",
    "metrics": "read the metrics",
    "webhooks": "manage webhooks",
    "admin": "everything",
}
