"""View `lookup_json`: the lookup service as JSON, and the headers of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from pelagos.core.spelling import nearest
from pelagos.directory.errors import BadTermError, UnknownProfileError
from pelagos.directory.merge import cell, row
from pelagos.directory.model import Display, SourceVerdict
from pelagos.directory.services.lookup import LookupService
from pelagos.directory.settings import profile_displays
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, asker, required_acl


class LookupJsonView(BaseViewPlugin):
    """`GET /0.1/directories/lookup/<profile>?term=…` and `…/<profile>/headers`."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add both routes.

        Raises:
            KeyError: the service `lookup` is not there.
        """
        displays = profile_displays(args["config"])
        needs = {"displays": displays, "service": args["services"]["lookup"]}
        api = args["rest_api"]
        rule = "/directories/lookup/<profile>"
        api.add_resource(LookupResource, rule, resource_class_kwargs=needs)
        api.add_resource(
            HeadersResource, f"{rule}/headers", resource_class_kwargs={"displays": displays}
        )


class LookupResource(AuthResource):
    """All results of a lookup in one answer."""

    def __init__(self, displays: Mapping[str, Display], service: LookupService) -> None:
        self._displays = displays
        self._service = service

    @required_acl("dird.directories.lookup.{profile}.read")
    def get(self, profile: str) -> dict[str, Any]:
        """The results, and under `sources` what each source did."""
        display = display_of(profile, self._displays)
        term = request.args.get("term")
        if term is None:
            raise BadTermError(["the parameter `term` is missing"])
        answer = self._service.lookup(term, profile, asker())
        return {
            "term": term,
            "column_headers": display.headers,
            "column_types": display.types,
            "results": [row(result, display) for result in answer.results],
            "sources": [verdict_body(verdict) for verdict in answer.sources],
        }


class HeadersResource(AuthResource):
    """The columns of a profile's answers."""

    def __init__(self, displays: Mapping[str, Display]) -> None:
        self._displays = displays

    @required_acl("dird.directories.lookup.{profile}.headers.read")
    def get(self, profile: str) -> dict[str, Any]:
        """Headers and types, in the order of the columns."""
        display = display_of(profile, self._displays)
        return {"column_headers": display.headers, "column_types": display.types}


def display_of(profile: str, displays: Mapping[str, Display]) -> Display:
    """The display of a profile.

    Raises:
        UnknownProfileError: it has none.
    """
    if profile not in displays:
        meant = nearest(profile, displays)
        more = f"; did you mean `{meant}`?" if meant else ""
        raise UnknownProfileError([f"the profile `{profile}` does not exist{more}"])
    return displays[profile]


def verdict_body(verdict: SourceVerdict) -> dict[str, Any]:
    """A verdict as JSON answers show it; `error` only when there is one."""
    body = {"name": verdict.name, "verdict": str(verdict.verdict), "ms": verdict.ms}
    return body if verdict.error is None else {**body, "error": cell(verdict.error)}
