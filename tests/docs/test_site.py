"""The site of the documentation: it builds without a warning, needs nothing from elsewhere, and can be searched."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from tests.docs.pages import DOCS, ROOT
from tests.support.database import MIGRATED, Databases

_BUILD_SECONDS = 300


@dataclass
class Page(HTMLParser):
    """What matters of a built page."""

    path: Path
    text: str = ""
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    """What a browser fetches to show it."""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        elif tag == "link" and values.get("rel") not in {"author", "next", "prev", "search", "index"}:
            self.loaded.append(str(values["href"]))
        self.loaded += [str(values[name]) for name in ("src", "srcset", "poster", "data") if values.get(name)]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database, whose catalogue the site shows."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, built as by `make docs`."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--fail-on-warning", "--keep-going"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_make_docs_builds_the_site_in_the_same_way() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "sphinx-build --quiet --fail-on-warning --keep-going docs build/docs" in makefile


def test_every_page_of_the_folder_is_on_the_site(site: Path) -> None:
    missing = [path for path in DOCS.rglob("*.md") if not (site / path.relative_to(DOCS).with_suffix(".html")).exists()]
    assert not missing


def test_every_page_is_in_the_navigation(site: Path, pages: dict[Path, Page]) -> None:
    linked = {(site / link.partition("#")[0]).resolve() for link in pages[site / "index.html"].links}
    expected = {(site / path.relative_to(DOCS).with_suffix(".html")).resolve() for path in DOCS.rglob("*.md")}
    assert expected - {site / "index.html"} <= linked


def test_every_link_inside_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (path.parent / unquote(name)).resolve() if name else path
            known = pages[target].anchors if target in pages else set()
            if not target.exists() or (anchor and unquote(anchor) not in known):
                broken.append(f"{path.name}: {link}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    """Scripts, styles, fonts and pictures are files of the site: it works without a network, and tells nobody."""
    elsewhere = re.compile(r"(?:[a-z]+:)?//")
    loaded = [f"{path.name}: {address}" for path, page in pages.items() for address in page.loaded]
    assert len(loaded) > 10
    assert [one for one in loaded if elsewhere.match(one.partition(": ")[2])] == []
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\"']*", path.read_text(encoding="utf-8")) == []


def test_the_search_finds_a_word_where_it_stands(site: Path) -> None:
    """The index is a file that the page loads; its words lead to the pages they are on."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    found = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    assert set(found["docnames"]) == {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    where: dict[str, set[str]] = defaultdict(set)
    for word, numbers in (*found["terms"].items(), *found["titleterms"].items()):
        where[word] |= {found["docnames"][number] for number in ([numbers] if isinstance(numbers, int) else numbers)}
    assert "how-to/refunds" in where["dent"]
    assert "sql-functions" in where["top_up"]


def test_every_routine_is_in_the_reference_with_its_comment(
    site: Path, pages: dict[Path, Page], database_url: str
) -> None:
    page = pages[site / "sql-functions.html"]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT p.proname::text, obj_description(p.oid, 'pg_proc') FROM pg_proc AS p"
            " WHERE p.pronamespace = 'wallet'::regnamespace AND p.prorettype <> 'trigger'::regtype"
        ).fetchall()
    assert len(rows) > 100
    text = _on_one_line(page.text)
    missing = [name for name, comment in rows if f"wallet.{name}(" not in text or _on_one_line(comment) not in text]
    assert not missing


def test_every_refusal_is_in_the_table_of_errors(site: Path, pages: dict[Path, Page], database_url: str) -> None:
    text = _on_one_line(pages[site / "sql-errors.html"].text)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT r.* FROM wallet.refusals() AS r").fetchall()
    assert len(rows) > 30
    missing = [row for row in rows if " ".join(map(str, row)) not in text]
    assert not missing


def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
