"""View `check`: tries sources when it is asked to.

GET /0.1/sources/check?name=A,B   {"items": [{name, backend, verdict, ms, error?, said}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from pelagos.directory.services.check import Checked, CheckService
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, asker, required_acl


class CheckView(BaseViewPlugin):
    """The route."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add it.

        Raises:
            KeyError: the service `check` is not there.
        """
        service = args["services"]["check"]
        args["rest_api"].add_resource(
            CheckResource, "/sources/check", resource_class_kwargs={"service": service}
        )


class CheckResource(AuthResource):
    """How each source does just now."""

    def __init__(self, service: CheckService) -> None:
        self._service = service

    @required_acl("dird.sources.check.read")
    def get(self) -> dict[str, Any]:
        """The verdict on each source that is named, or on all."""
        given = request.args.get("name", "")
        names = [name for name in given.split(",") if name]
        return {"items": [_body(one) for one in self._service.check(asker(), names)]}


def _body(one: Checked) -> dict[str, Any]:
    body = {
        "name": one.name, "backend": one.backend, "verdict": str(one.verdict), "ms": one.ms,
        "said": list(one.said),
    }  # fmt: skip
    return body if one.error is None else {**body, "error": one.error}
