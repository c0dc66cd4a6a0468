"""The names that users of a producer make up: `message_NAME`, `rpc_NAME`, `rpc_queue_NAME`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pelagos.messaging.message import Message, MessageCommand, RpcCommand
from pelagos.messaging.producer.options import MESSAGE_OPTIONS, RPC_OPTIONS, Options, take_options

_MESSAGE = "message_"
_RPC = "rpc_"
_QUEUE = "queue_"


class MadeUpNames:
    """Finds the builder of a name, or builds a command; any other name is an AttributeError."""

    def _send(self, message: Message, options: Options) -> Any:
        """Send it."""
        raise TypeError(f"{type(self).__name__} cannot send {message!r} ({options!r})")

    def _call(self, message: Message, options: Options) -> Any:
        """Make a call with it."""
        raise TypeError(f"{type(self).__name__} cannot call {message!r} ({options!r})")

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_MESSAGE) and name != _MESSAGE:
            return functools.partial(self._send_named, name.removeprefix(_MESSAGE))
        command = name.removeprefix(_RPC)
        if command and command != name:
            queued = command.removeprefix(_QUEUE)
            if queued and queued != command and not self._builder(_RPC, command):
                return functools.partial(self._call_named, queued, _queue_only=True)
            return functools.partial(self._call_named, command)
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )

    def _builder(self, prefix: str, command: str) -> Callable[..., Any] | None:
        name = f"build_{prefix}{command}"
        if hasattr(self.__class__, name) or name in self.__dict__:
            found: Callable[..., Any] = getattr(self, name)
            return found
        return None

    def _build(
        self, prefix: str, command: str, default: type[MessageCommand], *args: Any, **kwds: Any
    ) -> Message:
        builder = self._builder(prefix, command)
        if builder is None:
            try:
                return default(command, *args, **kwds)
            except TypeError:
                raise TypeError(
                    f"{prefix}{command} takes one argument, what the command carries; define "
                    f"build_{prefix}{command} for others"
                ) from None
        message = builder(*args, **kwds)
        wanted = default.category
        if not isinstance(message, Message) or message.body.get("category") != wanted:
            raise TypeError(
                f"build_{prefix}{command} of {type(self).__name__} returned {message!r}, and not "
                f"a message of the category {wanted!r}"
            )
        return message

    def _send_named(self, command: str, *args: Any, **kwds: Any) -> Any:
        options = take_options(kwds, MESSAGE_OPTIONS)
        return self._send(self._build(_MESSAGE, command, MessageCommand, *args, **kwds), options)

    def _call_named(self, command: str, *args: Any, **kwds: Any) -> Any:
        options = take_options(kwds, RPC_OPTIONS)
        return self._call(self._build(_RPC, command, RpcCommand, *args, **kwds), options)
