"""What one side of a comparison did in one measurement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


class Unavailable(RuntimeError):
    """A case cannot be measured here. The message is one sentence that says why."""


@dataclass(frozen=True)
class Measured:
    """Requests (or transactions) answered, and how long they took."""

    count: int
    """Answers, the refused ones included."""
    seconds: float
    """Length of the measurement."""
    p50_ms: float = math.nan
    """Median latency in milliseconds; NaN where the tool does not tell."""
    p99_ms: float = math.nan
    """Latency in milliseconds that one answer in a hundred exceeds; NaN where the tool does not tell."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def times(self, factor: int) -> "Measured":
        """The same, where every answer stands for `factor` postings."""
        return Measured(self.count * factor, self.seconds, self.p50_ms, self.p99_ms)


def from_latencies(latencies_seconds: Sequence[float], seconds: float) -> Measured:
    """Sums up single latencies.

    Raises:
        Unavailable: there are none.
    """
    if not latencies_seconds:
        raise Unavailable("Nothing was answered in the time of one measurement.")
    ordered = sorted(latencies_seconds)
    return Measured(len(ordered), seconds, percentile_of(ordered, 0.50) * 1000, percentile_of(ordered, 0.99) * 1000)


def percentile_of(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ascending values that at least `share` (0 to 1) of all do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
