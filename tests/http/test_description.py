"""The description says all that there is, and nothing else; the page that shows it needs no other host."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.http import page
from service.http.bodies import RequestBody, decode_body
from service.http.description.batches import BatchRequest
from service.http.description.document import _AREAS, OPERATIONS, describe
from service.http.description.operation import Operation
from service.http.fields import EventType
from service.http.postings import TRANSACTION_TYPES, BatchBody, decode_item
from service.http.routes import PREFIX, ROUTES, Route
from service.refusals import _HIDDEN_CODES, STATUSES
from tests.conftest import Connect, StartApp
from tests.http.api import CONTENT_TYPE, Api
from tests.http.described import check_described, document

pytestmark = pytest.mark.anyio

HTTP_FOLDER = Path(inspect.getfile(page)).parent.parent

NOON = "2026-11-23T12:00:00Z"

ANYWHERE = {"method_not_allowed", "route_not_found"}
"""The codes of requests that no route is for."""

_PARAMETER = re.compile(r'_in\(request, "(\w+)"|query(?:\.getall\(|\.get\(|\[)"(\w+)"')
"""How handlers read their query."""


def name_of(route: Route) -> str:
    """As descriptions are named."""
    return f"{route.method} {route.path}"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of the document."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    found: dict[str, Any] = schema
    if "$ref" in schema:
        found = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema of the document allows a value."""
    root = {**schema, "components": document()["components"]}
    return jsonschema_rs.validator_for(root, validate_formats=True).is_valid(value)


@pytest.mark.parametrize("keys_required", [True, False])
def test_it_is_openapi_3_1(keys_required: bool) -> None:
    problems = [one.message for one in OpenAPIV31SpecValidator(describe(keys_required=keys_required)).iter_errors()]
    assert problems == []


def test_every_route_is_described_once_and_nothing_else_is() -> None:
    named = [name for area in _AREAS for name in area.OPERATIONS]
    assert sorted(named) == sorted(map(name_of, ROUTES))
    assert sorted(name for name, _ in operations()) == sorted(named)
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(set(ids)) == len(ids)


def test_every_code_is_said_of_a_route() -> None:
    """And no code that there is not, nor one that nobody may see."""
    said = {code for _, one in operations() for answer in one["responses"].values() for code in _codes(answer)}
    assert said == set(STATUSES) - _HIDDEN_CODES - ANYWHERE


def _codes(answer: dict[str, Any]) -> list[str]:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return list(schema["allOf"][1]["properties"]["code"]["enum"]) if "allOf" in schema else []


def test_every_code_has_the_status_it_has() -> None:
    for name, operation in operations():
        for status, answer in operation["responses"].items():
            assert {STATUSES[code] for code in _codes(answer)} <= {int(status)}, name


def test_every_field_of_every_body_is_described() -> None:
    """The document's fields are those of the structure that the route decodes, with what must be there."""
    for name, one in OPERATIONS.items():
        if one.body is None:
            continue
        schema = resolved(dict(operations())[name]["requestBody"]["content"]["application/json"]["schema"])
        fields = msgspec.structs.fields(BatchBody if one.body is BatchRequest else one.body)
        assert set(schema["properties"]) == {field.encode_name for field in fields}, name
        assert set(schema["required"]) == {field.encode_name for field in fields if field.required}, name


def test_every_body_that_a_handler_reads_is_described() -> None:
    """A structure that a route decodes and that no description names would be found by no other test."""
    described = {one.body for one in OPERATIONS.values() if one.body is not None}
    seen = set(described)
    for kind in described:
        seen.update(kind.__mro__)
    bodies = {kind for kind in _subclasses(RequestBody) if kind.__module__.startswith("service.http.")}
    ours = {kind for kind in bodies if "description" not in kind.__module__ and not kind.__name__.startswith("_")}
    # A batch's items are described by structures that derive from those of the posting endpoints.
    assert {kind.__name__ for kind in ours - seen} == {"BatchBody", "PostingItem"}


def _subclasses(kind: type) -> set[type]:
    found = {kind}
    return found.union(*map(_subclasses, kind.__subclasses__()))


def test_every_type_of_item_is_described() -> None:
    schema = resolved({"$ref": "/BatchRequest"})["properties"]["items"]["items"]
    assert set(schema["discriminator"]["mapping"]) == set(TRANSACTION_TYPES)


@pytest.mark.parametrize("name", sorted(name for name, one in OPERATIONS.items() if one.body is not None))
def test_the_example_of_a_body_is_one(name: str) -> None:
    """It fits its schema, and the service takes it."""
    content = dict(operations())[name]["requestBody"]["content"]["application/json"]
    assert allows(content["schema"], content["example"])
    body_type = OPERATIONS[name].body
    assert body_type is not None
    example = json.dumps(content["example"]).encode()
    if body_type is BatchRequest:
        for item in content["example"]["items"]:
            decode_item(json.dumps(item).encode())
        body_type = BatchBody
    assert issubclass(body_type, RequestBody)
    decode_body(example, body_type)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_examples_of_the_answers_are_answers(name: str) -> None:
    for status, answer in dict(operations())[name]["responses"].items():
        content = answer["content"].get("application/json", {}) if "content" in answer else {}
        examples = [one["value"] for one in content.get("examples", {}).values()]
        if "example" in content:
            examples.append(content["example"])
        assert examples or not content.get("schema"), (name, status)
        for example in examples:
            assert allows(content["schema"], example), (name, status, example)


def test_every_parameter_that_a_handler_reads_is_described() -> None:
    for route in ROUTES:
        operation = document()["paths"][route.path][route.method.lower()]
        described = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        source = inspect.getsource(route.handler)
        read = {one or other for one, other in _PARAMETER.findall(source)}
        if "page_and_limit(request)" in source:
            read |= {"page", "limit"}
        assert read <= described, name_of(route)


def test_every_parameter_that_is_described_is_read() -> None:
    """Somewhere in the modules of the handlers, whose parts they share."""
    files = [file for file in HTTP_FOLDER.rglob("*.py") if file.parent.name != "description"]
    sources = "".join(file.read_text() for file in files)
    described = {
        one["name"]
        for _, operation in operations()
        for one in operation["parameters"]
        if one["in"] in ("query", "header")
    }
    assert {name for name in described if f'"{name}"' not in sources} == set()


def test_the_event_types_are_those_of_the_database(database_url: str, connect: Connect) -> None:
    row = connect(database_url).execute("SELECT wallet.event_types()").fetchone()
    assert row is not None
    assert set(row[0]) == set(EventType.__args__)  # type: ignore[attr-defined]  # of a Literal


def test_each_route_says_which_scopes_open_it() -> None:
    for route in ROUTES:
        security = document()["paths"][route.path][route.method.lower()]["security"]
        if route.access is None:
            assert security == []
        else:
            assert [one["apiKey"] for one in security] == ([[scope] for scope in sorted(route.access)] or [[]])
    without = describe(keys_required=False)["paths"]["/accounts"]["get"]["security"]
    assert without == [{"apiKey": ["read"]}, {}]


async def test_it_is_served_to_everybody_and_sent_once(seeded_url: str, start_app: StartApp) -> None:
    """Also where keys are required; who has it gets 304 until there is another."""
    async with start_app(seeded_url, api_keys="required") as client:
        async with client.get(f"{PREFIX}/openapi.json") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert json.loads(await answer.read()) == json.loads(msgspec.json.encode(document()))
            known = answer.headers["ETag"]
        async with client.get(f"{PREFIX}/openapi.json", headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", known)
        async with client.get(f"{PREFIX}/openapi.json", headers={"If-None-Match": '"another"'}) as answer:
            assert answer.status == 200
        async with client.head(f"{PREFIX}/openapi.json") as answer:
            assert (answer.status, answer.headers["ETag"]) == (200, known)
    async with start_app(seeded_url) as client, client.get(f"{PREFIX}/openapi.json") as answer:
        assert answer.headers["ETag"] != known


@pytest.mark.parametrize(
    ("status", "headers", "body", "problem"),
    [
        (
            200,
            {},
            {"success": True, "data": {"status": "healthy", "timestamp": NOON, "more": 1}},
            "more",
        ),
        (200, {}, {"success": True, "data": {"status": "healthy", "timestamp": "noon"}}, "timestamp"),
        (200, {}, {"success": True, "data": {"status": "healthy"}}, "timestamp"),
        (200, {}, {"success": True, "data": {"status": "ill", "timestamp": NOON}}, "status"),
        (418, {}, {}, "418"),
        (503, {}, {"success": False, "error": "Away.", "code": "hold_voided"}, "code"),
        (503, {}, {"success": False, "error": "Away.", "code": "unavailable", "why": 1}, "why"),
        (200, {"Retry-After": "1"}, {"success": True, "data": {}}, "Retry-After"),
    ],
)
def test_what_holds_the_answers_to_it_finds_what_is_not_in_it(
    status: int, headers: dict[str, str], body: object, problem: str
) -> None:
    """Else every HTTP test could pass over an answer that is not described."""
    with pytest.raises(AssertionError, match=problem):
        check_described("GET", f"{PREFIX}/health?x=1", status, headers, body)


async def test_the_page_comes_from_this_host_alone(client: aiohttp.ClientSession) -> None:
    """Every file that it names is here; its policy lets the browser ask nobody else."""
    async with client.get("/docs", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (308, "docs/")
    async with client.get("/docs") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        text = await answer.text()
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert set(re.findall(r"'[a-z-]+'|\w+:|\S+", " ".join(policy.values()))) <= {
        "'none'",
        "'self'",
        "data:",
    }
    named = re.findall(r'(?:href|src)="([^"]+)"', text)
    assert len(named) == 5
    for name in named:
        assert ":" not in name
        async with client.get(f"/docs/{name}") as answer:
            assert answer.status == 200, name
            assert len(await answer.read()) > 100
            known = answer.headers["ETag"]
        async with client.get(f"/docs/{name}", headers={"If-None-Match": known}) as answer:
            assert answer.status == 304
    async with client.get("/docs/page.js") as answer:
        script = await answer.text()
    assert 'url: "../api/v1/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert not re.search(r"https?://", script + text)


async def test_the_page_is_for_everybody(seeded_url: str, start_app: StartApp) -> None:
    async with start_app(seeded_url, api_keys="required") as client:
        for path in page.paths():
            async with client.get(path) as answer:
                assert answer.status == 200, path


async def test_without_its_package_the_page_is_not_found(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_package_folder", lambda: None)
    answer = await api.get("//docs/")
    assert answer.refused == (404, "route_not_found")
    assert "pg-wallet[docs]" in answer.json["error"]
    assert (await api.call("POST", "//docs/")).refused == (405, "method_not_allowed")


def test_a_description_can_be_made_in_a_line() -> None:
    """What is left out has a default."""
    assert Operation(summary="A thing", tag="Things").status == 200
