"""`pelagos bus send` and `call`: one message from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    Operand,
    SecondsArgument,
)
from pelagos.cli.bus import BUS, WHAT, WHERE, destination, find_bus, parameters, told
from pelagos.cli.command import Command
from pelagos.cli.failures import FAILED, NOT_FOUND, NOT_READY, CommandError
from pelagos.cli.output import Column

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from pelagos.messaging import GenericProducer, Message

_WHO = {"name": "pelagos-cli", "type": "cli"}
_TIMED_OUT = "TimeoutError"


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
        with _producer(self) as producer:
            message.fingerprint(**producer.fingerprint)
            try:
                producer.forward(
                    message.body,
                    _eks=[(exchange, key)],
                    _mandatory=not self["unheard"],
                    _timeout=self["timeout"],
                )
            except UnroutableError as error:
                raise CommandError(
                    f"no queue takes {name} with the key {key!r}; it was not kept",
                    hint="see that its receiver runs and is bound to this key; "
                    "--unheard sends it all the same",
                    code=NOT_FOUND,
                ) from error
            except MessagingError as error:
                raise told(error, f"exchange {exchange.name}") from error
        self.context.say(f"sent {name} to {exchange.name or 'the queue'} {key}".rstrip())


class BusCall(Command):
    """Call a command of a component and print its answer.

    Ends with 1 when the component answers with an error or an exception, with 3 when it does not
    answer in time.
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
    operands = {"name": Operand("name of the command")}
    examples = (
        "pelagos bus call ping --to resizer",
        """pelagos bus call sum --exchange maths --key sum --json '[1, 2]'""",
    )

    def main(self, name: str) -> None:
        """Call and print."""
        from pelagos.messaging import MessagingError

        exchange, key = destination(self)
        given = parameters(self)
        with _producer(self) as producer:
            call = getattr(producer, f"rpc_{name}")
            try:
                if self["everybody"]:
                    self._gather(producer, call, given, exchange, key)
                    return
                answer = call(
                    given,
                    _eks=[(exchange, key)],
                    _timeout=self["timeout"],
                    _max_retry=self["retries"],
                )
            except MessagingError as error:
                raise told(error, f"exchange {exchange.name}") from error
        self._print(self._value(name, answer))

    def _gather(
        self, producer: GenericProducer, call: Any, given: Any, exchange: Any, key: str
    ) -> None:
        queue = call(given, _eks=[(exchange, key)], _queue_only=True)
        answers = producer.consume_rpc(
            queue, result_len=self["everybody"], timeout=self["timeout"]
        )
        rows = [
            {
                "from": dict(one.body.get("fingerprint") or {}),
                "type": one.body["content"].get("type"),
                "value": one.body["content"].get("value"),
                "message": one.body["content"].get("message"),
            }
            for one in answers
        ]
        columns = (Column("from.name", "name"), Column("from.host", "host"), Column("value"))
        self.context.output.show_list(rows, columns, empty="nobody answered")
        if len(rows) < self["everybody"]:
            raise CommandError(
                f"{len(rows)} of {self['everybody']} answered within {self['timeout']:g} s",
                code=NOT_READY,
            )

    def _value(self, name: str, answer: Message) -> Any:
        if answer:
            return answer.body["content"]["value"]
        content = answer.body["content"]
        said = content.get("message") or ""
        if content.get("type") != "exception":
            raise CommandError(f"{name}: {said}", code=FAILED)
        kind = str(content.get("value"))
        if kind == _TIMED_OUT:
            raise CommandError(
                f"{name} was not answered within {self['timeout']:g} s" + f": {said}" * bool(said),
                hint="see that a component that answers it runs: pelagos bus components",
                code=NOT_READY,
            )
        raise CommandError(f"{name} raised {kind}: {said}", code=FAILED)

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


def _producer(command: Command) -> GenericProducer:
    from pelagos.messaging import GenericProducer

    bus = find_bus(command)
    bus.open(min(command["timeout"] or 0.1, 10.0)).close()  # says what is wrong at once, if so
    return GenericProducer(_WHO, bus=bus)
