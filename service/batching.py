"""Group commit: what waits together is sent together.

While one batch is away the next one gathers. When nothing waits, a lone request is sent at once: there is no timer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from service.refusals import unavailable

Request = TypeVar("Request")
Answer = TypeVar("Answer")

Send = Callable[[Sequence[Request]], Awaitable[Sequence[Answer | Exception]]]


class Batcher(Generic[Request, Answer]):
    """Collects requests and sends them in batches, one batch at a time.

    Args:
        name: for the task's name.
        send: sends a batch; gives an answer or an exception per request, in order. What it raises goes to every caller.
        batch_max: requests in a batch, at most.
        queue_max: weight of the requests waiting, at most.
        weigh: the weight of a request, for requests that are not all alike; each weighs 1 unless it is given.
    """

    def __init__(
        self,
        name: str,
        send: Send[Request, Answer],
        batch_max: int,
        queue_max: int,
        weigh: Callable[[Request], int] = lambda request: 1,
    ) -> None:
        self._send = send
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._weigh = weigh
        self._waiting_weight = 0
        self._waiting: deque[tuple[Request, asyncio.Future[Answer]]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name)

    async def submit(self, request: Request) -> Answer:
        """Sends a request with whatever else waits, and gives its own answer.

        Raises:
            Refusal: unavailable, when the queue is full.
            Exception: what `send` gave or raised for this request.
        """
        (answered,) = self.enqueue([request])
        return await answered

    async def close(self) -> None:
        """Answers what waits, then stops."""
        self._closing = True
        self._wake.set()
        await self._task

    def check_room(self, requests: Sequence[Request]) -> int:
        """Makes sure that the queue has room for all of these; gives their weight.

        Raises:
            Refusal: unavailable, when it has not.
        """
        # An empty queue takes anything: what is heavier than the whole queue would never get in otherwise.
        weight = sum(map(self._weigh, requests))
        if weight and self._waiting and self._waiting_weight + weight > self._queue_max:
            raise unavailable("Too many requests are waiting; the same request may be sent again.")
        return weight

    def enqueue(self, requests: Sequence[Request]) -> list[asyncio.Future[Answer]]:
        """Sends requests in their order, with whatever else waits; gives a future per request, in order.

        Raises:
            Refusal: unavailable, when the queue has no room for all of them; then none is sent.
        """
        weight = self.check_room(requests)
        loop = asyncio.get_running_loop()
        entries: list[tuple[Request, asyncio.Future[Answer]]] = [(one, loop.create_future()) for one in requests]
        self._waiting.extend(entries)
        self._waiting_weight += weight
        self._wake.set()
        return [answered for _, answered in entries]

    def _take(self) -> list[tuple[Request, asyncio.Future[Answer]]]:
        size = min(len(self._waiting), self._batch_max)
        batch = [self._waiting.popleft() for _ in range(size)]
        self._waiting_weight -= sum(self._weigh(request) for request, _ in batch)
        return batch

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._send_batch(self._take())

    async def _send_batch(self, batch: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._send([request for request, _ in batch])
        except Exception as error:
            answers = [error] * len(batch)
        for (_, answered), answer in zip(batch, answers, strict=True):
            if answered.done():
                continue  # The caller has gone.
            if isinstance(answer, Exception):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)
