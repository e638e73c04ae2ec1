"""The cases, in the order they are measured and shown."""

from collections.abc import Sequence

from bench.bench import Case
from bench.cases import gate, growth, http, sql

CASES: Sequence[Case] = (*http.CASES, *sql.CASES, *growth.CASES, *gate.CASES)
