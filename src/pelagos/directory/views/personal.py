"""View `personal_view`: a person's own contacts, as JSON, as CSV, and as a display shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from pelagos.directory.errors import InvalidError
from pelagos.directory.merge import row
from pelagos.directory.model import Display
from pelagos.directory.services.personal import PersonalService
from pelagos.directory.settings import profile_displays
from pelagos.directory.views.answers import display_of
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, asker, required_acl
from pelagos.directory.views.stored import file_body, json_body, wanted_page, wants_whole

_CSV = "text/csv"
_PAGING = frozenset({"order", "direction", "limit", "offset", "search"})


class PersonalView(BaseViewPlugin):
    """`/0.1/personal`, `/0.1/personal/<id>`, `…/import`; `/0.1/directories/personal/<profile>`."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes.

        Raises:
            KeyError: the service `personal` is not there.
        """
        services, api = args["services"], args["rest_api"]
        only = {"service": services["personal"]}
        api.add_resource(PersonalResource, "/personal", resource_class_kwargs=only)
        api.add_resource(
            PersonalContactResource, "/personal/<contact_id>", resource_class_kwargs=only
        )
        api.add_resource(PersonalImportResource, "/personal/import", resource_class_kwargs=only)
        api.add_resource(
            PersonalProfileResource,
            "/directories/personal/<profile>",
            resource_class_kwargs={
                **only,
                "displays": profile_displays(args["config"]),
                "favorites": services.get("favorites"),
            },
        )


class _Resource(AuthResource):
    def __init__(self, service: PersonalService) -> None:
        self._service = service


class PersonalResource(_Resource):
    """All contacts of a person."""

    @required_acl("dird.personal.read")
    def get(self) -> dict[str, Any] | Response:
        """The contacts as JSON, or as CSV for those who ask for it."""
        if _wants_csv():
            return _csv(self._service.export_csv(asker()))
        contacts = self._service.list(asker(), _wanted())
        return {"items": [contact.as_dict() for contact in contacts]}

    @required_acl("dird.personal.create")
    def post(self) -> tuple[dict[str, str], int]:
        """Store a contact."""
        return self._service.create(json_body(), asker()).as_dict(), 201

    @required_acl("dird.personal.delete")
    def delete(self) -> tuple[str, int]:
        """Remove them all."""
        self._service.purge(asker())
        return "", 204


class PersonalContactResource(_Resource):
    """One contact of a person."""

    @required_acl("dird.personal.{contact_id}.read")
    def get(self, contact_id: str) -> dict[str, str]:
        """The contact."""
        return self._service.get(contact_id, asker()).as_dict()

    @required_acl("dird.personal.{contact_id}.update")
    def put(self, contact_id: str) -> dict[str, str]:
        """Replace its attributes."""
        return self._service.edit(contact_id, json_body(), asker()).as_dict()

    @required_acl("dird.personal.{contact_id}.delete")
    def delete(self, contact_id: str) -> tuple[str, int]:
        """Remove it."""
        self._service.remove(contact_id, asker())
        return "", 204


class PersonalImportResource(_Resource):
    """Contacts of a CSV file."""

    @required_acl("dird.personal.import.create")
    def post(self) -> tuple[dict[str, Any], int]:
        """Store them; says which lines could not be. With `all_or_nothing`, all or none."""
        imported = self._service.import_csv(*file_body(), asker(), whole=wants_whole())
        return {
            "created": [contact.as_dict() for contact in imported.created],
            "failed": [failure.as_dict() for failure in imported.failed],
        }, 201


class PersonalProfileResource(AuthResource):
    """A person's contacts as a profile's display shows them."""

    def __init__(
        self, service: PersonalService, displays: Mapping[str, Display], favorites: Any = None
    ) -> None:
        self._service = service
        self._displays = displays
        self._favorites = favorites

    @required_acl("dird.directories.personal.{profile}.read")
    def get(self, profile: str) -> dict[str, Any]:
        """The contacts, those that are favourites marked."""
        display = display_of(profile, self._displays)
        who = asker()
        results = self._service.results(who)
        favorites = {} if self._favorites is None else self._favorites.ids(profile, who)
        return {
            "column_headers": display.headers,
            "column_types": display.types,
            "results": [row(result, display, favorites) for result in results],
        }


def _wants_csv() -> bool:
    """A Content-Type decides; only where there is none, the parameter `format` does."""
    if request.headers.get("Content-Type"):
        return bool(request.mimetype == _CSV)
    return request.args.get("format") == _CSV


def _wanted() -> Any:
    """How the contacts are to be searched, sorted and cut; None when nothing is said of it."""
    if not _PAGING & request.args.keys():
        return None
    if request.args.get("limit") == "0":
        raise InvalidError(["limit: a whole number from 1 on is needed, not '0'"])
    return wanted_page(request.args, missing_last=True)


def _csv(text: str) -> Response:
    if not text:
        return Response(status=204)
    return Response(text.encode(), content_type=f"{_CSV}; charset=utf-8")
