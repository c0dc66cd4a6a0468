"""`pelagos bus tail`: what passes on the bus, as it passes."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import (
    IntArgument,
    Operand,
    RepeatableArgument,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.bus import BUS, LEAST, existing, find_bus, from_whom, told
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_READY, CommandError
from pelagos.cli.moment import short
from pelagos.cli.registration import command
from pelagos.cli.terminal import clean
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from pelagos.messaging.observation.tap import Seen, Tap

_bus_commands = CommandTree("bus")

_PAUSE = 1.0
"""Seconds between two tries while the broker is away."""

_MISSING = 404

_CONNECTING = 10.0
"""Seconds that one try may take."""


@command(_bus_commands)
class BusTail(Command):
    """Print the messages that pass through exchanges, until Ctrl-C.

    Nothing is taken from anybody: the messages are copied into a queue of this command's own,
    which goes with it. Only what is sent from now on is seen, and of a direct exchange only what
    has one of the keys. With `-o json` each message is one line of JSON.
    """

    shows = True
    converses = True
    arguments = {
        "bus": BUS,
        "key": RepeatableArgument(
            "only what matches this routing key, with * and # of topic exchanges; default: all",
            "--key",
        ),
        "type": ValueArgument("only this type: command, status, result, none", "--type"),
        "name": ValueArgument("only this name; * and ? stand for anything", "--name"),
        "number": IntArgument("end after N messages", "-n", "--number", least=1),
        "timeout": SecondsArgument("end with 3 when none of these comes for so long", "--timeout"),
    }
    operands = {
        "exchange": Operand("exchange to look at; it must exist"),
        "more": Operand("more of them"),
    }
    examples = (
        "pelagos bus tail pelagos.events --key 'computer.*.instance.*'",
        "pelagos bus tail events -n 1 --timeout 1m -o json",
    )

    def main(self, exchange: str, *more: str) -> None:
        """Print them."""
        from pelagos.messaging import MessagingError
        from pelagos.messaging.observation.tap import Tap

        named = (exchange, *more)
        tap = Tap(find_bus(self), map(existing, named), self["key"] or ("#", ""))
        try:
            tap.open(_connecting(self["timeout"]))
        except MessagingError as error:
            missing = getattr(error, "name", "")
            raise told(error, f"exchange {missing}") from error
        self.context.say(f"looking at {', '.join(named)}; Ctrl-C ends it")
        try:
            self._follow(tap)
        finally:
            tap.close()

    def _follow(self, tap: Tap) -> None:
        printed = 0
        clock = self.context.clock
        since = clock.monotonic()
        while self["number"] is None or printed < self["number"]:
            passed = clock.monotonic() - since
            patience = None if self["timeout"] is None else max(0.0, self["timeout"] - passed)
            seen = self._next(tap, patience)
            if seen is None:
                raise CommandError(
                    f"no message came within {self['timeout']:g} s",
                    hint="see that somebody sends, and with which key",
                    code=NOT_READY,
                )
            if self._is_wanted(seen):
                self._print(seen)
                printed += 1
                since = clock.monotonic()

    def _next(self, tap: Tap, patience: float | None) -> Seen | None:
        """The next one, through every outage; None when none came in so many seconds."""
        from pelagos.messaging import MessagingError

        clock = self.context.clock
        began = clock.monotonic()

        def left() -> float | None:
            return None if patience is None else max(0.0, patience - clock.monotonic() + began)

        is_away = False
        while not is_away or left() != 0:
            try:
                if is_away:
                    tap.open(_connecting(left()))
                    self.context.say("looking again; what passed meanwhile was not seen")
                    is_away = False
                return tap.next(left())
            except MessagingError as error:
                # A broker that forgets has no exchange until somebody declares it again.
                forgot = is_away and getattr(error, "code", None) == _MISSING
                if error.retry_after is None and not forgot:
                    raise
                if not is_away:
                    self.context.say(f"{error.message}; trying again")
                is_away = True
                pause = left()
                clock.sleep(_PAUSE if pause is None else min(_PAUSE, pause))
        return None

    def _is_wanted(self, seen: Seen) -> bool:
        body = seen.body or {}
        kind, name = self["type"], self["name"]
        if kind is not None and body.get("type") != kind:
            return False
        return name is None or fnmatchcase(str(body.get("name", "")), name)

    def _print(self, seen: Seen) -> None:
        output, stdout = self.context.output, self.context.stdout
        if output.is_table and self["columns"] is None:
            stdout.write(clean(self._line(seen)) + "\n")
        elif self["output"] == "json" and self["columns"] is None:
            stdout.write(json.dumps(as_data(seen)) + "\n")
        else:
            output.show_one(as_data(seen))
        stdout.flush()

    def _line(self, seen: Seen) -> str:
        now = self.context.clock.time()
        words = [short(now, now), seen.exchange or "(default)", seen.key or "(no key)"]
        if seen.body is None:
            return " ".join((*words, f"({seen.size} bytes, no message: {seen.problem})"))
        body = seen.body
        kind = "rpc" if body["category"] == "rpc" else body["type"]
        content = json.dumps(content_of(body), ensure_ascii=False, separators=(",", ":"))
        words += [str(kind), body["name"], content, from_whom(body.get("fingerprint"))]
        return " ".join(words).rstrip()


def _connecting(left: float | None) -> float:
    """Seconds that connecting may take, of those that are left."""
    return _CONNECTING if left is None else max(LEAST, min(left, _CONNECTING))


def content_of(body: Any) -> Any:
    """What a message says: of a command its parameters alone."""
    content = body["content"]
    is_plain = isinstance(content, dict) and list(content) == ["parameters"]
    return content["parameters"] if is_plain else content


def as_data(seen: Seen) -> dict[str, Any]:
    """All that is known of a message, for programs."""
    properties = seen.properties
    return {
        "exchange": seen.exchange,
        "key": seen.key,
        "message_id": properties.message_id,
        "timestamp": properties.timestamp,
        "reply_to": properties.reply_to,
        "correlation_id": properties.correlation_id,
        "headers": {key: _plain(value) for key, value in properties.headers.items()},
        "size": seen.size,
        "problem": seen.problem or None,
        "body": seen.body,
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
