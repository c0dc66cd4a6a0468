"""Contacts that are kept in the directory: a person's own, and those of phonebooks."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from pelagos.directory.client.answers import ImportAnswer, Page, RefusedLine
from pelagos.directory.client.exchange import Exchange, path_of

Contact = dict[str, Any]


class _Items(TypedDict):
    items: list[Contact]


class _Imported(TypedDict):
    created: list[Contact]
    failed: list[Contact]
    errors: NotRequired[list[RefusedLine]]  # not of the ancestor


class PersonalContacts:
    """The contacts of the person whose token it is: any attributes, all texts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def list(self) -> builtins.list[Contact]:
        """All of them, each with its `id`."""
        return self._exchange.ask("GET", path_of("personal"), _Items)["items"]

    def get(self, contact_id: str) -> Contact:
        """One of them."""
        return self._exchange.ask("GET", path_of("personal", contact_id), Contact)

    def create(self, contact: Mapping[str, str]) -> Contact:
        """Keep a contact; it comes back with its id.

        Raises:
            RequestError: with status 409, when there is the same already.
        """
        return self._exchange.ask("POST", path_of("personal"), Contact, json=dict(contact))

    def edit(self, contact_id: str, contact: Mapping[str, str]) -> Contact:
        """Replace all attributes of a contact."""
        path = path_of("personal", contact_id)
        return self._exchange.ask("PUT", path, Contact, json=dict(contact))

    def remove(self, contact_id: str) -> None:
        """Forget a contact."""
        self._exchange.send("DELETE", path_of("personal", contact_id))

    def purge(self) -> None:
        """Forget all of them."""
        self._exchange.send("DELETE", path_of("personal"))

    def import_csv(
        self, table: bytes, charset: str = "utf-8", *, all_or_nothing: bool = False
    ) -> ImportAnswer:
        """Keep the rows of a CSV file with a header line.

        Args:
            all_or_nothing: whether to keep none when one cannot be.

        Raises:
            BadTermError: not one was kept; says why, with the numbers of the lines.
        """
        path = path_of("personal", "import")
        headers = {"Content-Type": f"text/csv; charset={charset}"}
        params = _whole(all_or_nothing)
        return self._exchange.ask(
            "POST", path, ImportAnswer, body=table, headers=headers, params=params
        )

    def export_csv(self) -> str:
        """All of them as CSV (UTF-8, comma, CRLF); empty when there are none."""
        return self._exchange.send("GET", path_of("personal"), params={"format": "text/csv"}).text


class Phonebooks:
    """The phonebooks of one tenant."""

    def __init__(self, exchange: Exchange, tenant: str) -> None:
        self._exchange = exchange
        self._base = ("tenants", tenant, "phonebooks")

    def list(self, **query: Any) -> Page:
        """Some of them.

        Args:
            query: search, order, direction, limit, offset.
        """
        return self._exchange.ask("GET", path_of(*self._base), Page, params=query)

    def get(self, phonebook_id: int) -> Contact:
        """One of them."""
        return self._exchange.ask("GET", self._path(phonebook_id), Contact)

    def create(self, name: str, description: str | None = None) -> Contact:
        """A new one; it comes back with its id."""
        body = {"name": name, "description": description}
        return self._exchange.ask("POST", path_of(*self._base), Contact, json=body)

    def edit(self, phonebook_id: int, name: str, description: str | None = None) -> Contact:
        """Give it another name and description."""
        body = {"name": name, "description": description}
        return self._exchange.ask("PUT", self._path(phonebook_id), Contact, json=body)

    def remove(self, phonebook_id: int) -> None:
        """Forget it with all its contacts."""
        self._exchange.send("DELETE", self._path(phonebook_id))

    def contacts(self, phonebook_id: int) -> PhonebookContacts:
        """The contacts of one of them."""
        return PhonebookContacts(self._exchange, (*self._base, str(phonebook_id), "contacts"))

    def _path(self, phonebook_id: int) -> str:
        return path_of(*self._base, str(phonebook_id))


class PhonebookContacts:
    """The contacts of one phonebook: any attributes."""

    def __init__(self, exchange: Exchange, base: tuple[str, ...]) -> None:
        self._exchange = exchange
        self._base = base

    def list(self, **query: Any) -> Page:
        """Some of them.

        Args:
            query: search, order, direction, limit, offset.
        """
        return self._exchange.ask("GET", path_of(*self._base), Page, params=query)

    def get(self, contact_id: str) -> Contact:
        """One of them."""
        return self._exchange.ask("GET", path_of(*self._base, contact_id), Contact)

    def create(self, contact: Mapping[str, Any]) -> Contact:
        """Keep a contact; it comes back with its id."""
        return self._exchange.ask("POST", path_of(*self._base), Contact, json=dict(contact))

    def edit(self, contact_id: str, contact: Mapping[str, Any]) -> Contact:
        """Replace all attributes of a contact."""
        path = path_of(*self._base, contact_id)
        return self._exchange.ask("PUT", path, Contact, json=dict(contact))

    def remove(self, contact_id: str) -> None:
        """Forget a contact."""
        self._exchange.send("DELETE", path_of(*self._base, contact_id))

    def import_csv(
        self, table: bytes, charset: str = "utf-8", *, all_or_nothing: bool = False
    ) -> ImportAnswer:
        """Keep the rows of a CSV file with a header line.

        Args:
            all_or_nothing: whether to keep none when one cannot be.

        Raises:
            BadTermError: not one was kept; says why, with the numbers of the lines.
        """
        path = path_of(*self._base, "import")
        headers = {"Content-Type": f"text/csv; charset={charset}"}
        params = _whole(all_or_nothing)
        found = self._exchange.ask(
            "POST", path, _Imported, body=table, headers=headers, params=params
        )
        failed = found.get("errors") or [RefusedLine(contact=row) for row in found["failed"]]
        return ImportAnswer(tuple(found["created"]), tuple(failed))


def _whole(all_or_nothing: bool) -> dict[str, str]:
    return {"all_or_nothing": "true"} if all_or_nothing else {}
