"""The OpenAPI document, from the route table, the structures and the descriptions."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec

from service.api_keys import SCOPES
from service.http.auth import Access
from service.http.changes import ChangeBody
from service.http.description import (
    accounts,
    asset_types,
    batches,
    books,
    events,
    health,
    holds,
    limits,
    monitoring,
    statements,
    transactions,
    webhooks,
)
from service.http.description.examples import example_of
from service.http.description.operation import Operation
from service.http.description.parts import (
    HEADERS,
    KEY_PARAMETERS,
    PAGING_PARAMETERS,
    REFUSAL,
    REQUEST_ID_PARAMETER,
    dry_run_parameter,
    enveloped,
    refusals,
)
from service.http.description.serving import Description
from service.http.fields import Id
from service.http.routes import PREFIX, ROUTES, Route

_AREAS: Final = (
    health,
    monitoring,
    asset_types,
    accounts,
    statements,
    transactions,
    batches,
    books,
    holds,
    limits,
    events,
    webhooks,
)

#: Method and path -> what is said of the route.
OPERATIONS: Final[Mapping[str, Operation]] = {
    name: operation for area in _AREAS for name, operation in area.OPERATIONS.items()
}

_REF: Final = "#/components/schemas/{name}"

_ABOUT: Final = (
    "Virtual currency in a closed loop: a double-entry ledger. A 2xx means: committed. Amounts in answers are JSON"
    " numbers, written exactly: read them as decimals. Unknown fields of a body are ignored; answers may get new"
    " fields.\n\n"
    "Every answer has the envelope `{success, …}` and the header `X-Request-Id`. Go by the `code` of a refusal."
)


class _Schemas:
    """The JSON Schemas of all the types that the descriptions name."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._types: dict[Any, None] = {}
        for one in operations:
            answers = one.answer if isinstance(one.answer, tuple) else (one.answer,)
            named = (*answers, one.body, one.query, *one.path.values())
            self._types.update(dict.fromkeys(kind for kind in named if kind is not None))
        self._types[Id] = None
        found, self.components = msgspec.json.schema_components(self._types, ref_template=_REF)
        self._found = dict(zip(self._types, found, strict=True))
        for body in {one.body for one in operations if one.body is not None}:
            schema = self.components[body.__name__]
            # What the docstring of a body tells is for those who read the code.
            schema.pop("description", None)
            if issubclass(body, ChangeBody):
                changeable = [name for name in schema["properties"] if name not in schema["required"]]
                schema["anyOf"] = [{"required": [name]} for name in changeable]

    def of(self, kinds: Any) -> dict[str, Any]:
        """The schema of a type, or of any of several."""
        if isinstance(kinds, tuple):
            return {"anyOf": [self._found[kind] for kind in kinds]}
        return dict(self._found[kinds])

    def fields(self, struct: type) -> dict[str, dict[str, Any]]:
        """The schemas of a structure's fields, by their names in JSON."""
        fields: dict[str, dict[str, Any]] = self.components[struct.__name__]["properties"]
        return fields

    def example(self, schema: Mapping[str, Any]) -> Any:
        """A value the schema allows."""
        return example_of(schema, self.components)


@cache
def description(*, keys_required: bool) -> Description:
    """The whole document, as it is sent. Made once per process."""
    return Description.of(describe(keys_required=keys_required))


def describe(*, keys_required: bool) -> dict[str, Any]:
    """The whole document.

    Args:
        keys_required: whether a request without an API key is refused.
    """
    schemas = _Schemas(OPERATIONS.values())
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operation = OPERATIONS.get(f"{route.method} {route.path}")
        if operation is None:
            continue  # A test finds it; what is there is described.
        described = _operation(route, operation, schemas, keys_required=keys_required)
        paths.setdefault(route.path, {})[route.method.lower()] = described
    queries = {one.query.__name__ for one in OPERATIONS.values() if one.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "pg-wallet", "version": metadata.version("pg-wallet"), "description": _ABOUT},
        "servers": [{"url": PREFIX}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "schemas": {"Refusal": REFUSAL}
            | {name: schema for name, schema in schemas.components.items() if name not in queries},
            "headers": HEADERS,
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "wk_<id>_<secret>",
                    "description": "An API key. Scopes:\n\n"
                    + "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
                }
            },
        },
    }


def _operation(route: Route, operation: Operation, schemas: _Schemas, *, keys_required: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(route, operation, schemas),
        "responses": _answers(operation, schemas) | refusals(_codes(route.access, operation)),
        "security": _security(route.access, keys_required=keys_required),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        schema = schemas.of(operation.body)
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": {"schema": schema, "example": schemas.example(schema)}},
        }
    return described


def _operation_id(route: Route) -> str:
    """Such as `post-accounts-id-close`: stable as the path is."""
    return "-".join([route.method.lower(), *re.findall(r"[A-Za-z]+", route.path)])


def _codes(access: Access, operation: Operation) -> set[str]:
    codes = {*operation.codes, "validation_failed", "expectation_failed", "internal_error", "unavailable"}
    if access is not None:
        codes |= {"unauthorized", *(["forbidden"] if access else [])}
    if operation.key is not None:
        codes |= {"idempotency_key_missing", "idempotency_key_reused"}
    if operation.body is not None:
        codes |= {"body_too_large", "request_timeout"}
    return codes


def _security(access: Access, *, keys_required: bool) -> list[dict[str, list[str]]]:
    if access is None:
        return []
    # One of the scopes is enough; `admin` has them all.
    wanted = [{"apiKey": [scope]} for scope in sorted(access)] or [{"apiKey": []}]
    return wanted if keys_required else [*wanted, {}]


def _parameters(route: Route, operation: Operation, schemas: _Schemas) -> list[dict[str, Any]]:
    parameters = [
        _parameter(name, "path", schemas.of(operation.path.get(name, Id)), required=True)
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if operation.query is not None:
        parameters += [_parameter(name, "query", schema) for name, schema in schemas.fields(operation.query).items()]
    if operation.paging is not None:
        parameters += PAGING_PARAMETERS[operation.paging]
    if operation.dry_run:
        parameters.append(dry_run_parameter())
    if operation.key is not None:
        parameters.append(KEY_PARAMETERS[operation.key])
    return [*parameters, REQUEST_ID_PARAMETER]


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


def _answers(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    if operation.key is not None:
        headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Idempotency-Replayed"}
    if operation.status == 207:
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    content: dict[str, Any] = {media_type: {} for media_type in operation.media_types}
    if operation.answer is not None:
        schema = enveloped(schemas.of(operation.answer), operation.paging)
        content["application/json"] = {"schema": schema, "example": schemas.example(schema)}
    success = {"description": "Done.", "headers": headers, "content": content}
    answers = {str(operation.status): success}
    if operation.dry_run and operation.status == 201:
        answers["200"] = success | {"description": "A dry run: what it would be."}
    if operation.etag:
        answers["304"] = {"description": "It is what `If-None-Match` names.", "headers": headers}
    return answers
