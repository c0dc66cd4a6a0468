"""What the commands `pelagos bus …` share: which bus, where to, what a message says."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from pelagos.cli.argument import KeyValueArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from typing import TextIO

    from pelagos.messaging import Exchange, Transport

COMPONENTS = "generic-application-exchange"
"""The exchange over which components are reached by their addresses."""

LEAST = 0.1
"""Seconds that `--timeout 0` stands for: in none at all no broker is reached, not even one that
runs and is near, and the command would say that it does not answer."""

A_COMPONENT = "a component is a class derived from GenericApplication: pelagos bus run"

_LONGEST = 255
"""Bytes of a name or a key in AMQP."""


class BusArgument(ValueArgument):
    """The URL of a bus."""

    def parse_one(self, text: str) -> Any:
        """The URL; an empty one is that of a variable which is not set."""
        if not text.strip():
            raise UsageError(f"{self.name} is empty", hint="leave it out, or give a URL: amqp://…")
        return super().parse_one(text)


BUS = BusArgument(
    "message bus: amqp://…; default: PELAGOS_BUS, bus.url, or the plane's own",
    "--bus",
    metavar="URL",
)

WHERE = {
    "exchange": ValueArgument(
        "exchange to send to; it must exist", "--exchange", metavar="NAME", may_be_empty=True
    ),
    "key": ValueArgument("routing key", "--key", default=""),
    "to": ValueArgument(
        "component instead: NAME, NAME@HOST, NAME/rr, NAME#GROUP, PID@HOST or @HOST",
        "--to",
        metavar="ADDRESS",
    ),
    "queue": ValueArgument("queue instead, past all exchanges", "--queue", metavar="NAME"),
}
"""Options that say where a message goes."""

WAYS = ["exchange", "to", "queue"]
"""Those of which one must be given."""

WHAT = {
    "param": KeyValueArgument("a parameter; its value is text", "--param"),
    "json": ValueArgument(
        "all parameters as JSON; - reads them from stdin", "--json", metavar="JSON"
    ),
}
"""Options that say what a message holds."""


def find_bus(command: Command) -> Transport:
    """The bus of --bus, PELAGOS_BUS, the configuration or the plane's own broker.

    Raises:
        UsageError: its URL cannot be used, or nobody but this command would be on it.
    """
    bus = shared_bus(bus_url(command))
    if command["verbose"]:
        from pelagos.cli.bus_told import ToldTransport

        return cast("Transport", ToldTransport(bus))
    return bus


def shared_bus(url: str) -> Transport:
    """The bus of a URL, on which there can be others.

    Raises:
        BusUrlError: the URL cannot be used.
        UsageError: nobody but this process would be on it.
    """
    from pelagos.messaging import connect

    bus = connect(url)
    if not bus.capabilities.crosses_processes:
        raise UsageError(
            f"the bus {bus.url} is inside one process: nobody else is on it",
            hint="name a broker: --bus amqp://USER:PASSWORD@HOST:PORT/VHOST, or set bus.url\n"
            "start one for this computer: pelagos bus broker",
        )
    return bus


def bus_url(command: Command) -> str:
    """The URL of the bus that is meant; `memory:` when nothing else is known."""
    from pelagos.messaging.environment import BUS_VARIABLE
    from pelagos.plane import bus
    from pelagos.plane.sections import BusConfig

    context = command.context
    named: str = command["bus"] or context.environ.get(BUS_VARIABLE, "")
    return named or bus.bus_url(context.config.of(BusConfig), context.data)


def existing(name: str) -> type[Exchange]:
    """An exchange as it is on the broker: only looked for, never made."""
    from pelagos.messaging import Exchange

    return type("Existing", (Exchange,), {"name": name, "passive": True})


def destination(command: Command) -> tuple[type[Exchange], str]:
    """Where --exchange and --key, --to or --queue send a message.

    Raises:
        UsageError: more than one of them is given, or AMQP has no room for it.
    """
    for name in (*WAYS, "key"):
        check_length(WHERE[name].name, command[name] or "")
    named = [name for name in WAYS if command[name] is not None]
    if len(named) > 1:
        raise UsageError("give only one of --exchange, --to and --queue")
    if command["exchange"] is not None:
        return existing(command["exchange"]), command["key"]
    if command["key"]:
        raise UsageError(f"--key goes with --exchange; --{named[0]} needs none")
    if command["queue"]:
        return existing(""), command["queue"]
    return existing(COMPONENTS), command["to"]


def check_length(what: str, text: str) -> None:
    """AMQP has room for this name or key.

    Raises:
        UsageError: it has not.
    """
    size = len(text.encode(errors="replace"))
    if size > _LONGEST:
        raise UsageError(
            f"{what}: {size} bytes are too many", hint=f"AMQP has room for {_LONGEST}"
        )


def patience(command: Command) -> float:
    """Seconds that --timeout gives the broker and whoever answers; not so few that nobody can."""
    given: float = command["timeout"]
    return max(LEAST, given)


def parameters(command: Command) -> Any:
    """What --param or --json gives.

    Raises:
        UsageError: both are given, or it is no JSON.
    """
    text = command["json"]
    if text is None:
        return dict(command["param"])
    if command["param"]:
        raise UsageError("give either --param or --json")
    if text == "-":
        text = read_stdin(command.context.stdin)
    try:
        return json.loads(text, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"--json: this is not JSON: {error}",
            hint="""write for example: --json '{"size": 10}'""",
        ) from error


def read_stdin(stdin: TextIO) -> str:
    """What stdin holds.

    Raises:
        UsageError: it is no text in UTF-8.
    """
    try:
        text = stdin.read()
        text.encode()
    except UnicodeError as error:
        raise UsageError(
            "--json: what stdin holds is not UTF-8", hint="JSON is always written in UTF-8"
        ) from error
    return text


def _number(text: str) -> float:
    """What JSON has a form for; `NaN` and `1e999` would arrive as null."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it has no form for the number {text}")
    return number


def told(error: Exception, what: str) -> Exception:
    """The error of the broker about something that is not there, as a person should read it."""
    from pelagos.messaging import TopologyError

    missing = 404
    if isinstance(error, TopologyError) and error.code == missing:
        return CommandError(
            f"there is no {what} on this bus",
            hint="whoever uses it declares it; see that it runs, and on this virtual host",
            code=NOT_FOUND,
        )
    return error


def not_taken(command: Command, name: str, *, more: str = "") -> CommandError:
    """What a person reads when no queue took a message, as it was addressed.

    Args:
        command: with the options that said where to.
        name: of the message.
        more: what else can be done, for the hint.
    """
    if command["queue"]:
        said = f"there is no queue {command['queue']!r} on this bus"
        hint = "its receiver makes it; see that it runs, and on this virtual host"
    elif command["to"]:
        said = f"nobody has the address {command['to']!r}; {name} was not kept"
        hint = "see who is there: pelagos bus components"
    else:
        said = f"no queue takes {name} with the key {command['key']!r}; it was not kept"
        hint = "see that its receiver runs and is bound to this key"
    return CommandError(said, hint=hint + more, code=NOT_FOUND)


def from_whom(fingerprint: Any) -> str:
    """A fingerprint in a few characters: `resizer@sea/4711`."""
    if not isinstance(fingerprint, dict) or not fingerprint:
        return ""
    facts = {key: str(value) for key, value in fingerprint.items()}
    name, host, pid = facts.get("name", ""), facts.get("host", ""), facts.get("pid", "")
    return "".join((name if name != "None" else "", f"@{host}" if host else "", f"/{pid}"))
