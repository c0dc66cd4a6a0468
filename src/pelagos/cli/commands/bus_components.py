"""`pelagos bus ping` and `components`: who is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import IntArgument, Operand, SecondsArgument
from pelagos.cli.bus import A_COMPONENT, BUS, COMPONENTS, check_length, existing, patience
from pelagos.cli.command_base import Command
from pelagos.cli.commands.bus import gather, open_producer
from pelagos.cli.failures import NOT_FOUND, NOT_READY, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_bus_commands = CommandTree("bus")

_EVERYBODY = "@"
_MOST = 10_000
_MISSING = 404
_ADDRESS = Operand("NAME, NAME@HOST, NAME/rr, NAME#GROUP, PID@HOST or @HOST")


@command(_bus_commands)
class BusPing(Command):
    """Ask components whether they are there, and print who answers.

    Ends with 3 when nobody answers in time.
    """

    shows = True
    lists = True
    keys = ()
    arguments = {
        "bus": BUS,
        "timeout": SecondsArgument("wait for answers; default 2 s", "--timeout", default=2.0),
        "number": IntArgument(
            "end after N answers; default 1", "-n", "--number", least=1, default=1
        ),
    }
    operands = {"address": _ADDRESS}
    examples = ("pelagos bus ping resizer", "pelagos bus ping resizer@sea -n 3")

    def main(self, address: str) -> None:
        """Ask and print."""
        began = self.context.clock.monotonic()
        found = _present(self, address, self["number"])
        elapsed_ms = (self.context.clock.monotonic() - began) * 1000
        if not found:
            raise CommandError(
                f"nobody answers at {address} within {patience(self):g} s",
                hint="see who is there: pelagos bus components",
                code=NOT_READY,
            )
        _show(self, found)
        self.context.say(f"{len(found)} answered within {elapsed_ms:.1f} ms")


@command(_bus_commands)
class BusComponents(Command):
    """List the components that are there, by their fingerprints.

    Every component that is derived from GenericApplication answers. Those that are busy with a
    message answer when it is done, and may be missed.
    """

    shows = True
    lists = True
    keys = ()
    arguments = {
        "bus": BUS,
        "timeout": SecondsArgument("wait for answers; default 2 s", "--timeout", default=2.0),
    }
    operands = {"address": _ADDRESS}
    examples = ("pelagos bus components", "pelagos bus components @sea -o json")

    def main(self, address: str = _EVERYBODY) -> None:
        """List them."""
        _show(self, _present(self, address, _MOST))


def _present(command: Command, address: str, wanted: int) -> list[Mapping[str, Any]]:
    """The fingerprints of who answers, in the order of names and hosts."""
    from pelagos.messaging import MessagingError, RpcCommand, TopologyError

    check_length("ADDRESS", address)
    answers: list[Any] = []
    with open_producer(command) as producer:
        pair = (existing(COMPONENTS), address)
        try:
            gather(producer, RpcCommand("ping"), pair, wanted, patience(command), answers.append)
        except TopologyError as error:
            if error.code != _MISSING:
                raise
            raise CommandError(
                "there are no components on this bus, and never were",
                hint=A_COMPONENT,
                code=NOT_FOUND,
            ) from error
        except MessagingError as error:
            if not answers:
                raise
            command.context.say(f"not all could answer: {error.message}")
    found = [one for body in answers if (one := _fingerprint(body))]
    return sorted(found, key=lambda one: [str(one.get(key)) for key in ("name", "host", "pid")])


def _fingerprint(body: Any) -> Mapping[str, Any]:
    """Whom an answer to a ping is from; empty when it is no answer."""
    body = body if isinstance(body, Mapping) else {}
    content = body.get("content")
    value = content.get("value") if isinstance(content, Mapping) else None
    who = value if isinstance(value, Mapping) else body.get("fingerprint")
    return who if isinstance(who, Mapping) else {}


def _fact(value: Any) -> str:
    """A part of a fingerprint; a missing one is the word None on the wire."""
    return "" if value in (None, "None") else str(value)


def _show(command: Command, found: list[Mapping[str, Any]]) -> None:
    columns = [Column(key, show=_fact) for key in ("name", "type", "host", "pid", "user", "vhost")]
    command.context.output.show_list(found, columns, empty="nobody answered")
