"""`pelagos events`: the log of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, IntArgument, Operand
from pelagos.cli.command import Command
from pelagos.cli.moment import local
from pelagos.cli.output import Column
from pelagos.cli.terminal import clean

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import Event

COLUMNS = (
    Column("id"),
    Column("at", "time", local),
    Column("kind"),
    Column("reference", "name"),
    Column("actor", "by"),
    Column("cause.message", "cause"),
)

_PAGE = 1000


class Events(Command):
    """Print what happened, newest last: each change of state, who made it and why."""

    shows = True
    arguments = {
        "number": IntArgument(
            "only the last N; default 50", "-n", "--number", least=1, default=50
        ),
        "after": IntArgument("only those with a larger id", "--after", default=0, metavar="ID"),
        "follow": FlagArgument("go on printing as more happens, until Ctrl-C", "-f", "--follow"),
    }
    operands = {
        "subject": Operand("only of this service, computer or release", complete="service")
    }

    def main(self, subject: str | None = None) -> None:
        """Print them."""
        key = self._subject(subject) if subject else None
        newest = self["after"]
        found: list[Event] = []
        while page := self.context.master.events(after=newest, subject=key, limit=_PAGE):
            found = [*found, *page][-self["number"] :]
            newest = page[-1].id
        if found or not self["follow"]:
            self.context.output.show_list(found, COLUMNS, empty="nothing happened yet")
        self.context.stdout.flush()
        while self["follow"]:
            for event in self.context.master.events(after=newest, subject=key, wait=25.0):
                newest = event.id
                self._print(event)

    def _subject(self, name: str) -> str:
        """The subject that the log knows a service by is its guid."""
        from pelagos.slap.errors import NotFoundError

        try:
            return self.context.master.service(name).guid
        except NotFoundError:
            return name

    def _print(self, event: Event) -> None:
        if self.context.output.is_table:
            words = (local(event.at), event.kind, event.reference or event.subject)
            text = clean(" ".join((*words, event.cause.message)).rstrip())
            self.context.stdout.write(text + "\n")
        else:
            self.context.output.show_one(event)
        self.context.stdout.flush()
