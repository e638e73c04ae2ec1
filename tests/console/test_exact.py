"""The console's reading of JSON, tried in the browser on texts of every kind: no digit and no letter is lost."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
AMOUNT = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**18), max_value=10**18)
VALUE = st.recursive(
    st.none() | st.booleans() | AMOUNT | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda name: name != "__proto__"), inner, max_size=4)
    ),
    max_leaves=8,
)


def written(value: Any) -> str:
    """JSON text with the digits of Decimals."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(one)}" for name, one in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture
def rewrite(visit: Callable[[str], Page]) -> Callable[[list[str]], list[str]]:
    """Parse texts with the console's own module and write them again."""
    page = visit("nowhere")
    return lambda texts: page.evaluate(
        "async texts => { const { parse, write } = await import(new URL('exact.js', location.href.split('#')[0]).href);"
        " return texts.map(text => write(parse(text))); }",
        texts,
    )


def test_every_json_comes_through_letter_by_letter(rewrite: Callable[[list[str]], list[str]]) -> None:
    """Numbers by their digits, texts by their characters, in order."""

    # Making a failure smaller would take minutes with a browser in between.
    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(VALUE, min_size=20, max_size=40))
    def check(values: list[Any]) -> None:
        texts = [written(value) for value in values]
        for text, other in zip(texts, rewrite(texts), strict=True):
            assert json.loads(other, parse_float=str, parse_int=str) == json.loads(text, parse_float=str, parse_int=str)

    check()


def test_digits_that_a_browser_would_round(rewrite: Callable[[list[str]], list[str]]) -> None:
    """Also inside of and beside texts that look like numbers, quotes and escapes."""
    texts = [
        "90071992547409.0001",
        "-90071992547409.0001",
        "1.10",
        "0.0000",
        "100000000000000000000000000001",
        r'"90071992547409.0001"',
        r'"\"1.10"',
        r'"\\"',
        '{"a\\\\": 1.50, "1.50": "\\u0031.50"}'.replace(" ", ""),
    ]
    for text, other in zip(texts, rewrite(texts), strict=True):
        assert json.loads(other, parse_float=str, parse_int=str) == json.loads(text, parse_float=str, parse_int=str)
    assert rewrite(texts[:5]) == texts[:5]
