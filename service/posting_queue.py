"""The queue in front of the posting lanes."""

import asyncio
import uuid
from collections.abc import Sequence

from service.batching import Batcher
from service.posting import ONE_WALLET_TYPES, PostingAnswer, PostingLane, PostingRequest


class PostingQueue:
    """Group commit over one or more lanes: a wallet's postings always take the same lane, and so stay in order.

    Args:
        lanes: the lanes, at least one; closed with the queue.
        batch_max: requests in a batch, at most.
        queue_max: requests waiting, at most, shared out evenly among the lanes.
    """

    def __init__(self, lanes: Sequence[PostingLane], batch_max: int, queue_max: int) -> None:
        self._lanes = lanes
        self._batchers = [Batcher("postings", lane.post, batch_max, -(-queue_max // len(lanes))) for lane in lanes]

    @property
    def waiting(self) -> int:
        """Postings that wait, in all lanes."""
        return sum(batcher.waiting for batcher in self._batchers)

    async def submit(self, request: PostingRequest) -> PostingAnswer:
        """Posts a request with whatever else waits in its lane; gives its own answer, after its commit.

        Raises:
            Refusal: unavailable, when the queue is full.
            Exception: what posting it raised.
        """
        return await self._batchers[self._lane_of(request)].submit(request)

    async def submit_all(self, requests: Sequence[PostingRequest]) -> list[PostingAnswer | BaseException]:
        """Posts requests, those that move the same wallet in their order; gives an answer or an exception per request.

        Raises:
            Refusal: unavailable, when the queue has no room for all of them; then none is posted.
        """
        if all(request.type in ONE_WALLET_TYPES for request in requests):
            lanes = [self._lane_of(request) for request in requests]
        else:
            # Nobody knows which wallets the others move, so they stay in one line with those.
            lanes = [self._lane_of(requests[0])] * len(requests)
        shares = [
            (batcher, [request for request, lane in zip(requests, lanes, strict=True) if lane == number])
            for number, batcher in enumerate(self._batchers)
        ]
        for batcher, share in shares:
            batcher.check_room(share)
        # Nothing was awaited since, so there is room in every lane.
        answered = [iter(batcher.enqueue(share)) for batcher, share in shares]
        return await asyncio.gather(*(next(answered[lane]) for lane in lanes), return_exceptions=True)

    async def close(self) -> None:
        """Answers what waits, then closes the lanes."""
        for batcher, lane in zip(self._batchers, self._lanes, strict=True):
            await batcher.close()
            await lane.close()

    def _lane_of(self, request: PostingRequest) -> int:
        if request.account_id is not None:
            return request.account_id.int % len(self._batchers)
        related_id = request.related_id or (request.entries[0].account_id if request.entries else uuid.UUID(int=0))
        return related_id.int % len(self._batchers)
