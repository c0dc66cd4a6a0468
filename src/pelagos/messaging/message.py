"""The messages that components exchange, and their form on the wire.

Every message is one mapping, in this order of keys:

    {"type": …, "name": …, "category": "message"|"rpc", "version": "2",
     "fingerprint": {name, type, pid, host, user, vhost}, "content": {…}, "_reserved": {}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pelagos.messaging.errors import PoisonError

#: The version that is sent; readers also accept the integer.
VERSION: Final = "2"

_REQUIRED: Final[dict[str, type | tuple[type, ...]]] = {
    "type": str,
    "name": str,
    "category": str,
    "content": (dict, Mapping),
}
_CATEGORIES: Final = ("message", "rpc")
_TEXT: Final = {str}
_NOT_GIVEN: Final = object()


class Message:
    """A message of no particular type: positional and keyword arguments, as they are.

    Attributes:
        type: what kind of message; fixed by the class.
        category: `message`, or `rpc` when an answer is expected.
        boolean_value: the truth of the message; a failed result is false.
        body: the mapping that is sent.

    >>> Message(1, unit="GiB").body["content"]
    {'args': [1], 'kwds': {'unit': 'GiB'}}
    """

    type: str = "none"
    category: str = "message"
    boolean_value: bool = True

    def __init__(self, /, *args: Any, **kwds: Any) -> None:
        content: dict[str, Any] = {}
        if args:
            content["args"] = list(args)
        if kwds:
            content["kwds"] = kwds
        self._compose("none", content)

    def _compose(self, name: str, content: dict[str, Any]) -> None:
        self.body: dict[str, Any] = {
            "type": self.type,
            "name": name,
            "category": self.category,
            "version": VERSION,
            "fingerprint": {},
            "content": content,
            "_reserved": {},
        }

    def fingerprint(self, **fields: Any) -> None:
        """Say who sends it; fields given before are kept unless given again."""
        self.body["fingerprint"].update({key: str(value) for key, value in fields.items()})

    def is_from(self, facts: Mapping[str, str]) -> None:
        """Say who sends it, as `fingerprint` does, with facts that are text already."""
        said = self.body["fingerprint"]
        self.body["fingerprint"] = {**said, **facts} if said else dict(facts)

    def __bool__(self) -> bool:
        return self.boolean_value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Message):
            return self.body == other.body
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # the body may change

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.body['type']} {self.body['name']}>"


class MessageCommand(Message):
    """Asks for something to be done; nobody answers.

    >>> MessageCommand("resize", {"size": 10}).body["content"]
    {'parameters': {'size': 10}}
    """

    type = "command"

    def __init__(self, command: object, parameters: Any = _NOT_GIVEN) -> None:
        given = {} if parameters is _NOT_GIVEN else parameters
        self._compose(str(command), {"parameters": given})


class RpcCommand(MessageCommand):
    """Asks for something to be done, with an answer."""

    category = "rpc"


class MessageStatus(Message):
    """Tells what state the sender is in."""

    type = "status"

    def __init__(self, status: object) -> None:
        self._compose(str(status), {})


class MessageResult(Message):
    """The answer of a call that succeeded."""

    type = "result"

    def __init__(self, value: Any, message: str = "") -> None:
        self._compose("none", {"type": "success", "value": value, "message": message})


class MessageResultError(Message):
    """The answer of a call that could not be done; false."""

    type = "result"
    boolean_value = False

    def __init__(self, message: str) -> None:
        self._compose("none", {"type": "error", "value": None, "message": message})


class MessageResultException(Message):
    """The answer of a call that raised: the exception's class name and text; false."""

    type = "result"
    boolean_value = False

    def __init__(self, name: str, message: str) -> None:
        self._compose("none", {"type": "exception", "value": name, "message": message})


def read_result(data: Any) -> Message:
    """The answer of a call, from the decoded body of its message.

    What is no result becomes a MessageResultError that says what is wrong with it. The answer
    keeps the fingerprint of whoever gave it.

    >>> read_result(MessageResult(5).body) == MessageResult(5)
    True
    """
    # dict first: it is quick
    content = data.get("content") if isinstance(data, (dict, Mapping)) else None
    if not isinstance(content, (dict, Mapping)):
        return MessageResultError("the answer is not a message")
    kind, value, text = content.get("type"), content.get("value"), content.get("message")
    answer: Message
    if kind == "success":
        answer = MessageResult(value, "" if text is None else text)
    elif kind == "error":
        answer = MessageResultError("" if text is None else text)
    elif kind == "exception":
        answer = MessageResultException(str(value), "" if text is None else text)
    else:
        return MessageResultError(f"the answer has the unknown type {kind!r}")
    sender = data.get("fingerprint")
    if isinstance(sender, (dict, Mapping)):
        if not {*map(type, sender), *map(type, sender.values())} <= _TEXT:
            sender = {str(key): str(given) for key, given in sender.items()}
        answer.is_from(sender)
    return answer


def check_body(data: Any) -> dict[str, Any]:
    """The decoded body, if it is a message that can be dispatched.

    Raises:
        PoisonError: it is no mapping, lacks a key, or has a value of a wrong kind or version.
    """
    if not isinstance(data, dict):
        raise PoisonError(f"the body is not a mapping but of type {type(data).__name__}")
    if not _is_usual(data):
        _check_each(data)
    return data


def _is_usual(data: dict[str, Any]) -> bool:
    """Whether it is as nearly all messages are, which is soon seen."""
    get = data.get
    return (
        type(get("type")) is str
        and type(get("name")) is str
        and get("category") in _CATEGORIES
        and type(get("content")) is dict
        and get("version") == VERSION
        and type(get("fingerprint")) is dict
    )


def _check_each(data: dict[str, Any]) -> None:
    for key, kind in _REQUIRED.items():
        if key not in data:
            raise PoisonError(f"the key {key!r} is missing")
        if not isinstance(data[key], kind):
            raise PoisonError(f"{key!r} has the wrong type {type(data[key]).__name__}")
    if data["category"] not in _CATEGORIES:
        raise PoisonError("'category' is neither 'message' nor 'rpc'")
    version = data.get("version", VERSION)
    if isinstance(version, bool) or version not in (VERSION, int(VERSION)):
        raise PoisonError("'version' is not 2")
    if not isinstance(data.get("fingerprint", {}), (dict, Mapping)):  # dict first: it is quick
        raise PoisonError("'fingerprint' is not a mapping")
