"""Group commit: what waits together is sent together.

While one batch is away the next one gathers. When nothing waits, a lone request is sent at once: no timer delays it.
What has waited for `WAIT_SECONDS_MAX` is refused and never sent.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from service import metrics, tracing
from service.refusals import unavailable

Request = TypeVar("Request")
Answer = TypeVar("Answer")

#: How long a request waits to be sent, at most.
WAIT_SECONDS_MAX: Final = 15

Send = Callable[[Sequence[Request]], Awaitable[Sequence[Answer | Exception]]]


class _Waiting(NamedTuple, Generic[Request, Answer]):
    """A request that waits to be sent, until when, in the event loop's time, and the span it came in."""

    request: Request
    answered: asyncio.Future[Answer]
    until: float
    span: object


class Batcher(Generic[Request, Answer]):
    """Collects requests and sends them in batches, one batch at a time.

    Args:
        name: for the task's name, and for the label `queue` of what is measured.
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
        self._name = name
        self._send = send
        self._size = metrics.BATCH_SIZE.labels(name)
        self._wait_seconds = metrics.QUEUE_SECONDS.labels(name)
        self._send_seconds = metrics.BATCH_SECONDS.labels(name)
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._weigh = weigh
        self._waiting_weight = 0
        self._waiting: deque[_Waiting[Request, Answer]] = deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name)

    async def submit(self, request: Request) -> Answer:
        """Sends a request with whatever else waits, and gives its own answer.

        Raises:
            Refusal: unavailable, when the queue is full, or when the request waited too long; it was not sent then.
            Exception: what `send` gave or raised for this request.
        """
        (answered,) = self.enqueue([request])
        return await answered

    @property
    def waiting(self) -> int:
        """The weight of what waits to be sent."""
        return self._waiting_weight

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

        A future is given a refusal, unavailable, when its request waited too long; it was not sent then.

        Raises:
            Refusal: unavailable, when the queue has no room for all of them; then none is sent.
        """
        weight = self.check_room(requests)
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS_MAX
        span = tracing.current()
        entries: list[_Waiting[Request, Answer]] = [
            _Waiting(one, loop.create_future(), until, span) for one in requests
        ]
        self._waiting.extend(entries)
        self._waiting_weight += weight
        if self._expiry is None:
            # One timer for all of them: who came first expires first.
            self._expiry = loop.call_at(until, self._expire)
        self._wake.set()
        return [entry.answered for entry in entries]

    def _take(self) -> list[_Waiting[Request, Answer]]:
        size = min(len(self._waiting), self._batch_max)
        batch = [self._waiting.popleft() for _ in range(size)]
        self._waiting_weight -= sum(self._weigh(entry.request) for entry in batch)
        return [entry for entry in batch if not entry.answered.done()]  # The others' callers have gone.

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0].until <= loop.time():
            entry = self._waiting.popleft()
            self._waiting_weight -= self._weigh(entry.request)
            if not entry.answered.done():
                entry.answered.set_exception(unavailable("It waited too long; the same request may be sent again."))
        self._expiry = loop.call_at(self._waiting[0].until, self._expire) if self._waiting else None

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if batch := self._take():
                    await self._send_batch(batch)
        if self._expiry is not None:
            self._expiry.cancel()

    async def _send_batch(self, batch: list[_Waiting[Request, Answer]]) -> None:
        answers: Sequence[Answer | Exception]
        began_at = time.perf_counter()
        # Of the first alone: it has waited longest, and one look a batch costs next to nothing.
        expires_in_seconds = batch[0].until - asyncio.get_running_loop().time()
        self._wait_seconds.observe(WAIT_SECONDS_MAX - expires_in_seconds)
        size = sum(self._weigh(entry.request) for entry in batch)
        self._size.observe(size)
        try:
            with tracing.batch(self._name, size, [entry.span for entry in batch]):
                answers = await self._send([entry.request for entry in batch])
        except Exception as error:
            answers = [error] * len(batch)
        self._send_seconds.observe(time.perf_counter() - began_at)
        for entry, answer in zip(batch, answers, strict=True):
            if entry.answered.done():
                continue  # The caller has gone.
            if isinstance(answer, Exception):
                entry.answered.set_exception(answer)
            else:
                entry.answered.set_result(answer)
