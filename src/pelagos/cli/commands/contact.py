"""`pelagos contact …`: a person's own contacts."""

from __future__ import annotations

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
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
    write_file,
)
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_contact_commands = CommandTree("contact", "Your own contacts, which only you see")

_ID = Operand("id of the contact; `pelagos contact list` shows it", complete="contact")


@command(_contact_commands)
class ContactList(Command):
    """List your own contacts."""

    shows = True
    lists = True

    def main(self) -> None:
        """Print them."""
        found = self.context.directory.personal.list()
        empty = "no contacts yet; make one: pelagos contact add firstname=Ines number=5550199"
        self.context.output.show_list(found, columns_of(found), empty=empty)


@command(_contact_commands)
class ContactShow(Command):
    """Show all attributes of a contact."""

    shows = True
    operands = {"id": _ID}

    def main(self, id: str) -> None:  # noqa: A002  # what it is called in the answer
        """Print it."""
        self.context.output.show_one(self.context.directory.personal.get(id))


@command(_contact_commands)
class ContactAdd(Command):
    """Keep a contact of your own; only you see it."""

    shows = True
    operands = {"attributes": ATTRIBUTES}
    examples = ("pelagos contact add firstname=Ines lastname=Roy number=5550199",)

    def main(self, *attributes: str) -> None:
        """Keep and print it."""
        contact = read_attributes(attributes)
        self.context.output.show_one(self.context.directory.personal.create(contact))


@command(_contact_commands)
class ContactEdit(Command):
    """Change attributes of a contact; the others stay. An empty value takes an attribute away."""

    shows = True
    operands = {"id": _ID, "attributes": ATTRIBUTES}
    arguments = {"replace": REPLACE}
    examples = ("pelagos contact edit ID number=5550200 fax=",)

    def main(self, id: str, *attributes: str) -> None:  # noqa: A002  # what it is called there
        """Change and print it."""
        personal = self.context.directory.personal
        contact = changed(personal.get(id), attributes, replace=self["replace"])
        self.context.output.show_one(personal.edit(id, contact))


@command(_contact_commands)
class ContactRemove(Command):
    """Forget a contact, or all of them."""

    operands = {"id": _ID}
    arguments = {"all": FlagArgument("forget all of your contacts", "--all")}

    def main(self, id: str | None = None) -> None:  # noqa: A002  # what it is called there
        """Forget."""
        if (id is None) is not self["all"]:
            raise UsageError("give the id of a contact, or --all")
        personal = self.context.directory.personal
        if id is None:
            personal.purge()
            self.context.say("all your contacts are gone")
        else:
            personal.remove(id)
            self.context.say(f"{id} is gone")


@command(_contact_commands)
class ContactImport(Command):
    """Keep the contacts of a CSV file; what is there already stays as it is.

    Lines that cannot be kept are named on stderr, the others are kept; then the exit code is 1.
    With --all-or-nothing none is kept then.
    """

    operands = {"file": FILE}
    arguments = {"charset": CHARSET, "whole": WHOLE}
    examples = ("pelagos contact import friends.csv --charset cp1252",)

    def main(self, file: str) -> int | None:
        """Import."""
        table = read_table(self.context, file)
        answer = self.context.directory.personal.import_csv(
            table, self["charset"], all_or_nothing=self["whole"]
        )
        return tell_import(self.context, answer)


@command(_contact_commands)
class ContactExport(Command):
    """Print your contacts as CSV, which `contact import` reads."""

    arguments = {
        "file": ValueArgument("write to this new file", "--file", metavar="FILE", complete="file")
    }

    def main(self) -> None:
        """Print or write."""
        write_file(self.context, self.context.directory.personal.export_csv(), self["file"])
