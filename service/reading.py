"""Reading by id: the reads of one kind that wait together are one query."""

import uuid
from collections.abc import Sequence

from service.batching import Batcher
from service.database import Pool, borrow

#: A read and its answer: JSON text, or None when there is no such row.
ReadBatcher = Batcher[uuid.UUID, bytes | None]

READ_BATCH_MAX = 500


def read_batcher(pool: Pool, function: str, queue_max: int) -> ReadBatcher:
    """Reads through a function of the schema that takes ids and gives (id, answer) rows, like `read_accounts`."""
    query = f"SELECT id, answer FROM wallet.{function}(%s)".encode()

    async def send(ids: Sequence[uuid.UUID]) -> Sequence[bytes | Exception | None]:
        async with borrow(pool) as connection:
            cursor = await connection.execute(query, [list(set(ids))])
            found: dict[uuid.UUID, bytes] = dict(await cursor.fetchall())
        return [found.get(one) for one in ids]

    return Batcher(function, send, READ_BATCH_MAX, queue_max)
