"""Every promise of the page on reliability names a test that is there."""

import re

from tests.docs.pages import ROOT, text_of

_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_is_named_is_there() -> None:
    named = _NAMED.findall(text_of("docs/reliability.md"))
    assert len(named) > 20
    for path, name in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), (path, name)


def test_every_fault_that_is_tested_is_promised() -> None:
    page = text_of("docs/reliability.md")
    for folder in ("faults", "recovery"):
        for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            assert path.relative_to(ROOT).as_posix() in page, path.name
