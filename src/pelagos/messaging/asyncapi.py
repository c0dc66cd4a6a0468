"""What a component reads and sends, as an AsyncAPI 3.0 document for people and generators. Pure.

    document = describe(Resizer, title="Resizer", version="1.2.0")

Made from what is declared anyway: the queues and bindings of a processor with its handlers and
their types, the exchanges of a producer with its builders. The meaning of the keys is that of
https://www.asyncapi.com/docs/reference/specification/v3.0.0, those below `bindings.amqp` that of
https://github.com/asyncapi/bindings/tree/master/amqp, version 0.3.0.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pelagos.core import wire
from pelagos.messaging.application import (
    EVERYBODY,
    ROUND_ROBIN,
    GenericApplication,
    GenericApplicationExchange,
)
from pelagos.messaging.binding import Binding, make_queue, read_eqk
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.processor.registry import HandlerInfo
from pelagos.messaging.transports.address import BrokerAddress, vhost_path

VERSION: Final = "3.0.0"
_BINDING: Final = {"bindingVersion": "0.3.0"}
_SCHEMAS: Final = "#/components/schemas/{name}"
_REPLIES: Final = "replies"
_BUILDER: Final = re.compile(r"build_(message|rpc)_(\w+)")
_TEXT: Final = {"type": "string"}
_FINGERPRINT: Final = {
    "type": "object",
    "description": "Who sends: every value is text.",
    "properties": dict.fromkeys(("name", "type", "pid", "host", "user", "vhost"), _TEXT),
}
#: The queues of a component, and the keys by which it is reached.
_ADDRESSES: Final = (
    ("{pid}@{host}", "{name}"),
    ("{pid}@{host}", "@{host}"),
    ("{pid}@{host}", "{name}@{host}"),
    ("{pid}@{host}", "{pid}@{host}"),
    ("{pid}@{host}", EVERYBODY),
    ("{name}", "{name}" + ROUND_ROBIN),
    ("{name}@{host}", "{name}@{host}" + ROUND_ROBIN),
)
_RESULT: Final = {
    "type": "object",
    "properties": {
        "type": {"enum": ["success", "error", "exception"]},
        "value": {"description": "the value; of an exception its class"},
        "message": _TEXT,
    },
    "required": ["type", "value", "message"],
}


@dataclass(slots=True)
class _Kind:
    """One kind of message: what its body has to be, and who deals with it."""

    category: str
    type: str
    name: str | None
    doc: str = ""
    schema: dict[str, Any] | None = None
    is_whole: bool = True
    is_body: bool = False
    handlers: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return _as_id(f"{'rpc' if self.category == 'rpc' else self.type}.{self.name or 'any'}")


def describe(
    component: Any, *, title: str = "", version: str = "1.0.0", bus: str = ""
) -> dict[str, Any]:
    """The document of a component, ready to be written as JSON.

    Args:
        component: a class (or object) derived from MessageProcessor, GenericConsumer or
            GenericProducer.
        title: name of the application; the name of the class when empty.
        version: of the application.
        bus: URL of the broker; its user and password are left out.

    Raises:
        BusUrlError: the URL has a wrong form.
        MessagingError: it is none of these, or a type of its handlers cannot be described.
    """
    document = _Document()
    if not any(hasattr(component, name) for name in ("eqk", "eks", "handlers")):
        given = getattr(component, "__qualname__", component)
        raise MessagingError(
            f"{given} is no component that can be described",
            hint="name a class derived from MessageProcessor, GenericConsumer or GenericProducer",
        )
    if hasattr(component, "eks"):
        document.add_sender(component.eks, _built(component))
    else:
        document.add_reader(_bindings(component), _read(component, document))
    owner = component if isinstance(component, type) else type(component)
    info = {"title": title or owner.__name__, "version": version}
    doc = inspect.cleandoc(owner.__doc__ or "")  # its own: what it derives from is ours
    if doc:
        info["description"] = doc
    servers = dict(_servers(bus)) if bus else {}
    return {
        "asyncapi": VERSION,
        "info": info,
        **({"servers": servers} if servers else {}),
        "defaultContentType": "application/json",
        "channels": document.channels,
        "operations": document.operations,
        "components": {"schemas": document.schemas},
    }


class _Document:
    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.schemas: dict[str, Any] = {"Fingerprint": _FINGERPRINT}

    def add_reader(self, bindings: list[Binding], kinds: list[_Kind]) -> None:
        """The queues that are read, and the exchanges that fill them."""
        messages = {kind.id: self._message(kind) for kind in kinds}
        queues: dict[str, str] = {}
        for binding in bindings:
            queue = binding.queue
            name = queues.get(queue.name)
            if name is None:
                name = queues[queue.name] = self._free(f"queue.{queue.name or 'own'}")
                self.channels[name] = {
                    "address": queue.name or None,
                    "title": f"queue {queue.name}" if queue.name else "a queue of its own",
                    "messages": messages,
                    **_expressions(queue.name),
                    "bindings": {"amqp": _queue(queue)},
                    "x-pelagos-bound-to": [],
                }
            if binding.exchange.name:
                sources = self.channels[name]["x-pelagos-bound-to"]
                sources.append({"exchange": binding.exchange.name, "key": binding.key})
                self._exchange(binding.exchange, binding.key, messages)
        for name in queues.values():
            for kind in kinds:
                self._operation("receive", name, kind, alone=len(queues) == 1)

    def add_sender(self, eks: Iterable[tuple[type[Exchange], str]], kinds: list[_Kind]) -> None:
        """The exchanges to which is sent."""
        messages = {kind.id: self._message(kind) for kind in kinds}
        names = [self._exchange(exchange, key, messages) for exchange, key in eks]
        for name in names:
            for kind in kinds:
                self._operation("send", name, kind, alone=len(names) == 1)

    def take_types(self, types: list[Any]) -> list[dict[str, Any]]:
        """Their schemas; what these refer to is kept."""
        schemas, named = wire.json_schemas(types, reference=_SCHEMAS)
        self.schemas.update(named)
        return schemas

    def _exchange(self, exchange: type[Exchange], key: str, messages: Mapping[str, Any]) -> str:
        name = _as_id(f"{exchange.name or 'default'}.{key}")
        kind = exchange.exchange_type
        known = kind in ("topic", "direct", "fanout", "default", "headers")
        self.channels[name] = {
            "address": key,
            "title": f"{exchange.name or 'the default exchange'} with the key {key!r}",
            "messages": dict(messages),
            **_expressions(key),
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {
                        "name": exchange.name,
                        **({"type": kind} if known else {"x-type": kind}),
                        "durable": exchange.durable,
                        "autoDelete": exchange.auto_delete,
                    },
                    **_BINDING,
                }
            },
        }
        return name

    def _operation(self, action: str, channel: str, kind: _Kind, *, alone: bool) -> None:
        name = self._operation_name(f"{action}.{kind.id}", channel, alone=alone)
        operation: dict[str, Any] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": [{"$ref": f"#/channels/{channel}/messages/{kind.id}"}],
        }
        if kind.doc:
            operation["summary"] = kind.doc
        if kind.handlers:
            operation["x-pelagos-handlers"] = kind.handlers
        if kind.category == "rpc":
            self._add_replies()
            operation["reply"] = {
                "address": {
                    "location": "$message.header#/reply_to",
                    "description": "the queue that the request names; the answer is published to "
                    "the default exchange",
                },
                "channel": {"$ref": f"#/channels/{_REPLIES}"},
                "messages": [{"$ref": f"#/channels/{_REPLIES}/messages/result"}],
            }
        self.operations[name] = operation

    def _operation_name(self, name: str, channel: str, *, alone: bool) -> str:
        return _as_id(name if alone else f"{name}.{channel}")

    def _add_replies(self) -> None:
        if _REPLIES not in self.channels:
            result = _Kind("message", "result", "none", schema=_RESULT)
            self.channels[_REPLIES] = {
                "address": None,
                "title": "the caller's queue of answers",
                "messages": {"result": self._message(result)},
            }

    def _message(self, kind: _Kind) -> dict[str, Any]:
        title = f"{kind.type} {kind.name or ''}".strip()
        message: dict[str, Any] = {
            "name": kind.name or "any",
            "title": f"call of {title}" if kind.category == "rpc" else title,
            "contentType": "application/json",
            "payload": _payload(kind),
        }
        if kind.doc:
            message["summary"] = kind.doc
        if kind.category == "rpc" or kind.type == "result":
            message["correlationId"] = {"location": "$message.header#/correlation_id"}
        return message

    def _free(self, name: str) -> str:
        wanted, number = _as_id(name), 1
        found = wanted
        while found in self.channels:
            number += 1
            found = f"{wanted}.{number}"
        return found


def _read(component: Any, document: _Document) -> list[_Kind]:
    """The kinds of messages that the handlers of a processor are for, each once."""
    handlers: Iterable[HandlerInfo] = (
        component.handlers() if hasattr(component, "handlers") else ()
    )
    kinds: dict[tuple[str, str, str | None], _Kind] = {}
    for info in handlers:
        key = (info.category, info.type, info.name)
        kind = kinds.setdefault(key, _Kind(*key, doc=info.doc))
        kind.handlers.append(info.handler)
        if info.payload is not None and kind.schema is None:
            [kind.schema] = document.take_types([info.payload.type])
            kind.is_whole = info.payload.whole or info.type != "command"
            kind.is_body = info.full_body
    return list(kinds.values())


def _built(component: Any) -> list[_Kind]:
    """The messages for which a producer has builders."""
    kinds = []
    for attribute in dir(component):
        found = _BUILDER.fullmatch(attribute)
        if found:
            doc = (inspect.getdoc(getattr(component, attribute)) or "").partition("\n")[0]
            kinds.append(_Kind(found[1], "command", found[2], doc=doc))
    return kinds or [_Kind("message", "command", None)]


def _bindings(component: Any) -> list[Binding]:
    """What is read: of an object what it reads now, of a class what its objects will."""
    if not isinstance(component, type):
        return list(getattr(component, "consumer", component).bindings)
    declared = read_eqk(getattr(component, "eqk", None) or ())
    if issubclass(component, GenericApplication):
        declared += [
            Binding(GenericApplicationExchange, make_queue(queue), key)
            for queue, key in _ADDRESSES
        ]
    return declared


def _payload(kind: _Kind) -> dict[str, Any]:
    content: dict[str, Any] = {"type": "object"}
    if kind.schema is not None and not kind.is_body:
        content = kind.schema
        if not kind.is_whole:
            content = {
                "type": "object",
                "properties": {"parameters": kind.schema},
                "required": ["parameters"],
            }
    envelope = {
        "type": "object",
        "properties": {
            "type": _word(kind.type),
            "name": _word(kind.name),
            "category": {"const": kind.category},
            "version": {"enum": ["2", 2]},
            "fingerprint": {"$ref": _SCHEMAS.format(name="Fingerprint")},
            "content": content,
            "_reserved": {"type": "object"},
        },
        "required": ["type", "name", "category", "content"],
    }
    return {"allOf": [envelope, kind.schema]} if kind.is_body and kind.schema else envelope


def _word(text: str | None) -> dict[str, Any]:
    """The schema of a type or a name, which may be a pattern."""
    if text is None:
        return _TEXT
    if not re.search(r"[*?\[]", text):
        return {"const": text}
    parts = re.split(r"([*?])", text)
    said = {"*": ".*", "?": "."}
    return {
        "type": "string",
        "pattern": "^" + "".join(said.get(p) or _quoted(p) for p in parts) + "$",
    }


def _quoted(text: str) -> str:
    return re.sub(r"([\\.^$+(){}|])", r"\\\1", text)


def _expressions(address: str) -> dict[str, Any]:
    """The parameters that an address with `{…}` needs."""
    names = re.findall(r"\{(\w+)\}", address)
    said = {name: {"description": f"the {name} of the component"} for name in names}
    return {"parameters": said} if said else {}


def _queue(queue: Any) -> dict[str, Any]:
    return {
        "is": "queue",
        "queue": {
            "name": queue.name,
            "durable": queue.durable,
            "exclusive": queue.exclusive,
            "autoDelete": queue.auto_delete,
        },
        **_BINDING,
    }


def _servers(bus: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a program may connect to: nothing, where the bus is one of this process alone."""
    if bus.startswith("memory:"):
        return
    address = BrokerAddress.from_url(bus)
    for number, (host, port) in enumerate(address.hosts, 1):
        yield (
            "broker" if number == 1 else f"broker{number}",
            {
                "host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                "protocol": "amqp" if address.tls is None else "amqps",
                "protocolVersion": "0-9-1",
                **({} if address.vhost == "/" else {"pathname": f"/{vhost_path(address.vhost)}"}),
            },
        )


def _as_id(text: str) -> str:
    words = text.replace("*", "any").replace("#", "all")
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", words).strip("_.") or "any"
