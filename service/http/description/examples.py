"""Examples, made from what a schema says of itself."""

from collections.abc import Mapping
from typing import Any, Final

from service.http.fields import EXAMPLE_ID

_BY_FORMAT: Final = {"uuid": EXAMPLE_ID, "date-time": "2026-11-23T12:00:00.000000Z"}
_BY_TYPE: Final = {"string": "text", "integer": 1, "number": 1, "boolean": False, "null": None}


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A value that the schema allows.

    Args:
        schema: a JSON Schema as msgspec makes them; its `$ref` name components.
        components: the schemas by name.
    """
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema and "properties" not in schema:
        return example_of(schema["anyOf"][0], components)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = "null" if "null" in kind else kind[0]
    if kind == "object":
        return {
            name: example_of(part, components)
            for name, part in schema.get("properties", {}).items()
            # What may be left out is left out, unless there is something to show.
            if name in schema.get("required", ()) or "examples" in part
        }
    if kind == "array":
        least = max(1, schema.get("minItems", 1))
        return [example_of(schema["items"], components)] * least
    return schema.get("default", _BY_FORMAT.get(schema.get("format", ""), schema.get("minimum", _BY_TYPE[kind])))
