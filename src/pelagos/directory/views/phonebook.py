"""View `phonebook_view`: the phonebooks of tenants, their contacts, and imports of CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import request

from pelagos.directory.services.phonebook import PhonebookService
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, required_acl
from pelagos.directory.views.stored import file_body, json_body, wanted_page, wants_whole

_RULE = "/tenants/<tenant>/phonebooks"
_RIGHT = "dird.tenants.{tenant}.phonebooks"
_BOOK = _RIGHT + ".{phonebook_id}"
_CONTACT = _BOOK + ".contacts.{contact_uuid}"


class PhonebookView(BaseViewPlugin):
    """`/0.1/tenants/<tenant>/phonebooks` and what is below it."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes.

        Raises:
            KeyError: the service `phonebook` is not there.
        """
        needs = {"service": args["services"]["phonebook"]}
        book = f"{_RULE}/<int:phonebook_id>"
        for resource, rule in (
            (PhonebooksResource, _RULE),
            (PhonebookResource, book),
            (ContactsResource, f"{book}/contacts"),
            (ContactResource, f"{book}/contacts/<contact_uuid>"),
            (ImportResource, f"{book}/contacts/import"),
        ):
            args["rest_api"].add_resource(resource, rule, resource_class_kwargs=needs)


class _Resource(AuthResource):
    def __init__(self, service: PhonebookService) -> None:
        self._service = service


class PhonebooksResource(_Resource):
    """The phonebooks of a tenant."""

    @required_acl(_RIGHT + ".read")
    def get(self, tenant: str) -> dict[str, Any]:
        """Some of them; `total` counts those in which the search occurs."""
        books = self._service.list(tenant, wanted_page(request.args))
        return {"items": [asdict(book) for book in books.items], "total": books.total}

    @required_acl(_RIGHT + ".create")
    def post(self, tenant: str) -> tuple[dict[str, Any], int]:
        """Make one."""
        return asdict(self._service.create(tenant, json_body())), 201


class PhonebookResource(_Resource):
    """One phonebook."""

    @required_acl(_BOOK + ".read")
    def get(self, tenant: str, phonebook_id: int) -> dict[str, Any]:
        """Its name and description."""
        return asdict(self._service.get(tenant, phonebook_id))

    @required_acl(_BOOK + ".update")
    def put(self, tenant: str, phonebook_id: int) -> dict[str, Any]:
        """Change both."""
        self._service.get(tenant, phonebook_id)
        return asdict(self._service.edit(tenant, phonebook_id, json_body()))

    @required_acl(_BOOK + ".delete")
    def delete(self, tenant: str, phonebook_id: int) -> tuple[str, int]:
        """Remove it with all its contacts."""
        self._service.remove(tenant, phonebook_id)
        return "", 204


class ContactsResource(_Resource):
    """The contacts of a phonebook."""

    @required_acl(_BOOK + ".contacts.read")
    def get(self, tenant: str, phonebook_id: int) -> dict[str, Any]:
        """Some of them; `total` counts those in which the search occurs."""
        page = self._service.contacts(tenant, phonebook_id, wanted_page(request.args))
        return {"items": [contact.as_dict() for contact in page.items], "total": page.total}

    @required_acl(_BOOK + ".contacts.create")
    def post(self, tenant: str, phonebook_id: int) -> tuple[dict[str, str], int]:
        """Store one."""
        body = json_body()
        return self._service.create_contact(tenant, phonebook_id, body).as_dict(), 201


class ContactResource(_Resource):
    """One contact of a phonebook."""

    @required_acl(_CONTACT + ".read")
    def get(self, tenant: str, phonebook_id: int, contact_uuid: str) -> dict[str, str]:
        """The contact."""
        return self._service.get_contact(tenant, phonebook_id, contact_uuid).as_dict()

    @required_acl(_CONTACT + ".update")
    def put(self, tenant: str, phonebook_id: int, contact_uuid: str) -> dict[str, str]:
        """Replace its attributes."""
        body = json_body()
        return self._service.edit_contact(tenant, phonebook_id, contact_uuid, body).as_dict()

    @required_acl(_CONTACT + ".delete")
    def delete(self, tenant: str, phonebook_id: int, contact_uuid: str) -> tuple[str, int]:
        """Remove it."""
        self._service.remove_contact(tenant, phonebook_id, contact_uuid)
        return "", 204


class ImportResource(_Resource):
    """Contacts of a CSV file."""

    @required_acl(_BOOK + ".contacts.create")
    def post(self, tenant: str, phonebook_id: int) -> tuple[dict[str, Any], int]:
        """Store them; says which rows could not be, and why. `all_or_nothing`: all or none."""
        imported = self._service.import_csv(
            tenant, phonebook_id, *file_body(), whole=wants_whole()
        )
        return {
            "created": [contact.as_dict() for contact in imported.created],
            "failed": [dict(failure.values) for failure in imported.failed],
            "errors": [failure.as_dict() for failure in imported.failed],
        }, 200
