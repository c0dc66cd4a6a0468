"""`pelagos events`: the log of what happened."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, IntArgument, Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.moment import short
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.terminal import clean
from pelagos.cli.thing import no_such_thing
from pelagos.cli.tree import CommandTree
from pelagos.core.files import write_atomic

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from collections.abc import Iterator

    from pelagos.slap.model import Event

_events_commands = CommandTree("events")

_MOST = 1000
"""Events of one answer; a master gives no more."""

_AWAY = 1.0
"""Seconds between two tries while the master is away."""


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


@command(_events_commands)
class Events(Command):
    """Print what happened, newest last: each change of state, who made it and why."""

    shows = True
    lists = True
    keys = ("pelagos.slap.model:Event",)
    arguments = {
        "number": IntArgument(
            "only the last N that --filter leaves; default 50",
            "-n",
            "--number",
            least=1,
            most=_MOST,
            default=50,
        ),
        "after": IntArgument("the first N with a larger id instead", "--after", metavar="ID"),
        "resume": ValueArgument(
            "go on after the last event that was printed with this file; it is kept there",
            "--resume",
            metavar="FILE",
            complete="file",
        ),
        "follow": FlagArgument("go on printing as more happens, until Ctrl-C", "-f", "--follow"),
    }
    operands = {"subject": Operand("only of this service, computer or release", complete="thing")}
    examples = ("pelagos events hello --follow",)

    def main(self, subject: str | None = None) -> None:
        """Print them."""
        if self["follow"] and self["sorting"]:
            raise UsageError("events: --follow and --sort exclude each other")
        if self["follow"]:
            self.context.output.live()
        if subject and "://" not in subject and Path(subject).expanduser().is_file():
            subject = str(Path(subject).expanduser().absolute())  # a release, by its path
        bookmark = Path(self["resume"]).expanduser() if self["resume"] else None
        found, newest = self._chosen(self._start(bookmark), subject)
        if subject and not found and not self["follow"]:  # what is followed may come yet
            self._check(subject)
        if found or not self["follow"]:
            self.context.output.show_list(
                found, columns(self.context.clock.time()), empty="nothing happened yet"
            )
        self.context.stdout.flush()
        _keep(bookmark, newest)
        if self["follow"]:
            self._follow(subject, newest, bookmark)

    def _start(self, bookmark: Path | None) -> int:
        """After which event to begin; negative asks for so many of the newest."""
        if bookmark is not None and self["after"] is not None:
            raise UsageError("events: --after and --resume exclude each other")
        if self["after"] is not None:
            return int(self["after"])
        known = None if bookmark is None else _kept(bookmark)
        return -self["number"] if known is None else known

    def _chosen(self, after: int, subject: str | None) -> tuple[list[Event], int]:
        """What is to be printed, and the last id looked at; -n counts what --filter leaves."""
        number = self["number"]
        if not self.context.output.is_selective:
            found = self.context.master.events(after=after, subject=subject, limit=number)
            return found, found[-1].id if found else max(after, 0)
        if after >= 0:
            return self._first(after, subject)
        page = self.context.master.events(after=-_MOST, subject=subject, limit=_MOST)
        fit = list(filter(self._admits, page))
        if len(fit) < number and len(page) == _MOST:
            older = takewhile(lambda one: one.id < page[0].id, self._pages(0, subject))
            fit = [*filter(self._admits, older), *fit]
        return fit[-number:], page[-1].id if page else 0

    def _first(self, after: int, subject: str | None) -> tuple[list[Event], int]:
        found: list[Event] = []
        for event in self._pages(after, subject):
            after = event.id
            if self._admits(event):
                found.append(event)
            if len(found) == self["number"]:
                break
        return found, after

    def _pages(self, after: int, subject: str | None) -> Iterator[Event]:
        """All events after one, oldest first."""
        while page := self.context.master.events(after=after, subject=subject, limit=_MOST):
            yield from page
            after = page[-1].id

    def _admits(self, event: Event) -> bool:
        return self.context.output.admits(event, columns(self.context.clock.time()))

    def _check(self, subject: str) -> None:
        """Pass, when the master knows the thing, of which it has no event."""
        from pelagos.slap.errors import NotFoundError

        try:
            self.context.master.explain(subject)
        except NotFoundError as error:
            raise no_such_thing(self.context.master, subject) from error

    def _follow(self, subject: str | None, newest: int, bookmark: Path | None) -> None:
        from pelagos.slap.errors import MasterUnreachable

        is_away = False
        while True:
            started = self.context.clock.monotonic()
            try:
                found = self.context.master.events(after=newest, subject=subject, wait=25.0)
            except MasterUnreachable as error:
                if not is_away:
                    self.context.say(f"{error.message}; trying again")
                is_away = True
                self.context.clock.sleep(_AWAY)
                continue
            is_away = False
            for event in found:
                self._print(event)
                newest = event.id
                _keep(bookmark, newest)
            # A master that is too busy to hold a wait answers at once.
            self.context.clock.sleep(0.1 - (self.context.clock.monotonic() - started))

    def _print(self, event: Event) -> None:
        if not self._admits(event):
            return
        if self.context.output.is_table:
            moment = short(event.at, self.context.clock.time())
            words = (str(event.id), moment, event.kind, event.reference or event.subject)
            text = clean(" ".join((*words, event.cause.message)).rstrip())
            self.context.stdout.write(text + "\n")
        else:
            self.context.output.show_item(event)
        self.context.stdout.flush()


def _kept(bookmark: Path) -> int | None:
    """The event that a file remembers, None when there is no file yet."""
    try:
        return int(bookmark.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it does not hold the number of an event"
        raise UsageError(
            f"--resume: cannot read {bookmark}: {reason}", hint="name another file, or remove it"
        ) from error


def _keep(bookmark: Path | None, newest: int) -> None:
    if bookmark is None:
        return
    try:
        write_atomic(bookmark, f"{newest}\n", mode=0o600, durable=False)
    except OSError as error:
        raise CommandError(f"--resume: cannot write {bookmark}: {error.strerror}") from error
