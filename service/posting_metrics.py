"""What is counted of postings, a batch at a time."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from service import metrics
from service.refusals import refusal_of

if TYPE_CHECKING:
    from service.posting import PostingAnswer, PostingRequest

#: What becomes of a posting. A failed one may have been posted all the same: its answer was lost.
OUTCOMES: Final = ("posted", "replayed", "refused", "failed")

#: They change what is held, and move nothing.
_UNMOVING: Final = frozenset({"HOLD", "VOID"})


class _Moved(msgspec.Struct, rename="camel"):
    """What a transaction's answer says of money. Floating point is as exact as Prometheus is."""

    asset_type_id: str
    amount: float


_MOVED: Final = msgspec.json.Decoder(_Moved)


class PostingCounts:
    """Counts postings of this process. Amounts are kept until somebody who knows the assets' symbols takes them.

    Attributes:
        posted: postings committed since the start.
    """

    def __init__(self) -> None:
        self.posted = 0
        self._moved: defaultdict[tuple[str, str], float] = defaultdict(float)

    def count(self, requests: "Sequence[PostingRequest]", answers: "Sequence[PostingAnswer | BaseException]") -> None:
        """Counts a batch that was answered. It never raises: what is committed stays answered."""
        outcomes: Tally[tuple[str, str]] = Tally()
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, BaseException):
                outcome = "failed" if refusal_of(answer).status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"
            else:
                outcome = answer.outcome.lower()
                if answer.outcome == "POSTED":
                    self.posted += 1
                    if request.type not in _UNMOVING:
                        self._count_moved(request.type, answer.answer)
            outcomes[request.type, outcome] += 1
        for labels, count in outcomes.items():
            metrics.POSTINGS.labels(*labels).inc(count)

    def _count_moved(self, posting_type: str, answer: bytes) -> None:
        try:
            moved = _MOVED.decode(answer)
        except msgspec.MsgspecError:
            return
        self._moved[moved.asset_type_id, posting_type] += moved.amount

    @property
    def assets(self) -> set[str]:
        """The ids of the asset types whose amounts are kept."""
        return {asset_type_id for asset_type_id, _ in self._moved}

    def show_moved(self, symbols: Mapping[str, str]) -> None:
        """Counts the amounts kept under their assets' symbols.

        Args:
            symbols: asset types by id; the amounts of others stay.
        """
        for asset_type_id, posting_type in list(self._moved):
            if asset_type_id in symbols:
                amount = self._moved.pop((asset_type_id, posting_type))
                metrics.AMOUNT_MOVED.labels(symbols[asset_type_id], posting_type).inc(amount)


#: Of this process.
COUNTS: Final = PostingCounts()
