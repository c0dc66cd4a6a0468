"""`pelagos bus send` and `call`: one message from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    Operand,
    SecondsArgument,
)
from pelagos.cli.bus import (
    A_COMPONENT,
    BUS,
    WAYS,
    WHAT,
    WHERE,
    destination,
    find_bus,
    from_whom,
    not_taken,
    parameters,
    patience,
    told,
)
from pelagos.cli.command_base import Command
from pelagos.cli.failures import FAILED, NOT_FOUND, NOT_READY, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from collections.abc import Callable

    from pelagos.messaging import Exchange, GenericProducer, Message, MessagingError

_bus_commands = CommandTree("bus", "The message bus between components")

_WHO = {"name": "pelagos-cli", "type": "cli"}
_TIMED_OUT = "TimeoutError"
#: How an answer begins that nobody gave, as nobody got the call.
_NOT_TAKEN = "no queue takes "
_ITS_LOG = "the component said so: its log may tell more"
_MISSING = 404


@command(_bus_commands)
class BusSend(Command):
    """Send a command or a status, and end when the broker has it.

    It is an error when no queue takes the message, unless --unheard allows it.
    """

    arguments = {
        "bus": BUS,
        **WHERE,
        **WHAT,
        "status": FlagArgument("send a status, not a command", "--status"),
        "unheard": FlagArgument("it is no error when no queue takes it", "--unheard"),
        "timeout": SecondsArgument("wait for the broker; default 30 s", "--timeout", default=30.0),
    }
    required = WAYS
    operands = {"name": Operand("name of the command or status")}
    examples = (
        "pelagos bus send resize --exchange disks --key disk.7 --param size=10",
        """pelagos bus send quit --to 'resizer@sea'""",
    )

    def main(self, name: str) -> None:
        """Send it."""
        from pelagos.messaging import (
            MessageCommand,
            MessageStatus,
            MessagingError,
            UnroutableError,
        )

        exchange, key = destination(self)
        given = parameters(self)
        message: Message = MessageStatus(name) if self["status"] else MessageCommand(name, given)
        with open_producer(self) as producer:
            try:
                producer.send(
                    message,
                    _eks=[(exchange, key)],
                    _mandatory=not self["unheard"],
                    _timeout=patience(self),
                )
            except UnroutableError as error:
                raise not_taken(self, name, more="; --unheard sends it all the same") from error
            except MessagingError as error:
                raise _failed(self, error, exchange) from error
        self.context.say(f"sent {name} to {exchange.name or 'the queue'} {key}".rstrip())


@command(_bus_commands)
class BusCall(Command):
    """Call a command of a component and print its answer.

    Ends with 1 when the component answers with an error or an exception, with 3 when it does not
    answer in time, with 4 when no queue takes the call.
    """

    shows = True
    arguments = {
        "bus": BUS,
        **WHERE,
        **WHAT,
        "timeout": SecondsArgument("wait for an answer; default 30 s", "--timeout", default=30.0),
        "retries": IntArgument(
            "call again N times after a time-out; it is executed once all the same; default 0",
            "--retries",
            default=0,
        ),
        "everybody": IntArgument(
            "wait for N answers, of all components that hear it", "--answers", least=1
        ),
    }
    required = WAYS
    operands = {"name": Operand("name of the command")}
    examples = (
        "pelagos bus call ping --to resizer",
        """pelagos bus call sum --exchange maths --key sum --json '[1, 2]'""",
    )

    def main(self, name: str) -> None:
        """Call and print."""
        from pelagos.messaging import MessagingError, RpcCommand

        pair = destination(self)
        message = RpcCommand(name, parameters(self))
        with open_producer(self) as producer:
            try:
                if self["everybody"]:
                    self._gather(producer, message, pair)
                    return
                answer = producer.call(
                    message,
                    _eks=[pair],
                    _timeout=patience(self),
                    _max_retry=self["retries"],
                )
            except MessagingError as error:
                raise _failed(self, error, pair[0]) from error
        self._print(self._value(name, answer))

    def _gather(self, producer: GenericProducer, message: Message, pair: Any) -> None:
        wanted = self["everybody"]
        bodies: list[Any] = []
        gather(producer, message, pair, wanted, patience(self), bodies.append)
        rows = [
            {"from": body.get("fingerprint") or {}, **(body.get("content") or {})}
            for body in bodies
        ]
        columns = (
            Column("from", show=from_whom),
            Column("type"),
            Column("value"),
            Column("message"),
        )
        self.context.output.show_list(rows, columns, empty="nobody answered")
        if len(rows) < wanted:
            raise CommandError(
                f"{len(rows)} of {wanted} answered within {patience(self):g} s",
                hint="see who is there: pelagos bus components",
                code=NOT_READY,
            )

    def _value(self, name: str, answer: Message) -> Any:
        if answer:
            return answer.body["content"]["value"]
        content = answer.body["content"]
        said = content.get("message") or ""
        if not answer.body.get("fingerprint") and said.startswith(_NOT_TAKEN):
            raise not_taken(self, name)
        if content.get("type") != "exception":
            raise CommandError(f"{name}: {said}", hint=_ITS_LOG, code=FAILED)
        kind = str(content.get("value"))
        if kind == _TIMED_OUT:
            raise CommandError(
                f"{name} was not answered within {patience(self):g} s" + f": {said}" * bool(said),
                hint="see that a component that answers it runs: pelagos bus components",
                code=NOT_READY,
            )
        raise CommandError(f"{name} raised {kind}: {said}", hint=_ITS_LOG, code=FAILED)

    def _print(self, value: Any) -> None:
        output = self.context.output
        if isinstance(value, dict):
            output.show_one(value)
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            output.show_list(value, [Column(key) for key in value[0]])
        elif output.is_table:
            output.line("" if value is None else str(value))
        else:
            output.show_one({"value": value})


def gather(
    producer: GenericProducer,
    message: Message,
    pair: Any,
    wanted: int,
    timeout: float,
    keep: Callable[[Any], object],
) -> None:
    """Hand over the bodies of the answers of all who hear a call: so many, or as long as told."""
    queue = producer.call(message, _eks=[pair], _queue_only=True, _timeout=timeout)
    producer.consume_rpc(queue, result_len=wanted, callback=keep, timeout=timeout)


def _failed(command: Command, error: MessagingError, exchange: type[Exchange]) -> Exception:
    """What a person reads when the broker does not send a message."""
    from pelagos.messaging import TopologyError

    if command["to"] and isinstance(error, TopologyError) and error.code == _MISSING:
        return CommandError(
            f"nobody has the address {command['to']!r}: no component was ever on this bus",
            hint=A_COMPONENT,
            code=NOT_FOUND,
        )
    return told(error, f"exchange {exchange.name}")


def open_producer(command: Command) -> GenericProducer:
    """A producer on the bus of the command, which answers.

    Raises:
        MessagingError: it cannot be reached, or refuses; said at once, whatever the time-out.
    """
    from pelagos.core import logs
    from pelagos.messaging import GenericProducer

    logs.mute()  # what fails is told by the command
    bus = find_bus(command)
    bus.open(min(patience(command), 10.0)).close()
    producer = GenericProducer(_WHO, bus=bus)
    producer.rpc_replies = "private"  # for servers that repeat no correlation id, too
    return producer
