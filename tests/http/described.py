"""The description of the interface, held against real answers: what is not in it is wrong."""

import copy
import functools
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from service.http.description.document import describe
from service.http.routes import PREFIX

Json = dict[str, Any]


@functools.cache
def document() -> Json:
    """The document, as a service gives it that requires API keys."""
    return describe(keys_required=True)


def closed(schema: Any) -> Any:
    """A schema with every object closed: a field that it does not name is wrong. In what is published they are open."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        # What stands beside a reference narrows it, and names only what it narrows.
        name: [part if "$ref" in part else copy.deepcopy(part) for part in value] if name == "allOf" else closed(value)
        for name, value in schema.items()
    }
    if isinstance(found.get("properties"), dict) and "allOf" not in found:
        found.setdefault("additionalProperties", False)
    return found


@functools.cache
def _components() -> Json:
    found: Json = closed(document()["components"]["schemas"])
    return found


@functools.cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    # Those without parameters first, as the router prefers them.
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


@functools.cache
def _validator(template: str, method: str, status: str) -> jsonschema_rs.Validator:
    content = document()["paths"][template][method]["responses"][status]["content"]
    root = {**closed(content["application/json"]["schema"]), "components": {"schemas": _components()}}
    return jsonschema_rs.validator_for(root, validate_formats=True)


def operation_of(method: str, path: str) -> tuple[str, Json] | None:
    """The template and the description of the route of a request; None when there is no such route.

    Args:
        method: in lower case.
        path: as it is sent, with or without a query.
    """
    below = path.partition("?")[0].removeprefix(PREFIX)
    for pattern, template in _templates():
        if pattern.fullmatch(below):
            found: Json | None = document()["paths"][template].get(method)
            return None if found is None else (template, found)
    return None


def check_described(method: str, path: str, status: int, headers: Mapping[str, str], body: Any) -> None:
    """Hold an answer to what is said of its route: status, code, headers and every field.

    Args:
        method: the HTTP method.
        path: as it was sent; an answer of what is no route is not looked at.
        status: of the answer.
        headers: of the answer.
        body: decoded; None when there is none to look at.
    """
    method = "get" if method == "HEAD" else method.lower()
    found = operation_of(method, path)
    if found is None:
        return
    template, operation = found
    described = operation["responses"].get(str(status))
    assert described is not None, f"{method} {template}: {status} is not described: {body}"
    for name in ("Idempotency-Replayed", "Retry-After", "WWW-Authenticate", "X-Request-Id"):
        if name in headers:
            assert name in described["headers"], f"{method} {template} {status}: header {name} is not described"
    if body is not None and "schema" in described.get("content", {}).get("application/json", {}):
        problems = [
            f"{'/'.join(map(str, one.instance_path))}: {one.message}"
            for one in _validator(template, method, str(status)).iter_errors(body)
        ]
        assert not problems, f"{method} {template} {status} is not as described: {problems}"
