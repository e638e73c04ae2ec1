"""The description of the HTTP interface, as OpenAPI 3.1.

Paths, methods and scopes come from the route table, bodies from the structures they are decoded into. What is said
besides stands in one `Operation` per route, in the module of its area (`accounts`, `holds`, …), under its method and
path as they stand in the route table:

    OPERATIONS: Final = {
        "GET /things/{id}": Operation(
            summary="A thing",
            tag="Things",
            answer=Thing,                       # a msgspec Struct for what `data` holds; `rename="camel"`
            codes=("thing_not_found", "asset_forbidden"),
        ),
    }

A new module is added to `_AREAS` in `service.http.description.document`. The types of fields are those of
`service.http.fields`; examples are made from what they say. The tests hold every answer of every HTTP test to the
description: a field, status or code that is not in it fails them.
"""
