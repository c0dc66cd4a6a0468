"""`pelagos bus dead …`: the messages that could not be handled, and what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    Operand,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.bus import BUS, find_bus, patience, told
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.cli.moment import clock_and_ago, short
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.cli.values import flat

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from collections.abc import Callable

    from pelagos.messaging.dead.letters import DeadLetter, DeadLetters

_bus_commands = CommandTree("bus")
_bus_commands.add_command("bus_dead", "Messages that could not be handled")

T = TypeVar("T")

_WHERE = ValueArgument(
    "queue of the dead letters; default: pelagos.dead",
    "--dead-letters",
    metavar="QUEUE",
    complete="dead-queue",
)
_TIMEOUT = SecondsArgument(
    "wait for the broker at each step; default 10 s", "--timeout", default=10.0
)
_PLACE = {"bus": BUS, "dead_letters": _WHERE, "timeout": _TIMEOUT}
_LETTERS = {"letters": Operand("ids of dead letters, or their beginnings", complete="dead-letter")}
_ALL = FlagArgument("all that are there", "--all")
_FORCE = FlagArgument("messages that did not die, too", "--force")
_NAMED = 5
"""Letters that are named before they are forgotten."""


@command(_bus_commands, path="bus dead list")
class DeadList(Command):
    """List the dead letters, oldest first: what died where, and why."""

    shows = True
    lists = True
    keys = ("died", "exchange", "key", "handler", "message_id", "body")
    arguments = {
        **_PLACE,
        "number": IntArgument(
            "only the first N; default 1000", "-n", "--number", least=1, default=1000
        ),
    }
    examples = ("pelagos bus dead list",)

    def main(self) -> None:
        """List them."""
        now = self.context.clock.time()
        columns = (
            Column("id"),
            Column("died", "died", lambda at: short(at, now) if at else ""),
            Column("queue"),
            Column("name"),
            Column("attempts"),
            Column("cause"),
        )
        output, number = self.context.output, self["number"]
        # What is not looked at cannot be sorted or left out.
        found = _letters(self).list(None if output.is_selective else number)
        _check_named(self, found)
        rows = map(as_data, found)
        output.show_list(list(rows), columns, empty="there are no dead letters", limit=number)


@command(_bus_commands, path="bus dead show")
class DeadShow(Command):
    """Show a dead letter with all that it says, and how it died."""

    shows = True
    arguments = _PLACE
    operands = {"letter": Operand("id of a dead letter, or its beginning", complete="dead-letter")}
    examples = ("pelagos bus dead show 1f3a",)

    def main(self, letter: str) -> None:
        """Show it."""
        now = self.context.clock.time()
        died = Column("died", show=lambda at: clock_and_ago(at, now) if at else "")
        found = _looked_up(lambda: _letters(self).show(letter))
        data = as_data(found)
        if _counts(self):
            data = _with_empty(data)
        self.context.output.show_one(data, (Column("id"), died, Column("cause")))


@command(_bus_commands, path="bus dead retry")
class DeadRetry(Command):
    """Send dead letters back to the queues where they died: as if never tried.

    A letter leaves the dead letters when its queue has it. A message that did not die is refused:
    it may be work in a queue that was named by mistake.
    """

    shows = True
    arguments = {
        **_PLACE,
        "all": _ALL,
        "to": ValueArgument("to this queue instead", "--to", metavar="QUEUE", complete="died-in"),
        "force": _FORCE,
    }
    operands = _LETTERS
    examples = ("pelagos bus dead retry 1f3a 77c0", "pelagos bus dead retry --all")

    def main(self, *letters: str) -> None:
        """Send them."""
        chosen = _chosen(self, letters)
        send = _letters(self).retry
        done = _looked_up(lambda: send(*chosen, to=self["to"], before=self._before))
        _tell(self, "sent back", done)

    def _before(self, found: list[DeadLetter]) -> None:
        """Send no work away.

        Raises:
            UsageError: some of it did not die.
        """
        if not self["force"]:
            _check_dead(found, "send them, too: --force")


@command(_bus_commands, path="bus dead drop")
class DeadDrop(Command):
    """Forget dead letters for good; with an output such as `-o json` they are printed a last time.

    What cannot be printed stays. A message that did not die is refused: it may be work in a queue
    that was named by mistake.
    """

    shows = True
    arguments = {
        **_PLACE,
        "all": _ALL,
        "yes": FlagArgument("really", "--yes"),
        "force": _FORCE,
    }
    operands = _LETTERS
    examples = (
        "pelagos bus dead drop 1f3a --yes",
        "pelagos bus dead drop --all --yes -o json > dead.json",
    )

    def main(self, *letters: str) -> None:
        """Forget them."""
        chosen = _chosen(self, letters)
        done = _looked_up(lambda: _letters(self).drop(*chosen, before=self._before))
        if _counts(self):
            _tell(self, "dropped", done)
        else:
            _check_named(self, done)

    def _before(self, found: list[DeadLetter]) -> None:
        """Print them a last time where that is wanted.

        Raises:
            UsageError: they are to stay.
        """
        if not self["force"]:
            _check_dead(found, "forget them, too: --force --yes")
        if found and not self["yes"]:
            some = ", ".join(one.id for one in found[:_NAMED]) + ", …" * (len(found) > _NAMED)
            raise UsageError(
                f"{_count(found)} would be forgotten for good: {some}",
                hint="with --yes it is done",
            )
        if not _counts(self):
            _print(self, found)
            self.context.stdout.flush()


def as_data(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of a dead letter."""
    body = _read(letter.body)
    is_message = isinstance(body, dict)
    return {
        "id": letter.id,
        "died": letter.died,
        "queue": letter.queue,
        "exchange": letter.exchange,
        "key": letter.key,
        "name": str(body.get("name", "")) if is_message else "",
        "handler": letter.handler,
        "attempts": letter.attempts,
        "cause": letter.cause,
        "message_id": letter.properties.message_id,
        "body": body,
    }


def _with_empty(data: dict[str, Any]) -> dict[str, Any]:
    """The same for a table, which leaves out what is empty; in a body that may be why it died."""
    body = {
        key: value if value not in (None, "", [], {}) else json.dumps(value)
        for key, value in flat({"body": data["body"]})
    }
    return {key: value for key, value in data.items() if key != "body"} | body


def _died(letter: DeadLetter) -> bool:
    """Whether a consumer or the broker has put it among the dead letters."""
    from pelagos.messaging.dead.again import CAUSE, DIED, LETTER

    return not letter.properties.headers.keys().isdisjoint((CAUSE, DIED, LETTER, "x-death"))


def _check_dead(letters: list[DeadLetter], otherwise: str) -> None:
    """Nothing is touched that is no dead letter.

    Raises:
        UsageError: something is not.
    """
    alive = [one for one in letters if not _died(one)]
    if alive:
        raise UsageError(
            f"{len(alive)} of {_count(letters)} did not die, and may be work",
            hint=f"name the queue of the dead letters, or {otherwise}",
        )


def _count(letters: list[DeadLetter]) -> str:
    return f"{len(letters)} message" + "s" * (len(letters) != 1)


def _read(body: bytes) -> Any:
    from pelagos.core import wire

    try:
        return wire.decode(body)
    except wire.WireError:
        return body.decode("utf-8", "backslashreplace")


def _check(letters: DeadLetters) -> None:
    """The queue is there that a person named; the usual one comes with the first letter.

    Raises:
        CommandError: it is not.
    """
    from pelagos.messaging import TopologyError
    from pelagos.messaging.transports.base import Queue

    connection = letters.bus.open(letters.timeout)
    try:
        connection.declare_queue(Queue(letters.queue, passive=True))
    except TopologyError as error:
        raise told(error, f"queue {letters.queue}") from error
    finally:
        connection.close()


def _letters(command: Command) -> DeadLetters:
    from pelagos.messaging.dead.letters import DeadLetters

    bus, queue = find_bus(command), command["dead_letters"]
    timeout = patience(command)
    return DeadLetters(bus, queue, timeout=timeout) if queue else DeadLetters(bus, timeout=timeout)


def _chosen(command: Command, letters: tuple[str, ...]) -> tuple[str, ...]:
    if bool(letters) == command["all"]:
        raise UsageError(
            "name the dead letters, or give --all" + " alone" * command["all"],
            hint="list them: pelagos bus dead list",
        )
    return letters


def _looked_up(find: Callable[[], T]) -> T:
    """What is found; an id that nobody knows ends with the code of what is not there."""
    from pelagos.messaging import MessagingError

    try:
        return find()
    except MessagingError as error:
        if type(error) is not MessagingError:  # of the broker
            raise
        raise CommandError(error.message, hint=error.hint, code=NOT_FOUND) from error


def _tell(command: Command, done: str, letters: list[DeadLetter]) -> None:
    _check_named(command, letters)
    if _counts(command):
        command.context.output.line(f"{done}: {len(letters)}")
    else:
        _print(command, letters)


def _counts(command: Command) -> bool:
    """Whether their number is told, and not they."""
    return command.context.output.is_table and command["columns"] is None


def _print(command: Command, letters: list[DeadLetter]) -> None:
    columns = (Column("id"), Column("queue"), Column("name"), Column("cause"))
    command.context.output.show_list([as_data(letter) for letter in letters], columns)


def _check_named(command: Command, found: list[DeadLetter]) -> None:
    if not found and command["dead_letters"]:
        _check(_letters(command))
