"""A call as bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pelagos.one.errors import OneValueException

#: What the server's XML-RPC library refuses, though XML allows some of it.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]")
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


def encode_call(method: str, params: Iterable[object]) -> bytes:
    """The body of the request.

    Raises:
        OneValueException: a parameter cannot travel: None, bytes, a character that the server
            refuses, a number of more than 64 bits.

    >>> encode_call("m", [True, 1])[22:]  # doctest: +ELLIPSIS
    b'<methodCall><methodName>m</methodName><params><param><value><boolean>1</boolean>...
    """
    parts = [
        f'<?xml version="1.0"?>\n<methodCall><methodName>{_escaped(method)}</methodName><params>'
    ]
    for number, value in enumerate(params):  # the first is the session
        parts += ["<param>", *_value(value, method, f"parameter {number}"), "</param>"]
    parts.append("</params></methodCall>\n")
    return "".join(parts).encode()


def check_text(text: str, method: str, where: str) -> None:
    """Raise OneValueException about a character that the server refuses."""
    found = _REFUSED.search(text)
    if found is not None:
        raise OneValueException(
            f"{where} of {method} has the character U+{ord(found[0]):04X} at {found.start()}, "
            "which OpenNebula does not take",
            method=method,
            hint="control characters and those beyond U+FFFF (emoji) cannot be sent",
        )


def _value(value: object, method: str, where: str) -> list[str]:
    if isinstance(value, str):
        check_text(value, method, where)
        return ["<value><string>", _escaped(str(value)), "</string></value>"]
    if isinstance(value, bool):
        return [f"<value><boolean>{value:d}</boolean></value>"]
    if isinstance(value, int):
        return [_number(value, method, where)]
    if isinstance(value, float):
        return [f"<value><double>{value!r}</double></value>"]
    return _compound(value, method, where)


def _compound(value: object, method: str, where: str) -> list[str]:
    if isinstance(value, Mapping):
        parts = ["<value><struct>"]
        for name, member in value.items():
            parts += [f"<member><name>{_escaped(str(name))}</name>"]
            parts += [*_value(member, method, f"{where}[{name!r}]"), "</member>"]
        return [*parts, "</struct></value>"]
    if isinstance(value, list | tuple):
        parts = ["<value><array><data>"]
        for number, element in enumerate(value):
            parts += _value(element, method, f"{where}[{number}]")
        return [*parts, "</data></array></value>"]
    raise OneValueException(
        f"{where} of {method} is {type(value).__name__}, which OpenNebula does not take",
        method=method,
        hint="send texts, whole numbers, booleans, or a mapping where a template belongs",
    )


def _number(value: int, method: str, where: str) -> str:
    if int(value) in _INT32:
        return f"<value><i4>{int(value)}</i4></value>"
    if int(value) in _INT64:
        return f"<value><i8>{int(value)}</i8></value>"
    raise OneValueException(f"{where} of {method} has more than 64 bits", method=method)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
