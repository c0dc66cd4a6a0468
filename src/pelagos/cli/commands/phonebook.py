"""`pelagos phonebook …`: contacts that many share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import Argument, IntArgument, Operand, ValueArgument
from pelagos.cli.attributes import (
    ATTRIBUTES,
    CHARSET,
    FILE,
    REPLACE,
    WHOLE,
    changed,
    columns_of,
    read_attributes,
    read_table,
    tell_import,
)
from pelagos.cli.command_base import Command
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_FOUND, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.directory.client import Page, PhonebookContacts

_phonebook_commands = CommandTree("phonebook", "Contacts that many share")
_phonebook_commands.add_command("phonebook_contact", "The contacts of a phonebook")

_TENANT = ValueArgument(
    "to whom the phonebooks belong: letters, digits, dot, dash, underscore",
    "--tenant",
    metavar="NAME",
    default="default",
)
_ARGUMENTS: Mapping[str, Argument] = {"tenant": _TENANT}
_BOOK = Operand("name or id of the phonebook", complete="phonebook")
_ID = Operand("id of the contact; `pelagos phonebook show` has it", complete="phonebook-contact")
_COLUMNS = (Column("id"), Column("name"), Column("description"))
_PAGE = 1000
_SEARCH = ValueArgument("only those in which this text occurs", "--search", metavar="TEXT")


def find(context: Context, tenant: str, phonebook: str) -> dict[str, Any]:
    """The phonebook of this name or id; a name that looks like an id is a name first.

    Raises:
        CommandError: there is none.
    """
    known = list(_all(context.directory.phonebooks(tenant).list))
    for key in ("name", "id"):
        for one in known:
            if str(one[key]) == phonebook:
                return one
    near = nearest(phonebook, [str(one["name"]) for one in known])
    raise CommandError(
        f"there is no phonebook {phonebook} of {tenant}",
        hint=f"did you mean {near}?" if near else f"see: pelagos phonebook list --tenant {tenant}",
        code=NOT_FOUND,
    )


def _all(listing: Callable[..., Page], **query: Any) -> Iterator[dict[str, Any]]:
    """All items, page by page."""
    offset = 0
    while True:
        page = listing(limit=_PAGE, offset=offset, **query)
        yield from page.items
        offset += len(page.items)
        if len(page.items) < _PAGE:
            return


class _OfTenant(Command):
    """What the commands share."""

    def _contacts(self, phonebook: str) -> PhonebookContacts:
        found = find(self.context, self["tenant"], phonebook)
        return self.context.directory.phonebooks(self["tenant"]).contacts(found["id"])


@command(_phonebook_commands)
class PhonebookList(Command):
    """List the phonebooks of a tenant."""

    shows = True
    lists = True
    keys = ()
    arguments = {**_ARGUMENTS, "search": _SEARCH}

    def main(self) -> None:
        """Print them."""
        listing = self.context.directory.phonebooks(self["tenant"]).list
        found = list(_all(listing, search=self["search"]))
        empty = "no phonebooks yet; make one: pelagos phonebook add NAME"
        self.context.output.show_list(found, _COLUMNS, empty=empty)


@command(_phonebook_commands)
class PhonebookAdd(Command):
    """Make a phonebook, which lookups then find.

    A fresh plane looks into all phonebooks of the tenant `default`. Those of another tenant, and
    all of them where the directory has settings of its own, need a source of type `phonebook`.
    """

    shows = True
    arguments = {
        **_ARGUMENTS,
        "description": ValueArgument("what is in it", "--description", metavar="TEXT"),
    }
    operands = {"name": Operand("name of the new phonebook")}
    examples = ("pelagos phonebook add suppliers",)

    def main(self, name: str) -> None:
        """Make and print it."""
        books = self.context.directory.phonebooks(self["tenant"])
        self.context.output.show_one(books.create(name, self["description"]), _COLUMNS)


@command(_phonebook_commands)
class PhonebookRemove(Command):
    """Forget a phonebook with all its contacts."""

    arguments = _ARGUMENTS
    operands = {"phonebook": _BOOK}

    def main(self, phonebook: str) -> None:
        """Forget it."""
        found = find(self.context, self["tenant"], phonebook)
        self.context.directory.phonebooks(self["tenant"]).remove(found["id"])
        self.context.say(f"the phonebook {found['name']} is gone")


@command(_phonebook_commands)
class PhonebookRename(Command):
    """Give a phonebook another name; the sources that use it must be told."""

    shows = True
    arguments = _ARGUMENTS
    operands = {"phonebook": _BOOK, "name": Operand("its new name")}

    def main(self, phonebook: str, name: str) -> None:
        """Rename and print it."""
        found = find(self.context, self["tenant"], phonebook)
        books = self.context.directory.phonebooks(self["tenant"])
        changed_book = books.edit(found["id"], name, found.get("description"))
        self.context.output.show_one(changed_book, _COLUMNS)


@command(_phonebook_commands)
class PhonebookShow(_OfTenant):
    """List the contacts of a phonebook."""

    shows = True
    lists = True
    arguments = {
        **_ARGUMENTS,
        "search": _SEARCH,
        "limit": IntArgument("at the most so many", "--limit", least=1),
    }
    operands = {"phonebook": _BOOK}

    def main(self, phonebook: str) -> None:
        """Print them."""
        listing = self._contacts(phonebook).list
        limit = self["limit"]
        if limit and not self.context.output.is_selective:
            found = list(listing(search=self["search"], limit=limit).items)
        else:
            found = list(_all(listing, search=self["search"]))
        columns = columns_of(found)
        self.context.output.show_list(found, columns, empty="no contacts", limit=limit)


@command(_phonebook_commands)
class PhonebookContactAdd(_OfTenant):
    """Add a contact to a phonebook."""

    shows = True
    arguments = _ARGUMENTS
    operands = {"phonebook": _BOOK, "attributes": ATTRIBUTES}
    examples = ("pelagos phonebook contact add suppliers name=Nils number=5550101",)

    def main(self, phonebook: str, *attributes: str) -> None:
        """Add and print it."""
        contact = read_attributes(attributes)
        self.context.output.show_one(self._contacts(phonebook).create(contact))


@command(_phonebook_commands)
class PhonebookContactEdit(_OfTenant):
    """Change attributes of a contact; the others stay. An empty value takes an attribute away."""

    shows = True
    arguments = {**_ARGUMENTS, "replace": REPLACE}
    operands = {"phonebook": _BOOK, "id": _ID, "attributes": ATTRIBUTES}

    def main(self, phonebook: str, id: str, *attributes: str) -> None:  # noqa: A002  # its name there
        """Change and print it."""
        contacts = self._contacts(phonebook)
        contact = changed(contacts.get(id), attributes, replace=self["replace"])
        self.context.output.show_one(contacts.edit(id, contact))


@command(_phonebook_commands)
class PhonebookContactRemove(_OfTenant):
    """Take a contact out of a phonebook."""

    arguments = _ARGUMENTS
    operands = {"phonebook": _BOOK, "id": _ID}

    def main(self, phonebook: str, id: str) -> None:  # noqa: A002  # its name there
        """Take it out."""
        self._contacts(phonebook).remove(id)
        self.context.say(f"{id} is gone")


@command(_phonebook_commands)
class PhonebookImport(_OfTenant):
    """Add the contacts of a CSV file to a phonebook; what is there already stays as it is.

    Lines that cannot be kept are named on stderr, the others are kept; then the exit code is 1.
    With --all-or-nothing none is kept then.
    """

    arguments = {**_ARGUMENTS, "charset": CHARSET, "whole": WHOLE}
    operands = {"phonebook": _BOOK, "file": FILE}
    examples = ("pelagos phonebook import suppliers suppliers.csv",)

    def main(self, phonebook: str, file: str) -> int | None:
        """Import."""
        table = read_table(self.context, file)
        answer = self._contacts(phonebook).import_csv(
            table, self["charset"], all_or_nothing=self["whole"]
        )
        return tell_import(self.context, answer)
