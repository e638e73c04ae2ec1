"""The documentation names everything there is, and its links lead somewhere."""

import re
import tomllib
from pathlib import Path

import click
import pytest
from aiohttp import web

from service.cli.commands import wallet
from service.http.routes import PREFIX, add_routes
from service.refusals import _HIDDEN_CODES, DATABASE_REFUSALS, STATUSES
from tests.conftest import Connect
from tests.docs.pages import DOCS, PAGES, ROOT, text_of
from tests.support.commands import every_command
from wallet_client import Wallet

_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_GRANT = re.compile(r"GRANT\s+EXECUTE\s+ON\s+FUNCTION\s+wallet\.(\w+)\s*\([^)]*\)\s+TO\s+([\w,\s]+);")
_CODE_BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def _routes() -> list[str]:
    app = web.Application()
    add_routes(app)
    return [
        f"{route.method} {route.resource.canonical.removeprefix(PREFIX)}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    ]


@pytest.mark.parametrize("route", _routes())
def test_http_page_has_a_section_for_every_route(route: str) -> None:
    assert route in _HEADING.findall(text_of("docs/http.md"))


def test_http_page_has_no_section_for_a_route_that_is_not_there() -> None:
    headings = _HEADING.findall(text_of("docs/http.md"))
    assert {heading for heading in headings if re.match(r"(GET|POST|PUT|PATCH|DELETE) /", heading)} == set(_routes())


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_http_page_has_every_refusal_code_with_its_status(code: str) -> None:
    page = text_of("docs/http.md")
    if code in _HIDDEN_CODES:
        assert f"`{code}`" in page
    else:
        assert re.search(rf"^\| {STATUSES[code]} \| `{code}` \|", page, re.MULTILINE)


def test_sql_page_has_every_sqlstate_with_its_code() -> None:
    """The whole table is an example of that page and compared row by row; this finds a page without the example."""
    page = text_of("docs/sql.md")
    missing = [state for state, (code, _) in DATABASE_REFUSALS.items() if state not in page or code not in page]
    assert not missing


def _granted_routines() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "db" / "functions").glob("*.sql")):
        for routine, roles in _GRANT.findall(path.read_text()):
            found.setdefault(routine, set()).update(re.split(r"\s*,\s*", roles.strip()))
    assert found
    return found


@pytest.mark.parametrize("routine", sorted(_granted_routines()))
def test_every_granted_routine_is_described(routine: str) -> None:
    """Somebody may call it, so somebody must be able to read about it: in the SQL page or the cookbook."""
    assert re.search(rf"\b{routine}\b", text_of("docs/sql.md") + text_of("docs/reconciliation.md"))


def test_every_routine_granted_to_jobs_has_a_section_or_a_row_on_the_sql_page() -> None:
    page = text_of("docs/sql.md")
    missing = [
        routine
        for routine, roles in _granted_routines().items()
        if "wallet_jobs" in roles and f"`{routine}" not in page and f"`wallet.{routine}" not in page
    ]
    assert not missing


def test_every_grant_in_the_catalogue_was_found_in_the_files(database_url: str, connect: Connect) -> None:
    """The pattern that reads the files misses nothing."""
    rows = connect(database_url).execute(
        "SELECT DISTINCT p.proname FROM pg_catalog.pg_proc AS p, aclexplode(p.proacl) AS a"
        " WHERE p.pronamespace = 'wallet'::regnamespace AND a.grantee <> p.proowner"
    )
    assert {name for (name,) in rows.fetchall()} == set(_granted_routines())


def test_cookbook_says_what_to_do_about_every_check(database_url: str, connect: Connect) -> None:
    page = text_of("docs/reconciliation.md")
    rows = connect(database_url).execute("SELECT check_name, severity, scope FROM wallet.doctor_checks()").fetchall()
    quick = {"since": "what is new", "whole": "no", "schema": "yes"}
    expected = {f"| `{name}` | {severity} | {quick[scope]} |" for name, severity, scope in rows}
    assert set(re.findall(r"^\| `check_\w+` \| \w+ \| [\w ]+ \|", page, re.MULTILINE)) == expected


def _settings() -> list[tuple[str, str]]:
    return re.findall(r"^([A-Z_]+)=(.*)$", text_of(".env.example"), re.MULTILINE)


@pytest.mark.parametrize(("name", "default"), _settings())
def test_operations_page_has_every_setting_with_its_default(name: str, default: str) -> None:
    row = re.search(rf"^\| `{name}` \| ([^|]*) \|", text_of("docs/operations.md"), re.MULTILINE)
    assert row
    assert default in row[1]


@pytest.mark.parametrize("command", sorted(wallet.commands))
def test_operations_page_has_every_command(command: str) -> None:
    assert f"| `wallet {command}` |" in text_of("docs/operations.md")


def _command_sections() -> dict[str, str]:
    page = text_of("docs/command-line.md")
    return dict(re.findall(r"^##+ wallet ([\w -]+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))


def _options_in(section: str) -> set[str]:
    cells = re.findall(r"^\| (`--[^|]*)\|", section, re.MULTILINE)
    return {option for cell in cells for option in re.findall(r"`(--[\w-]+)", cell)}


@pytest.mark.parametrize(("name", "command"), every_command().items(), ids=str)
def test_command_line_page_has_every_command_with_its_options(name: str, command: click.Command) -> None:
    """A section for each; what all commands of a group have may stand in the group's section."""
    sections = _command_sections()
    group, _, _ = name.rpartition(" ")
    described = _options_in(sections[name]) | _options_in(sections.get(group, ""))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert max(parameter.opts, key=len) in described
        else:
            assert f"`{parameter.human_readable_name}`" in sections[name]


def test_command_line_page_has_nothing_that_is_not_there() -> None:
    """Neither a command nor an option."""
    commands, sections = every_command(), _command_sections()
    assert set(sections) == set(commands)
    for name, text in sections.items():
        meant = [command for path, command in commands.items() if path == name or path.startswith(f"{name} ")]
        options = {option for command in meant for parameter in command.params for option in parameter.opts}
        assert _options_in(text) <= options, name


def test_client_page_has_every_method() -> None:
    page = text_of("docs/client.md")
    assert {name for name in vars(Wallet) if not name.startswith("_") and f"`{name}`" not in page} == set()


def test_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert version in text_of("CHANGELOG.md")


def _anchor(heading: str) -> str:
    """Make the anchor a Markdown viewer gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_CODE_BLOCK.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        anchors = {_anchor(heading) for heading in _HEADING.findall(target.read_text())} if anchor else {""}
        if not target.exists() or ROOT not in (target, *target.parents) or anchor not in anchors:
            broken.append(link)
    assert not broken


def test_the_front_pages_lead_to_every_page() -> None:
    """From the README, and from the first page of the site, by links from page to page."""
    reached = {ROOT / "README.md", DOCS / "index.md"}
    waiting = list(reached)
    while waiting:
        page = waiting.pop()
        links = _LINK.findall(_CODE_BLOCK.sub("", page.read_text()))
        found = {(page.parent / link.partition("#")[0]).resolve() for link in links if ".md" in link}
        waiting += found - reached
        reached |= found
    assert set(PAGES) <= reached
