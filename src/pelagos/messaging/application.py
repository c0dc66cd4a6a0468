"""Components that find each other by name, host, process and group, without any directory.

| routing key           | who gets it                        |
|-----------------------|------------------------------------|
| `{name}`              | every instance of that name        |
| `{name}/rr`           | one of them                        |
| `@{host}`             | every application on the host      |
| `{name}@{host}`       | every instance of name on the host |
| `{name}@{host}/rr`    | one of them                        |
| `{pid}@{host}`        | that process                       |
| `{name}#{group}`      | every member of the group          |
| `{name}#{group}/rr`   | one of them                        |
| `@`                   | every application on every host    |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pelagos.messaging.errors import MessagingError, RejectMessage
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.inbox import Inbox
from pelagos.messaging.message import MessageResult
from pelagos.messaging.middleware import Middleware
from pelagos.messaging.processor import MessageHandler, MessageProcessor, RpcHandler
from pelagos.messaging.producer.producer import GenericProducer
from pelagos.messaging.transports.base import Transport, check_names

#: Added to an address: one of them, in turn, instead of all.
ROUND_ROBIN: Final = "/rr"

#: The address of every application.
EVERYBODY: Final = "@"

_RESERVED: Final = frozenset("@#/")


class GenericApplicationExchange(Exchange):
    """Where applications hear each other."""

    name = "generic-application-exchange"
    exchange_type = "direct"


def address(
    name: str = "",
    *,
    host: str = "",
    pid: int | str = "",
    group: str = "",
    one: bool = False,
) -> str:
    """The routing key of a part of the applications.

    >>> address("lights", host="sea", one=True), address(host="sea"), address(pid=7, host="sea")
    ('lights@sea/rr', '@sea', '7@sea')
    >>> address("lights", group="red")
    'lights#red'

    Raises:
        MessagingError: nobody is addressed in this way.
    """
    if (pid and (name or group or one or not host)) or (group and (host or not name)):
        raise MessagingError(
            "nobody has such an address",
            hint="give name, host, name and host, pid and host, or name and group",
        )
    if not (name or host) or (one and not name):
        raise MessagingError("nobody is addressed", hint="give a name or a host")
    key = str(pid or name) + (f"@{host}" if host else "") + (f"#{group}" if group else "")
    return key + ROUND_ROBIN if one else key


class GenericApplicationProducer(GenericProducer):
    """Speaks to applications: give the `address` of whom you mean as `_key`.

    The key of the class is that of nobody, so that what was meant for few never reaches all.
    """

    eks = ((GenericApplicationExchange, "nobody"),)


class GenericApplication(MessageProcessor):
    """A processor that is reached by its name, host, process and groups.

    It answers the call `ping` with its fingerprint, and joins and leaves groups when the commands
    `join_group` and `leave_group` name one in `group_name`, also while it works. Its queues are
    durable, so that what is sent while the connection is away is not lost, and go by themselves
    some time after the last reader has gone.

    Args:
        fingerprint: who this is; it needs a name, without `@`, `#` and `/`.
        groups: names of groups that it is in from the beginning.

    Attributes:
        shared_lifetime: seconds that a queue which instances share outlives the last of them.
        own_lifetime: seconds that the queue of a process outlives it.
    """

    shared_lifetime: float = 3600.0
    own_lifetime: float = 60.0

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any],
        vhost: str | None = None,
        groups: Iterable[str] = (),
        *,
        hup: Mapping[str, Any] | None = None,
        bus: Transport | str | None = None,
        middlewares: Sequence[Middleware] | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        super().__init__(
            fingerprint, (), hup, vhost, bus=bus, middlewares=middlewares, inbox=inbox
        )
        facts = self.fingerprint
        self.name, self.host = facts["name"], facts["host"]
        _check_word(self.name, "the name of an application")
        if self.name == "None":
            raise MessagingError(
                "the application has no name", hint='give its fingerprint one: {"name": …}'
            )
        if isinstance(groups, str):
            raise TypeError(f"groups is {groups!r}, and no list of names")
        self.sid = self.name
        self.hid = address(self.name, host=self.host)
        self.uid = address(pid=facts["pid"], host=self.host)
        self._groups: set[str] = set()
        own, sid = self._own_queue(), self._shared_queue(self.sid)
        self.add_eqk(list(self.eqk))
        self.add_eqk(
            [
                (
                    GenericApplicationExchange,
                    [
                        (own, address(self.name)),
                        (own, address(host=self.host)),
                        (own, address(self.name, host=self.host)),
                        (own, self.uid),
                        (own, EVERYBODY),
                        (sid, address(self.name, one=True)),
                        (
                            self._shared_queue(self.hid),
                            address(self.name, host=self.host, one=True),
                        ),
                    ],
                )
            ]
        )
        for group in groups:
            self.join_group(group)

    @property
    def groups(self) -> frozenset[str]:
        """The groups that it is in."""
        return frozenset(self._groups)

    def join_group(self, group: str) -> None:
        """Be in a group, from now on; again is harmless.

        Raises:
            MessagingError: this is no name of a group, or the broker refuses.
        """
        _check_word(group, "the name of a group")
        every = address(self.name, group=group)
        shared = self._shared_queue(every)
        self.add_eqk(
            [
                (
                    GenericApplicationExchange,
                    [
                        (self._own_queue(), every),
                        (shared, address(self.name, group=group, one=True)),
                    ],
                )
            ]
        )
        self._groups.add(group)

    def leave_group(self, group: str) -> None:
        """Be in a group no more; the other members go on reading what is for one of them."""
        if group not in self._groups:
            return
        every = address(self.name, group=group)
        self.consumer.queue_unbind(GenericApplicationExchange, self.uid, every)
        self.consumer.queue_forget(every)
        self._groups.discard(group)

    @RpcHandler("command", "ping")
    def rpc_ping(self, _content: Any) -> MessageResult:
        """Who is there."""
        return MessageResult(self.fingerprint)

    @MessageHandler("command", "join_group")
    def msg_join_group(self, content: Any) -> None:
        """Join the group that is named."""
        self.join_group(_group_of(content, self.name))

    @MessageHandler("command", "leave_group")
    def msg_leave_group(self, content: Any) -> None:
        """Leave the group that is named."""
        self.leave_group(_group_of(content, self.name))

    def _own_queue(self) -> dict[str, Any]:
        return _queue(self.uid, self.own_lifetime)

    def _shared_queue(self, name: str) -> dict[str, Any]:
        return _queue(name, self.shared_lifetime)


def _queue(name: str, lifetime: float) -> dict[str, Any]:
    return {"name": name, "flags": {"arguments": {"x-expires": max(1, int(lifetime * 1000))}}}


def _check_word(value: object, what: str) -> None:
    if not isinstance(value, str) or not value or _RESERVED & set(value):
        raise MessagingError(
            f"{what} cannot be {value!r}", hint="use text without the characters @ # and /"
        )


def _group_of(content: Any, name: str) -> str:
    parameters = content.get("parameters") if isinstance(content, Mapping) else None
    group = parameters.get("group_name") if isinstance(parameters, Mapping) else None
    try:
        _check_word(group, "the name of a group")
        check_names(key=f"{name}#{group}/rr")
    except MessagingError as error:
        raise RejectMessage(f"group_name: {error.message}") from error
    return str(group)
