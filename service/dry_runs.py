"""Dry runs: postings that are run as any other, and rolled back."""

from collections.abc import Sequence
from typing import NamedTuple

from service.batching import Batcher
from service.posting import PostingAnswer, PostingLane, PostingRequest


class _DryRun(NamedTuple):
    requests: Sequence[PostingRequest]
    atomic: bool


class DryRuns:
    """Tries postings on a connection of its own, each dry run in a transaction of its own, so that none sees another.

    Args:
        url: where the database is.
        queue_max: postings waiting to be tried, at most.
    """

    def __init__(self, url: str, queue_max: int) -> None:
        # Side by side with the real postings: they wait for a dry run only where they need the same rows.
        self._lane = PostingLane(url, alone=False)
        self._waiting: Batcher[_DryRun, list[PostingAnswer]] = Batcher(
            "dry runs", self._try, 1, queue_max, weigh=lambda run: len(run.requests)
        )

    @property
    def waiting(self) -> int:
        """Postings that wait to be tried."""
        return self._waiting.waiting

    async def submit(self, requests: Sequence[PostingRequest], *, atomic: bool = False) -> list[PostingAnswer]:
        """Gives the answers that the requests would get if they were posted now, one after the other.

        Raises:
            Refusal: unavailable, when the queue is full.
            psycopg.Error: with a SQLSTATE of ours, batch_refused among them, when an atomic batch would be refused.
            Exception: they could not be tried.
        """
        return await self._waiting.submit(_DryRun(requests, atomic))

    async def close(self) -> None:
        """Answers what waits, then closes the connection."""
        await self._waiting.close()
        await self._lane.close()

    async def _try(self, runs: Sequence[_DryRun]) -> Sequence[list[PostingAnswer]]:
        return [await self._lane.try_out(run.requests, atomic=run.atomic) for run in runs]
