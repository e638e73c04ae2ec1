"""What is counted of postings, a batch at a time."""

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


_POSTED: Final = "POSTED"

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
        outcomes: defaultdict[tuple[str, str], int] = defaultdict(int)
        decode, moved = _MOVED.decode, self._moved
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, BaseException):
                outcomes[request.type, _outcome_of(answer)] += 1
                continue
            outcomes[request.type, answer.outcome] += 1
            if answer.outcome == _POSTED and request.type not in _UNMOVING:
                try:
                    transaction = decode(answer.answer)
                except msgspec.MsgspecError:
                    continue
                moved[transaction.asset_type_id, request.type] += transaction.amount
        for (posting_type, outcome), count in outcomes.items():
            metrics.POSTINGS.labels(posting_type, outcome.lower()).inc(count)
            if outcome == _POSTED:
                self.posted += count

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


def _outcome_of(error: BaseException) -> str:
    return "FAILED" if refusal_of(error).status >= HTTPStatus.INTERNAL_SERVER_ERROR else "REFUSED"


#: Of this process.
COUNTS: Final = PostingCounts()
