"""`pelagos events`: the log of what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, IntArgument, Operand
from pelagos.cli.command import Command
from pelagos.cli.moment import short
from pelagos.cli.output import Column
from pelagos.cli.terminal import clean
from pelagos.cli.thing import no_such_thing

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import Event

_MOST = 1000
"""Events of one answer; a master gives no more."""


def columns(now: float) -> tuple[Column, ...]:
    """How a table words events."""
    return (
        Column("id"),
        Column("at", "time", lambda at: short(at, now)),
        Column("kind"),
        Column("reference", "name"),
        Column("cause.message", "cause"),
        Column("actor", "by"),
    )


class Events(Command):
    """Print what happened, newest last: each change of state, who made it and why."""

    shows = True
    arguments = {
        "number": IntArgument(
            "only the last N; default 50", "-n", "--number", least=1, most=_MOST, default=50
        ),
        "after": IntArgument("the first N with a larger id instead", "--after", metavar="ID"),
        "follow": FlagArgument("go on printing as more happens, until Ctrl-C", "-f", "--follow"),
    }
    operands = {"subject": Operand("only of this service, computer or release", complete="thing")}
    examples = ("pelagos events hello --follow",)

    def main(self, subject: str | None = None) -> None:
        """Print them."""
        if subject and "://" not in subject and Path(subject).expanduser().is_file():
            subject = str(Path(subject).expanduser().absolute())  # a release, by its path
        after = -self["number"] if self["after"] is None else self["after"]
        found = self.context.master.events(after=after, subject=subject, limit=self["number"])
        if subject and not found and not self["follow"]:  # what is followed may come yet
            self._check(subject)
        if found or not self["follow"]:
            self.context.output.show_list(
                found, columns(self.context.clock.time()), empty="nothing happened yet"
            )
        self.context.stdout.flush()
        if self["follow"]:
            self._follow(subject, found[-1].id if found else max(after, 0))

    def _check(self, subject: str) -> None:
        """Pass, when the master knows the thing, of which it has no event."""
        from pelagos.slap.errors import NotFoundError

        try:
            self.context.master.explain(subject)
        except NotFoundError as error:
            raise no_such_thing(self.context.master, subject) from error

    def _follow(self, subject: str | None, newest: int) -> None:
        while True:
            started = self.context.clock.monotonic()
            for event in self.context.master.events(after=newest, subject=subject, wait=25.0):
                newest = event.id
                self._print(event)
            # A master that is too busy to hold a wait answers at once.
            self.context.clock.sleep(0.1 - (self.context.clock.monotonic() - started))

    def _print(self, event: Event) -> None:
        if self.context.output.is_table:
            moment = short(event.at, self.context.clock.time())
            words = (str(event.id), moment, event.kind, event.reference or event.subject)
            text = clean(" ".join((*words, event.cause.message)).rstrip())
            self.context.stdout.write(text + "\n")
        else:
            self.context.output.show_one(event)
        self.context.stdout.flush()
