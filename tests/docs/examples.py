"""Finds the examples in a Markdown page, and compares what they print with what the page shows.

How a page is written:

- a block of `sh` or `sql` is an example. It is run;
- a block of `text` or `http` right after it is what it prints. Without one, an `sql` example must print nothing
  and an `sh` example may print anything;
- whatever else stands in a block, and an example that cannot be run, has a comment on the line before it:
  `<!-- not run: the reason -->`;
- `…` stands for what differs from run to run: within a line for any characters, on a line of its own for one
  or more lines, in JSON as the string "…" for any value, and as the last element of an array for any further elements.

How wide columns are is not compared: an id has another width than `…`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WILDCARD = "…"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\s*$")
_REASON = re.compile(r"<!-- not run: (?P<reason>\S.*?) -->")
_SOURCES = frozenset({"sh", "sql"})
_OUTPUTS = frozenset({"text", "http"})


class PageError(ValueError):
    """A page has a block that is neither run nor says why not."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    """The number of its first line in the page, from 1."""
    reason: str | None
    """Why it is not run; None: it is."""
    follows: int | None
    """The index of the block it directly follows, with nothing but empty lines between."""


@dataclass(frozen=True)
class Example:
    """A block to run, and the block that shows what it prints."""

    page: str
    source: Block
    output: Block | None

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.source.line}"


def blocks_of(markdown: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found: list[Block] = []
    reason: str | None = None
    follows: int | None = None
    lines = iter(enumerate(markdown.splitlines(), 1))
    for _, line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            if line.strip():
                comment = _REASON.fullmatch(line.strip())
                reason = comment["reason"] if comment else None
                follows = None
            continue
        indent = len(fence["indent"])
        body: list[tuple[int, str]] = []
        for inner in lines:
            if inner[1].strip() == "```":
                break
            body.append(inner)
        text = "\n".join(text[indent:] for _, text in body)
        found.append(Block(fence["language"], text, body[0][0] if body else 0, reason, follows))
        reason, follows = None, len(found) - 1
    return found


def examples_of(page: Path) -> list[Example]:
    """Return the examples of a page.

    Raises:
        PageError: a block is neither an example nor the output of one, and does not say why.
    """
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    run = {i for i, block in enumerate(blocks) if block.language in _SOURCES and block.reason is None}
    outputs: dict[int, Block] = {}
    for i, block in enumerate(blocks):
        if i in run or block.reason is not None:
            continue
        if block.language not in _OUTPUTS or block.follows not in run:
            raise PageError(f"{page.name}:{block.line}: a block of {block.language or 'no language'} without a reason")
        outputs[block.follows] = block
    return [Example(page.name, blocks[i], outputs.get(i)) for i in sorted(run)]


def matches_text(expected: str, actual: str) -> bool:
    """Whether the lines are the same, `…` and the widths of columns aside."""
    pattern = r"\n".join(_line_pattern(line) for line in _lines(expected))
    return re.fullmatch(pattern, "\n".join(_lines(actual))) is not None


def matches_http(expected: str, actual: str) -> bool:
    """Whether an answer as `curl -i` prints it has the status, the headers and the body that are expected.

    Headers that are not expected are not compared.
    """
    expected_head, expected_body = _halves(expected)
    actual_head, actual_body = _halves(actual)
    if expected_head[0] != actual_head[0]:
        return False
    if not all(any(matches_text(line, other) for other in actual_head[1:]) for line in expected_head[1:]):
        return False
    if not expected_body.strip() or not actual_body.strip():
        return expected_body.strip() == actual_body.strip()
    return matches_json(_decoded(expected_body), _decoded(actual_body))


def matches_json(expected: object, actual: object) -> bool:
    """Whether two decoded JSON values are the same, wildcards aside."""
    if isinstance(expected, str) and WILDCARD in expected:
        return expected == WILDCARD or (isinstance(actual, str) and matches_text(expected, actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(matches_json(expected[k], actual[k]) for k in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        if expected[-1:] == [WILDCARD]:
            expected, actual = expected[:-1], actual[: len(expected) - 1]
        return len(expected) == len(actual) and all(map(matches_json, expected, actual))
    return type(expected) is type(actual) and expected == actual


def _lines(text: str) -> Sequence[str]:
    lines = (re.sub(r"-+", "-", re.sub(r"\s+", " ", line)).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _line_pattern(line: str) -> str:
    if line == WILDCARD:
        return r"(?s:.*)"
    # A rule under a heading is as wide as its column.
    return ".*".join(re.escape(part) for part in line.split(WILDCARD))


def _halves(answer: str) -> tuple[list[str], str]:
    head, _, body = answer.replace("\r\n", "\n").strip().partition("\n\n")
    return head.splitlines(), body


@dataclass(frozen=True)
class _Number:
    """A number by its digits: 25.5 is not 25.50 on the wire."""

    digits: str


def _decoded(text: str) -> object:
    return json.loads(text, parse_float=_Number, parse_int=_Number)
