"""Where messages are sent: an exchange, described by a class and never instantiated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class _Parameters:
    """The declared attributes as one mapping, read from the class or from an instance."""

    def __get__(self, instance: object, owner: type[Exchange]) -> dict[str, Any]:
        described: dict[str, Any] = {
            "exchange": owner.name,
            "exchange_type": owner.exchange_type,
            "passive": owner.passive,
            "durable": owner.durable,
            "auto_delete": owner.auto_delete,
        }
        if owner.arguments:
            described["arguments"] = dict(owner.arguments)
        return described


class Exchange:
    """Derive a class and set its attributes.

    Attributes:
        name: the exchange's name on the broker; empty is the broker's default exchange.
        exchange_type: direct, topic, fanout or headers (a broker may know more).
        passive: only check that it exists.
        durable: it survives a restart of the broker.
        auto_delete: it goes when its last binding goes.
        arguments: the broker's own, such as `alternate-exchange`.
        parameters: these as a mapping, as the broker takes them; arguments only if there are any.

    >>> class Events(Exchange):
    ...     name = "events"
    ...     exchange_type = "topic"
    >>> Events.parameters["exchange"], Events.parameters["durable"]
    ('events', True)
    """

    name: ClassVar[str] = "noname"
    exchange_type: ClassVar[str] = "direct"
    passive: ClassVar[bool] = False
    durable: ClassVar[bool] = True
    auto_delete: ClassVar[bool] = False
    arguments: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    parameters: ClassVar[Any] = _Parameters()

    def __init_subclass__(cls, **kwds: Any) -> None:
        super().__init_subclass__(**kwds)
        if not isinstance(cls.arguments, Mapping):
            raise TypeError(f"{cls.__name__}.arguments is {cls.arguments!r}, and no mapping")
