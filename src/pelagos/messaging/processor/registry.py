"""Which handlers a class of processors has, and which of them a message is for. Pure.

The registry belongs to the class: nothing that one processor declares is seen by another. A
subclass inherits handlers as it inherits methods: one that it defines again replaces the
inherited one (with the old decorators, unless it has its own), one set to None is gone.
"""

from __future__ import annotations

import fnmatch
import inspect
import re
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.processor.decorators import (
    FILTERS,
    HANDLERS,
    Mark,
    MessageFilter,
    marks_of,
    unwrapped,
)
from pelagos.messaging.processor.payload import Payload, read_annotation
from pelagos.messaging.processor.retry import Retry

_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """One handler of a class, for one kind of message.

    Attributes:
        category: message or rpc.
        type, name: what it is for; may be patterns, None is every name.
        handler: `Class.method`, the class being the processor's.
        attribute: under which name the processor has it.
        doc: the first line of its docstring, or empty.
        full_body: it gets the whole body instead of the content.
        payload: the type that its content is converted to; None for plain data.
        filters: in the order in which they run.
        retry: its own way of being tried again; None for the processor's.
        is_async: it is an `async def`.
        is_class: it is a class derived from Handler.
        wants_reply: it takes `reply_func`.
    """

    category: str
    type: str
    name: str | None
    handler: str
    attribute: str
    doc: str
    full_body: bool
    payload: Payload | None
    filters: tuple[MessageFilter, ...]
    retry: Retry | None
    is_async: bool
    is_class: bool
    wants_reply: bool


class Registry:
    """The handlers of one class, ready for look-ups.

    Raises:
        MessagingError: a handler cannot take what it gets, or its annotation cannot be used.
    """

    def __init__(self, owner: type) -> None:
        self.handlers = tuple(_collect(owner))
        self._exact: dict[tuple[str, str, str], list[tuple[int, HandlerInfo]]] = {}
        self._wild: list[tuple[int, HandlerInfo, re.Pattern[str], re.Pattern[str]]] = []
        for place, info in enumerate(self.handlers):
            if _is_exact(info):
                key = (info.category, info.type, info.name or "")
                self._exact.setdefault(key, []).append((place, info))
            # A text with wildcards is also a name of its own, and matches itself.
            if not _is_exact(info):
                self._wild.append((place, info, _pattern(info.type), _pattern(info.name)))

    def find(self, category: str, type_: str, name: str) -> list[HandlerInfo]:
        """Those that a message is for: exact names first, then patterns, each as defined."""
        return [info for _, info in self._matching(category, type_, name)]

    def find_one(self, type_: str, name: str) -> HandlerInfo | None:
        """The one that answers a call, or None."""
        found = self._matching("rpc", type_, name)
        if len(found) <= 1:  # there is nothing to compare
            return found[0][1] if found else None
        return max(found, key=lambda pair: (*_rank(pair[1], type_, name), pair[0]))[1]

    def _matching(self, category: str, type_: str, name: str) -> list[tuple[int, HandlerInfo]]:
        found = list(self._exact.get((category, type_, name), ()))
        for place, info, type_pattern, name_pattern in self._wild:
            if (
                info.category == category
                and (info.type == type_ or type_pattern.fullmatch(type_))
                and (info.name == name or name_pattern.fullmatch(name))
            ):
                found.append((place, info))
        return found


def _is_exact(info: HandlerInfo) -> bool:
    return not (info.name is None or _WILD.search(info.name) or _WILD.search(info.type))


def _pattern(text: str | None) -> re.Pattern[str]:
    return re.compile(fnmatch.translate("*" if text is None else text))


def _rank(info: HandlerInfo, type_: str, name: str) -> tuple[bool, bool, int]:
    literals = len(_WILD.sub("", info.name or ""))
    return (info.name == name, info.type == type_, literals)


def _collect(owner: type) -> Iterator[HandlerInfo]:
    attributes: dict[str, None] = {}
    for base in reversed(owner.__mro__):
        attributes |= dict.fromkeys(vars(base))
    for attribute in attributes:
        chain = [vars(base)[attribute] for base in owner.__mro__ if attribute in vars(base)]
        filters = tuple(_inherited(chain, FILTERS))
        marks = _inherited(chain, HANDLERS)
        if filters and not marks:
            raise MessagingError(
                f"{owner.__qualname__}.{attribute} has a filter and is no handler",
                hint="write @MessageHandler or @RpcHandler above it, too",
            )
        for mark in marks:
            yield _describe(owner, attribute, chain[0], mark, filters)


def _inherited(chain: list[Any], kind: str) -> list[Any]:
    """The decorators of an attribute: its own, or those of what it overrides."""
    for definition in chain:
        if not callable(unwrapped(definition)):
            return []  # the subclass took the handler away
        own = marks_of(definition, kind)
        if own:
            return own
    return []


def _describe(
    owner: type, attribute: str, definition: Any, mark: Mark, filters: tuple[MessageFilter, ...]
) -> HandlerInfo:
    plain = unwrapped(definition)
    is_class = isinstance(plain, type)
    work = plain.call if is_class else plain
    name = f"{owner.__qualname__.rpartition('<locals>.')[2]}.{attribute}"
    parameters = _positional(plain) if not is_class else ["data", "reply_func"]
    if not is_class and not isinstance(definition, staticmethod):
        parameters = parameters[1:]  # self, or the class of a class method
    wants_reply = is_class or len(parameters) > 1 or "*" in parameters
    if not is_class:
        replies = mark.category == "rpc" and wants_reply
        _check_form(plain, name, ["content", *["reply_func"] * replies], definition)
    annotation = read_annotation(plain, parameters[0] if parameters else "", name)
    doc = inspect.getdoc(plain) or ""
    return HandlerInfo(
        category=mark.category,
        type=mark.type,
        name=mark.name,
        handler=name,
        attribute=attribute,
        doc=doc.strip().partition("\n")[0],
        full_body=mark.full_body,
        payload=annotation,
        filters=filters,
        retry=mark.retry,
        is_async=inspect.iscoroutinefunction(inspect.unwrap(work)),
        is_class=is_class,
        wants_reply=wants_reply,
    )


def _check_form(
    function: Callable[..., Any], name: str, given: list[str], definition: Any
) -> None:
    """See before any message comes that a handler takes what it gets."""
    before = [] if isinstance(definition, staticmethod) else ["self"]
    try:
        inspect.signature(function).bind(*before, *given)
    except TypeError as error:
        raise MessagingError(
            f"the handler {name} cannot take {' and '.join(given)}: {error}",
            hint=f"write def {name.rpartition('.')[2]}({', '.join([*before, *given])})",
        ) from error


def _positional(function: Callable[..., Any]) -> list[str]:
    """The names of its positional parameters; `*` for any number of them."""
    names = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.append("*")
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return names


_registries: Final[weakref.WeakKeyDictionary[type, Registry]] = weakref.WeakKeyDictionary()


def registry_of(owner: type) -> Registry:
    """The registry of a class, made when it is first needed; for each class its own."""
    found = _registries.get(owner)
    if found is None:
        found = _registries[owner] = Registry(owner)
    return found
