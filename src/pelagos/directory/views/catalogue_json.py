"""View `catalogue_json`: what the directory is, to be read: profiles, sources, status and more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import request

from pelagos.directory.views.answers import sees_errors
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.listing import Listing
from pelagos.directory.views.rest import AuthResource, asker, required_acl

log = logging.getLogger(__name__)

_OF_SOURCES = ("name", "backend")


class CatalogueView(BaseViewPlugin):
    """`GET` of `/config`, `/status`, `/profiles`, `/displays`, `/sources`, `/backends` and more.

    A route whose service is not there is left out, and the log says so.
    """

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes."""
        services, api = args["services"], args["rest_api"]
        for name, resource, rule in (
            ("config", ConfigResource, "/config"),
            ("status", StatusResource, "/status"),
            ("profile", ProfilesResource, "/profiles"),
            ("profile", ProfileSourcesResource, "/directories/<profile>/sources"),
            ("display", DisplaysResource, "/displays"),
            ("source", SourcesResource, "/sources"),
            ("source", BackendsResource, "/backends"),
        ):
            if name not in services:
                log.error("%s is not served: the service %s is not enabled", rule, name)
                continue
            ask = resource.method_of(services[name])
            api.add_resource(resource, rule, resource_class_kwargs={"ask": ask})


class _Resource(AuthResource):
    """One question to one service.

    Attributes:
        method: the name of the service's method.
    """

    method = ""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    @classmethod
    def method_of(cls, service: Any) -> Callable[..., Any]:
        """What answers, which another's service need not have.

        Raises:
            AttributeError: it does not.
        """
        found: Callable[..., Any] = getattr(service, cls.method)
        return found


def _without_error(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "error"}


class ConfigResource(_Resource):
    """The configuration, its secrets masked."""

    method = "config"
    error_resource = "config"

    @required_acl("dird.config.read")
    def get(self) -> Any:
        """All of it."""
        return self._ask()


class StatusResource(_Resource):
    """What works and what does not."""

    method = "status"

    @required_acl("dird.status.read")
    def get(self) -> Any:
        """By part; why something failed only for whoever may check sources."""
        status = self._ask()
        if sees_errors(asker()):
            return status
        return {
            part: {key: value for key, value in about.items() if key != "failures"}
            for part, about in status.items()
        }


class ProfilesResource(_Resource):
    """The profiles."""

    method = "profiles"
    error_resource = "profiles"

    @required_acl("dird.profiles.read")
    def get(self) -> Any:
        """A page of them."""
        return Listing.of(request.args).page(self._ask())


class ProfileSourcesResource(_Resource):
    """The sources of a profile."""

    method = "sources"

    @required_acl("dird.directories.{profile}.sources.read")
    def get(self, profile: str) -> Any:
        """A page of them; why one is not there only for whoever may check sources."""
        page = Listing.of(request.args, _OF_SOURCES).page(self._ask(profile))
        if not sees_errors(asker()):
            page["items"] = [_without_error(item) for item in page["items"]]
        return page


class DisplaysResource(_Resource):
    """The displays."""

    method = "displays"
    error_resource = "displays"

    @required_acl("dird.displays.read")
    def get(self) -> Any:
        """A page of them."""
        return Listing.of(request.args).page(self._ask())


class SourcesResource(_Resource):
    """The sources, whatever their back-end."""

    method = "sources"
    error_resource = "sources"

    @required_acl("dird.sources.read")
    def get(self) -> Any:
        """A page of them."""
        return Listing.of(request.args, _OF_SOURCES).page(self._ask())


class BackendsResource(_Resource):
    """The back-ends that a source may have."""

    method = "backends"
    error_resource = "backends"

    @required_acl("dird.backends.read")
    def get(self) -> Any:
        """A page of them."""
        return Listing.of(request.args).page(self._ask())
