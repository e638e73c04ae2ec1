"""What many routes have in common: parameters, headers, the envelope and the refusals."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from service.http.queries import LIMIT_DEFAULT, LIMIT_MAX, PAGE_MAX
from service.refusals import STATUSES

HEADERS: Final = {
    "X-Request-Id": {
        "description": "The one that was sent, or a new one. The service's log has it too.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
    "Idempotency-Replayed": {
        "description": "The answer was given before.",
        "schema": {"const": "true"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the same request is sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "How to show a key.", "required": True, "schema": {"type": "string"}},
}

#: Status -> the headers of its refusals, beside that of every answer.
_REFUSAL_HEADERS: Final = {401: "WWW-Authenticate", 503: "Retry-After"}

REQUEST_ID_PARAMETER: Final = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "Names the request in the log. One that is not good is replaced.",
    "schema": {"type": "string"},
}

_KEY_SCHEMA: Final = {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["order-1001"]}

KEY_PARAMETERS: Final[Mapping[str, dict[str, Any]]] = {
    use: {
        "name": "Idempotency-Key",
        "in": "header",
        "required": use == "required",
        "description": "Names the request: sent again with the same key, it is answered again and not done again.",
        "schema": _KEY_SCHEMA,
    }
    for use in ("required", "optional")
}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_PAGE: Final = _query(
    "page",
    "Counts from 1. Clamped to the nearest good one.",
    {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": 1},
)
_LIMIT: Final = _query(
    "limit",
    "Rows in a page. Clamped to the nearest good one.",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
)
_CURSOR: Final = _query(
    "cursor",
    "Empty for the newest rows, then the `nextCursor` of the page before. With it, `page` is not looked at.",
    {"type": "string", "examples": [""]},
)

PAGING_PARAMETERS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "page": [_PAGE, _LIMIT],
    "cursor": [_PAGE, _LIMIT, _CURSOR],
    "feed": [],
}

_BY_PAGE: Final = {
    "type": "object",
    "title": "ByPage",
    "required": ["page", "limit", "total", "totalPages"],
    "properties": {
        "page": {"type": "integer", "minimum": 1, "examples": [1]},
        "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "examples": [LIMIT_DEFAULT]},
        "total": {"type": "integer", "minimum": 0, "examples": [1]},
        "totalPages": {"type": "integer", "minimum": 0, "examples": [1]},
    },
}
_BY_CURSOR: Final = {
    "type": "object",
    "title": "ByCursor",
    "required": ["limit", "nextCursor"],
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX},
        "nextCursor": {"type": ["string", "null"], "description": "null: there are no more."},
    },
}

_FEED: Final = {
    "cursor": {"type": "string", "format": "uuid", "description": "Where to go on."},
    "hasMore": {"type": "boolean", "description": "Whether there is more now."},
}

REFUSAL: Final = {
    "type": "object",
    "description": "A request that was refused. It has written nothing.",
    "required": ["success", "error", "code"],
    "properties": {
        "success": {"const": False},
        "error": {"type": "string", "description": "A sentence. It may change."},
        "code": {"type": "string", "description": "It never changes."},
        "details": {
            "type": "object",
            "description": "`{field: [sentence, …]}`; of `batch_refused`, `{index, status, body}`.",
            "additionalProperties": {"type": ["array", "integer", "object"], "items": {"type": "string"}},
        },
        "data": {"type": "object", "description": "Of GET /health.", "additionalProperties": {"type": "string"}},
    },
}


def dry_run_parameter() -> dict[str, Any]:
    """The parameter that only tries."""
    return _query("dryRun", "Say what it would do, and do not do it.", {"type": "boolean", "default": False})


def enveloped(data: dict[str, Any], paging: Literal["page", "cursor", "feed"] | None) -> dict[str, Any]:
    """The schema of a success around that of its data; of a list with pages around that of a row."""
    properties: dict[str, Any] = {"success": {"const": True}, "data": data}
    if paging is not None:
        properties["data"] = {"type": "array", "items": data}
    if paging == "feed":
        properties |= _FEED
    elif paging is not None:
        properties["pagination"] = _BY_PAGE if paging == "page" else {"anyOf": [_BY_PAGE, _BY_CURSOR]}
    return {"type": "object", "required": list(properties), "properties": properties}


def refusals(codes: Iterable[str]) -> dict[str, Any]:
    """The answers to refused requests, by status."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(STATUSES[code], []).append(code)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    headers = ["X-Request-Id", *([_REFUSAL_HEADERS[status]] if status in _REFUSAL_HEADERS else [])]
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Refusal"},
                        {"type": "object", "properties": {"code": {"enum": codes}}},
                    ]
                },
                "examples": {code: {"value": _example(code)} for code in codes},
            }
        },
    }


def _example(code: str) -> dict[str, Any]:
    if code == "validation_failed":
        return {
            "success": False,
            "error": "Validation failed",
            "code": code,
            "details": {"amount": ["Is required."]},
        }
    return {"success": False, "error": f"{code.replace('_', ' ').capitalize()}.", "code": code}
