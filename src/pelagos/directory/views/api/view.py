"""View `api_view`: what the API is, for programs and without a token."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, current_app
from flask_restful import Resource

from pelagos.directory.views.api import document
from pelagos.directory.views.api.operation import Route
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import PREFIX, right_of

_ARGUMENT = re.compile(r"<(?:(\w+)(?:\([^<>]*\))?:)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class ApiView(BaseViewPlugin):
    """`GET /0.1/api/api.yml` (Swagger 2.0) and `/0.1/api/openapi.json` (OpenAPI 3.1)."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add both routes."""
        api = args["rest_api"]
        for rule, kind, write in (
            ("/api/api.yml", "application/x-yaml", document.swagger),
            ("/api/openapi.json", "application/json", document.openapi),
        ):
            api.add_resource(
                ApiResource,
                rule,
                endpoint=f"api {rule}",
                resource_class_kwargs={"kind": kind, "write": write},
            )


class ApiResource(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
    """A description of all routes that are served, those of others' views, too."""

    def __init__(self, kind: str, write: Callable[..., Any]) -> None:
        self._kind = kind
        self._write = write

    def get(self) -> Response:
        """The document; JSON, which is YAML, too."""
        written = self._write(routes_of(current_app), PREFIX)
        return Response(json.dumps(written, indent=1), 200, mimetype=self._kind)


def routes_of(app: Flask) -> Iterator[Route]:
    """The operations that an application serves below the prefix."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(f"{PREFIX}/"):
            continue
        view = app.view_functions[rule.endpoint]
        resource = getattr(view, "view_class", None)
        shape = "NamedError" if getattr(resource, "error_resource", None) else "Error"
        arguments = {
            name: "integer" if kind == "int" else "string"
            for kind, name in _ARGUMENT.findall(rule.rule)
        }
        path = _ARGUMENT.sub(r"{\2}", rule.rule.removeprefix(PREFIX))
        is_guarded = bool(getattr(resource, "needs_token", False))
        for method in _METHODS:
            if method in (rule.methods or ()):
                handler = getattr(resource, method.lower(), view)
                about = (handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")
                right = right_of(handler)
                yield Route(method, path, arguments, is_guarded, right, shape, about)
