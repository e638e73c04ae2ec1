"""Short histories in which something was once wrong, or is easily got wrong."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.conftest import Connect
from tests.model.books import Books
from tests.model.callers import SqlCaller
from tests.model.machine import Draft, Repeat, machine_on


def draft(type_: str, key: int, account: int, amount: int) -> Draft:
    """A good request, unless the account is nobody (-2)."""
    return Draft(type_, key, account, 0, amount)


HISTORIES: dict[str, list[list[Draft | Repeat]]] = {
    "refused for its account, before the one that takes its key": [
        [draft("TOP_UP", 1, -2, 1), draft("TOP_UP", 1, 0, 1)],
    ],
    "a refused spend passes its key on, to the last of four": [
        [
            draft("SPEND", 1, 0, 2),
            draft("SPEND", 1, 1, 1),
            draft("TOP_UP", 1, 0, 2),
            draft("SPEND", 1, 0, 2),
            draft("TOP_UP", 1, 0, 2),
        ],
    ],
    "refused for its account, between a refused spend and the top-up that takes the key over": [
        [
            draft("SPEND", 1, 0, 2),
            draft("TOP_UP", 1, -2, 2),
            draft("TOP_UP", 1, 0, 2),
            draft("TOP_UP", 1, -2, 2),
        ],
    ],
    "a key that was passed on, known in the next batch": [
        [draft("SPEND", 1, 0, 2), draft("TOP_UP", 2, 1, 1), draft("TOP_UP", 1, 0, 2)],
        [Repeat(0, None), Repeat(2, None), Repeat(0, ("amount", Decimal(3)))],
    ],
    "a transfer's key again, with a wallet that there is not": [
        [draft("TOP_UP", 1, 0, 5)],
        [draft("TRANSFER", 1, 0, 2)],
        [Repeat(0, ("to_account", -2))],
    ],
    "a transfer to a wallet that there is not, and what else is to blame": [
        [Draft("TRANSFER", 1, 0, 0, 0, to=-2), Draft("TRANSFER", 2, 0, 0, 1, metadata="text", to=-2)],
    ],
    "no type, and nothing else": [[Draft(None, 1, -1, 3, 1)]],
    "a transaction that is refunded in parts, with a refund of too much and one of the rest": [
        [draft("TOP_UP", 1, 0, 5)],
        [Draft("REFUND", 1, 0, 0, 2)],
        [Draft("REFUND", 1, 0, 0, 2), Draft("REFUND", 2, 0, 0, 2)],
        [Draft("REFUND", 1, 0, 0, None, related=1), Draft("REFUND", 2, 0, 0, None, related=1)],
    ],
    "a hold that is captured in part, and again, with its first answers asked for later": [
        [draft("TOP_UP", 1, 0, 5)],
        [draft("HOLD", 1, 0, 4)],
        [draft("SPEND", 1, 0, 2), draft("CAPTURE", 2, 0, 3), draft("SPEND", 3, 0, 2)],
        [draft("VOID", 1, 0, 1), draft("CAPTURE", 2, 0, 1), Repeat(5, None), Repeat(5, None)],
    ],
}


@pytest.mark.parametrize("batches", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("stripes", [1, 3])
def test_the_history_agrees_with_the_model(
    database_url: str, connect: Connect, batches: Sequence[Sequence[Draft | Repeat]], stripes: int
) -> None:
    """As in a random history: answers, rows, and at the end all pages and the doctor."""
    books = Books(connect(database_url), [SqlCaller(connect(database_url))])
    machine = machine_on(books)()
    machine.begin(first_number=1020, decimals=(2, 4), page_size=2, stripes=stripes)
    for batch in batches:
        machine.post_batch(way=0, drawn=batch)
        machine.the_rows_agree()
    machine.teardown()
