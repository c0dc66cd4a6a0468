"""The description of the API as Swagger 2.0 and as OpenAPI 3.1. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pelagos.directory.views.api.operation import JSON, Answer, Operation, Query, Route
from pelagos.directory.views.api.schemas import SCHEMAS
from pelagos.directory.views.api.table import OPERATIONS

_INFO = {
    "title": "Pelagos directory",
    "description": "One question to many sources, and an answer that says what each source did.",
    "version": "0.1",
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
}
_TOKEN = {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
_REFUSALS = {
    400: "what was sent cannot be used",
    401: "there is no token, it is not valid, or it does not give the right",
    404: "there is no such thing",
    409: "it is there already",
    503: "tokens cannot be verified, or the database cannot be used, at the moment",
}
Document = dict[str, Any]


def swagger(routes: Iterable[Route], prefix: str) -> Document:
    """As Swagger 2.0, which tools of the ancestor's time read."""
    return {
        "swagger": "2.0",
        "info": _INFO,
        "basePath": prefix,
        "consumes": [JSON],
        "produces": [JSON],
        "securityDefinitions": {"token": _TOKEN},
        "paths": _paths(routes, _swagger_operation),
        "definitions": {name: _swagger_schema(schema) for name, schema in SCHEMAS.items()},
    }


def openapi(routes: Iterable[Route], prefix: str) -> Document:
    """As OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {**_INFO, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": prefix}],
        "paths": _paths(routes, _openapi_operation),
        "components": {
            "securitySchemes": {"token": _TOKEN},
            "schemas": {name: _openapi_schema(schema) for name, schema in SCHEMAS.items()},
        },
    }


def _paths(routes: Iterable[Route], write: Any) -> Document:
    paths: Document = {}
    for route in sorted(routes, key=lambda route: (route.path, route.method)):
        operation = OPERATIONS.get(route.key) or Operation(
            route.fallback or route.key, "others", {200: Answer("done", None, (JSON,))}
        )
        written = {
            "operationId": route.id,
            "summary": operation.summary,
            "tags": [operation.tag],
            **write(route, operation),
            "security": [{"token": []}] if route.needs_token else [],
        }
        if route.right:
            written["description"] = f"Needs the right `{route.right}`."
        paths.setdefault(route.path, {})[route.method.lower()] = written
    return paths


def _swagger_operation(route: Route, operation: Operation) -> Document:
    parameters = [
        {"name": name, "in": "path", "required": True, "type": kind}
        for name, kind in route.arguments.items()
    ]
    parameters += [_parameter(query) | dict(query.schema) for query in operation.query]
    written: Document = {"parameters": parameters, "responses": {}}
    if operation.body is not None:
        schema = {"$ref": f"#/definitions/{operation.body.schema}"}
        parameters.append({
            "name": "body", "in": "body", "required": True, "description": operation.body.about,
            "schema": schema if operation.body.schema else {"type": "string"},
        })  # fmt: skip
        written["consumes"] = [operation.body.type]
    for status, answer in operation.answers.items():
        response: Document = {"description": answer.about}
        if answer.schema:
            response["schema"] = {"$ref": f"#/definitions/{answer.schema}"}
        written["responses"][str(status)] = response
    types = [kind for answer in operation.answers.values() for kind in answer.types]
    if types and types != [JSON]:
        written["produces"] = list(dict.fromkeys([*types, JSON]))
    for status, about in _refusals(route, operation):
        shape = {"$ref": f"#/definitions/{route.shape}"}
        written["responses"][str(status)] = {"description": about, "schema": shape}
    return written


def _openapi_operation(route: Route, operation: Operation) -> Document:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
        for name, kind in route.arguments.items()
    ]
    parameters += [_parameter(query) | {"schema": dict(query.schema)} for query in operation.query]
    written: Document = {"parameters": parameters, "responses": {}}
    if operation.body is not None:
        content = {operation.body.type: _content(operation.body.schema, operation.body.type)}
        written["requestBody"] = {
            "description": operation.body.about, "required": True, "content": content,
        }  # fmt: skip
    for status, answer in operation.answers.items():
        response: Document = {"description": answer.about}
        if answer.types:
            response["content"] = {kind: _content(answer.schema, kind) for kind in answer.types}
        written["responses"][str(status)] = response
    for status, about in _refusals(route, operation):
        content = {JSON: _content(route.shape, JSON)}
        written["responses"][str(status)] = {"description": about, "content": content}
    return written


def _content(schema: str | None, kind: str) -> Document:
    if kind == JSON:
        return {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {}}
    return {"schema": {"type": "string"}}


def _parameter(query: Query) -> Document:
    return {
        "name": query.name, "in": "query", "required": query.is_required,
        "description": query.about,
    }  # fmt: skip


def _refusals(route: Route, operation: Operation) -> Iterator[tuple[int, str]]:
    statuses = {*operation.refusals, *((401, 503) if route.needs_token else ())}
    for status in sorted(statuses):
        yield status, _REFUSALS[status]


def _swagger_schema(schema: Any) -> Any:
    """A schema with references as Swagger has them."""
    return _walked(schema, "#/definitions/")


def _openapi_schema(schema: Any) -> Any:
    """A schema with references, and what may be null, as OpenAPI 3.1 has them."""
    written = _walked(schema, "#/components/schemas/")
    return _with_null(written)


def _walked(schema: Any, references: str) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: references + value if key == "$ref" else _walked(value, references)
            for key, value in schema.items()
        }
    if isinstance(schema, list | tuple):
        return [_walked(item, references) for item in schema]
    return schema


def _with_null(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_null(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    written = {key: _with_null(value) for key, value in schema.items() if key != "x-nullable"}
    if schema.get("x-nullable") and "type" in written:
        written["type"] = [written["type"], "null"]
    return written
