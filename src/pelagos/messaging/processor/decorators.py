"""What a program writes above its handlers, which are methods or classes. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.processor.retry import Retry

#: Where a handler keeps its marks and its filters.
HANDLERS: Final = "_pelagos_handlers"
FILTERS: Final = "_pelagos_filters"

Target = TypeVar("Target")


class Handler:
    """A handler as a class nested in a processor: one instance per message, its `call` is run.

    Attributes:
        processor: who got the message.
        data: what a method would get: the content, or the whole body; annotate it with a type to
            get that.
        reply_func: answers a call; None for messages.
    """

    def __init__(self, processor: Any, data: Any, reply_func: Callable[[Any], None] | None = None):
        self.processor = processor
        self.data = data
        self.reply_func = reply_func

    def call(self) -> Any:
        """Do the work; what it returns answers a call that was not answered yet."""
        raise MessagingError(
            f"the handler {type(self).__qualname__} does nothing", hint="define its method call"
        )


@dataclass(frozen=True)
class Mark:
    """One decorator above a handler."""

    type: str
    name: str | None = None
    retry: Retry | None = field(default=None, kw_only=True)

    category = "message"
    full_body = False

    def __post_init__(self) -> None:
        decorator = f"@{type(self).__name__}"
        if not isinstance(self.type, str):  # the method itself, say
            raise TypeError(
                f'{decorator} wants a type and a name: {decorator}("command", "resize")'
            )
        if not isinstance(self.name, str | None):
            raise TypeError(f"{decorator}: the name {self.name!r} is not text")
        if not isinstance(self.retry, Retry | None):
            raise TypeError(f"{decorator}: retry={self.retry!r} is no Retry(attempts=…, first=…)")

    def __call__(self, target: Target) -> Target:
        """Mark a handler."""
        _check_target(target, f"@{type(self).__name__}")
        _own_list(target, HANDLERS).insert(0, self)
        return target


class MessageHandler(Mark):
    """Lets a method have the content of messages of this type and name.

    Args:
        type: command, status, result… or a pattern.
        name: the command's or status' name; a pattern such as `disk_*` (with `*`, `?`, `[…]`);
            None for every name.
        retry: how often and when it is tried again, instead of the processor's.
    """


class MessageHandlerFullBody(Mark):
    """As MessageHandler, for a method that wants the whole body."""

    full_body = True


class RpcHandler(Mark):
    """Lets a method answer calls of this type and name: with `reply_func`, or what it returns.

    Of several that match one answers: an exact name goes before a pattern, a longer pattern
    before a shorter one, the last defined before the others. A call is never tried again: its
    caller is told.
    """

    category = "rpc"


class MessageFilter:
    """Lets `function(data, *args, **kwds)` change what a handler gets: it returns the new data.

    The filter nearest to the handler runs first. When one raises FilterError, the handler does not
    get the message; anything else that it raises is a failure of the handler.
    """

    def __init__(self, function: Callable[..., Any], *args: Any, **kwds: Any) -> None:
        given: Any = function
        if not callable(given) or inspect.iscoroutinefunction(given):
            raise TypeError(f"@MessageFilter: {function!r} is no plain function of the data")
        self.function = function
        self.args = args
        self.kwds = kwds

    def __call__(self, target: Target) -> Target:
        """Put it before a handler."""
        _check_target(target, "@MessageFilter")
        _own_list(target, FILTERS).append(self)
        return target

    def apply(self, data: Any) -> Any:
        """The filtered data.

        Raises:
            MessagingError: the filter returned nothing.
        """
        filtered = self.function(data, *self.args, **self.kwds)
        if filtered is None:
            name = getattr(self.function, "__qualname__", repr(self.function))
            raise MessagingError(
                f"the filter {name} returned nothing",
                hint="return the data, or raise FilterError to keep the message from the handler",
            )
        return filtered


def unwrapped(definition: Any) -> Any:
    """The function or class itself, without @staticmethod or @classmethod."""
    if isinstance(definition, staticmethod | classmethod):
        return definition.__func__
    return definition


def _check_target(target: Any, decorator: str) -> None:
    plain = unwrapped(target)
    if isinstance(plain, type) and not issubclass(plain, Handler):
        raise TypeError(f"{decorator}: the class {plain.__name__} is not derived from Handler")
    if not callable(plain):
        raise TypeError(f"{decorator} belongs above a method or a class derived from Handler")
    work = getattr(plain, "call", plain)
    if inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work):
        raise TypeError(f"{decorator}: {plain.__qualname__} yields; nobody would run it")


def marks_of(definition: Any, kind: str) -> list[Any]:
    """What stands above one definition: its marks, or its filters."""
    plain = unwrapped(definition)  # @staticmethod may stand above the decorators, or below them
    places = [definition] if plain is definition else [definition, plain]
    return [mark for place in places for mark in getattr(place, "__dict__", {}).get(kind, ())]


def _own_list(target: Any, kind: str) -> list[Any]:
    marks: list[Any] | None = vars(target).get(kind)
    if marks is None:
        marks = []
        setattr(target, kind, marks)
    return marks
