"""The exchanges of a broker, what is bound to them, and which queues a message reaches. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pelagos.messaging.broker.core.routing import frozen, headers_match, topic_matches

#: Routing keys whose queues are remembered; then the memory starts anew.
_REMEMBERED_KEYS = 4096

#: The exchanges that every broker has, besides the one without a name.
_OWN = {
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.topic": "topic",
    "amq.headers": "headers",
    "amq.match": "headers",
}


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """An exchange as it is declared.

    Attributes:
        kind: direct, fanout, topic or headers.
        durable: it survives a restart of the broker.
        auto_delete: it goes when its last binding goes.
        internal: only other exchanges may send to it.
        arguments: `alternate-exchange` names the one that gets what no binding takes.
    """

    name: str
    kind: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Binding(NamedTuple):
    """What leads from an exchange to a queue, or to another exchange."""

    destination: str
    to_exchange: bool
    key: str
    arguments: Mapping[str, Any]


_Identity = tuple[str, bool, str, Hashable]


def _identity(binding: Binding) -> _Identity:
    return (binding.destination, binding.to_exchange, binding.key, frozen(binding.arguments))


@dataclass(slots=True)
class StoredExchange:
    """An exchange with its bindings in the order in which they came."""

    spec: ExchangeSpec
    bindings: dict[_Identity, Binding] = field(default_factory=dict)
    # The same by key: those that are compared letter by letter, and the patterns of topics.
    _exact: dict[str, dict[_Identity, Binding]] = field(default_factory=dict)
    _patterns: dict[str, dict[_Identity, Binding]] = field(default_factory=dict)

    def add(self, binding: Binding) -> _Identity:
        """Keep a binding; again is harmless."""
        identity = _identity(binding)
        if identity not in self.bindings:
            self.bindings[identity] = binding
            self._place(binding.key).setdefault(binding.key, {})[identity] = binding
        return identity

    def has(self, binding: Binding) -> bool:
        """Whether there is such a binding."""
        return _identity(binding) in self.bindings

    def drop(self, identity: _Identity) -> bool:
        """Forget a binding; whether there was one."""
        binding = self.bindings.pop(identity, None)
        if binding is None:
            return False
        place = self._place(binding.key)
        place[binding.key].pop(identity)
        if not place[binding.key]:
            del place[binding.key]
        return True

    def _place(self, key: str) -> dict[str, dict[_Identity, Binding]]:
        is_pattern = self.spec.kind == "topic" and ("*" in key or "#" in key)
        return self._patterns if is_pattern else self._exact

    def taken_by(self, keys: Sequence[str], headers: Mapping[str, Any]) -> list[Binding]:
        """The bindings that take a message."""
        kind = self.spec.kind
        if kind == "fanout":
            return list(self.bindings.values())
        if kind == "headers":
            return [b for b in self.bindings.values() if headers_match(b.arguments, headers)]
        found = [b for key in dict.fromkeys(keys) for b in self._exact.get(key, {}).values()]
        for pattern, bindings in self._patterns.items():
            if any(topic_matches(pattern, key) for key in keys):
                found += bindings.values()
        return found


class Exchanges:
    """All exchanges of a broker.

    Attributes:
        internal: the names of those that take messages from exchanges only.
    """

    def __init__(self) -> None:
        self._stored = {
            name: StoredExchange(ExchangeSpec(name, kind)) for name, kind in _OWN.items()
        }
        self._stored["amq.rabbitmq.trace"] = StoredExchange(
            ExchangeSpec("amq.rabbitmq.trace", "topic", internal=True)
        )
        self.internal = {"amq.rabbitmq.trace"}
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        # By destination: the exchanges that lead there, and by which binding.
        self._leading: dict[tuple[str, bool], dict[tuple[str, _Identity], None]] = {}

    def __iter__(self) -> Iterator[StoredExchange]:
        return iter(list(self._stored.values()))

    def get(self, name: str) -> StoredExchange | None:
        """The exchange of this name, if there is one."""
        return self._stored.get(name)

    def add(self, spec: ExchangeSpec) -> None:
        """Make one."""
        self._stored[spec.name] = StoredExchange(spec)
        self._known.clear()
        if spec.internal:
            self.internal.add(spec.name)

    def bind(self, source: StoredExchange, binding: Binding) -> None:
        """Add a binding; again is harmless."""
        identity = source.add(binding)
        leading = self._leading.setdefault((binding.destination, binding.to_exchange), {})
        leading[source.spec.name, identity] = None
        self._known.clear()

    def unbind(self, source: StoredExchange, binding: Binding) -> None:
        """Take a binding away; one that is not there is no error."""
        identity = _identity(binding)
        if source.drop(identity):
            self._known.clear()
            self._forget(source.spec.name, identity)
            self._sweep(source)

    def remove(self, name: str) -> None:
        """Delete an exchange, what is bound to it, and what leads to it."""
        gone = self._stored.pop(name, None)
        if gone is None:
            return
        self.internal.discard(name)
        self._known.clear()
        for identity in gone.bindings:
            self._forget(name, identity)
        self.forget_destination(name, to_exchange=True)

    def forget_destination(self, name: str, *, to_exchange: bool) -> None:
        """A queue or an exchange is gone: so are the bindings that lead there."""
        leading = self._leading.pop((name, to_exchange), None)
        if leading is None:
            return
        self._known.clear()
        for source, identity in leading:
            exchange = self._stored.get(source)
            if exchange is not None:
                exchange.drop(identity)
                self._sweep(exchange)

    def _forget(self, source: str, identity: _Identity) -> None:
        """A binding is gone: its destination is not reached by it any more."""
        destination, to_exchange, _key, _arguments = identity
        leading = self._leading.get((destination, to_exchange))
        if leading is not None:
            leading.pop((source, identity), None)
            if not leading:
                del self._leading[destination, to_exchange]

    def _sweep(self, exchange: StoredExchange) -> None:
        if exchange.spec.auto_delete and not exchange.bindings:
            self.remove(exchange.spec.name)

    def route(
        self, name: str, keys: tuple[str, ...], headers: Mapping[str, Any]
    ) -> tuple[str, ...] | None:
        """The names of the queues that a message reaches, each once; None: no such exchange.

        An exchange none of whose bindings takes the message hands it to its alternate one; no
        exchange sees it twice.
        """
        if not name:
            return tuple(dict.fromkeys(keys))
        single = len(keys) == 1
        if single:
            known = self._known.get((name, keys[0]))
            if known is not None:
                return known
        first = self._stored.get(name)
        if first is None:
            return None
        found, depends_on_headers = self._walk(first, keys, headers)
        if single and not depends_on_headers:
            if len(self._known) >= _REMEMBERED_KEYS:
                self._known.clear()
            self._known[name, keys[0]] = found
        return found

    def _walk(
        self, first: StoredExchange, keys: tuple[str, ...], headers: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], bool]:
        queues: dict[str, None] = {}
        seen = {first.spec.name}
        waiting = [first]
        depends_on_headers = False
        while waiting:
            exchange = waiting.pop()
            depends_on_headers = depends_on_headers or exchange.spec.kind == "headers"
            taken = exchange.taken_by(keys, headers)
            onward = [binding.destination for binding in taken if binding.to_exchange]
            if not taken:
                onward = [exchange.spec.arguments.get("alternate-exchange", "")]
            queues.update((b.destination, None) for b in taken if not b.to_exchange)
            for name in onward:
                further = self._stored.get(name)
                if further is not None and name not in seen:
                    seen.add(name)
                    waiting.append(further)
        return tuple(queues), depends_on_headers
