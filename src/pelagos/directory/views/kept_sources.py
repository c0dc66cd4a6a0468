"""View `kept_sources_view`: sources by REST: `/0.1/backends/<backend>/sources` and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from pelagos.directory.services.kept_sources import KeptSourcesService
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.listing import Listing
from pelagos.directory.views.rest import AuthResource, required_acl
from pelagos.directory.views.stored import json_body

_RULE = "/backends/<backend>/sources"
_RIGHT = "dird.backends.{backend}.sources"
_SOURCE = _RIGHT + ".{source_uuid}"


class KeptSourcesView(BaseViewPlugin):
    """The routes."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add them.

        Raises:
            KeyError: the service `kept_sources` is not there.
        """
        needs = {"service": args["services"]["kept_sources"]}
        for resource, rule in (
            (BackendSourcesResource, _RULE),
            (BackendSourceResource, f"{_RULE}/<source_uuid>"),
        ):
            args["rest_api"].add_resource(resource, rule, resource_class_kwargs=needs)


class _Resource(AuthResource):
    error_resource = "sources"

    def __init__(self, service: KeptSourcesService) -> None:
        self._service = service


class BackendSourcesResource(_Resource):
    """The sources of a back-end."""

    @required_acl(_RIGHT + ".read")
    def get(self, backend: str) -> dict[str, Any]:
        """A page of them, their secrets masked."""
        return Listing.of(request.args).page(self._service.all(backend))

    @required_acl(_RIGHT + ".create")
    def post(self, backend: str) -> tuple[dict[str, Any], int]:
        """Make one."""
        return self._service.create(backend, json_body()), 201


class BackendSourceResource(_Resource):
    """One source."""

    @required_acl(_SOURCE + ".read")
    def get(self, backend: str, source_uuid: str) -> dict[str, Any]:
        """Its keys, the secrets masked."""
        return self._service.get(backend, source_uuid)

    @required_acl(_SOURCE + ".update")
    def put(self, backend: str, source_uuid: str) -> tuple[str, int]:
        """Replace them."""
        self._service.edit(backend, source_uuid, json_body())
        return "", 204

    @required_acl(_SOURCE + ".delete")
    def delete(self, backend: str, source_uuid: str) -> tuple[str, int]:
        """Remove it."""
        self._service.remove(backend, source_uuid)
        return "", 204
