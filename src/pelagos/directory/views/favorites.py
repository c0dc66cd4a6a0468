"""View `favorites_json`: a person's favourites, listed, added and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.directory.model import Display
from pelagos.directory.services.favorites import FavoritesService
from pelagos.directory.settings import profile_displays
from pelagos.directory.views.answers import answer_body, display_of
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, asker, required_acl


class FavoritesView(BaseViewPlugin):
    """`/0.1/directories/favorites/<profile>` and `…/<source>/<contact>`."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add both routes.

        Raises:
            KeyError: the service `favorites` is not there.
        """
        service = args["services"]["favorites"]
        rule, api = "/directories/favorites", args["rest_api"]
        api.add_resource(
            FavoritesResource,
            f"{rule}/<profile>",
            resource_class_kwargs={
                "displays": profile_displays(args["config"]), "service": service,
            },
        )  # fmt: skip
        api.add_resource(
            FavoriteResource,
            f"{rule}/<path:directory>/<contact>",
            resource_class_kwargs={"service": service},
        )


class FavoritesResource(AuthResource):
    """The favourites of a profile's sources."""

    def __init__(self, displays: Mapping[str, Display], service: FavoritesService) -> None:
        self._displays = displays
        self._service = service

    @required_acl("dird.directories.favorites.{profile}.read")
    def get(self, profile: str) -> dict[str, Any]:
        """What the sources know of them, and under `sources` what each source did."""
        display = display_of(profile, self._displays)
        who = asker()
        answer = self._service.list(profile, who)
        ids: dict[str, set[str]] = {}
        for result in answer.results:
            if (entry := result.source_entry_id()) is not None:
                ids.setdefault(result.source, set()).add(entry)
        return answer_body(answer, display, who, ids)


class FavoriteResource(AuthResource):
    """One contact as a favourite; the name of its source may have slashes."""

    def __init__(self, service: FavoritesService) -> None:
        self._service = service

    @required_acl("dird.directories.favorites.{directory}.{contact}.update")
    def put(self, directory: str, contact: str) -> tuple[str, int]:
        """Make it one."""
        self._service.add(directory, contact, asker())
        return "", 204

    @required_acl("dird.directories.favorites.{directory}.{contact}.delete")
    def delete(self, directory: str, contact: str) -> tuple[str, int]:
        """Make it one no more."""
        self._service.remove(directory, contact, asker())
        return "", 204
