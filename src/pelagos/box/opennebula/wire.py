"""XML-RPC as the daemon speaks it: strict types, its faults, answers of three or five elements."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Sequence
from xml.parsers import expat

from pelagos.box.opennebula.errors import MALFORMED, Fault
from pelagos.box.opennebula.markup import escaped

_ASTRAL = re.compile("[\U00010000-\U0010ffff\ufffe\uffff]")
_ENTITIES = re.compile(rb"<!(DOCTYPE|ENTITY)")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>'
_TAIL = "</methodResponse>\n"
_I4 = 2**31


def read_call(body: bytes) -> tuple[str, list[object]]:
    """The method and its parameters.

    Raises:
        Fault: it is no proper call.
    """
    if _ENTITIES.search(body) or b"\0" in body:  # which UTF-16 would hide them behind
        raise Fault(MALFORMED, "Call XML not a proper XML-RPC call.  It has a document type.")
    try:
        parameters, method = xmlrpc.client.loads(body, use_builtin_types=True)
    except (
        expat.ExpatError,
        xmlrpc.client.Error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise Fault(MALFORMED, f"Call XML not a proper XML-RPC call.  {error}") from error
    if not method:
        raise Fault(MALFORMED, "Call XML not a proper XML-RPC call.  It names no method.")
    read: list[object] = list(parameters)
    for one in read:
        check_text(one)
    return str(method), read


def check_text(value: object) -> None:
    """Refuse what the daemon's UTF-8 does not know.

    Raises:
        Fault: it holds a character beyond the basic plane.
    """
    if isinstance(value, str) and (found := _ASTRAL.search(value)):
        raise Fault(
            MALFORMED,
            "Call XML not a proper XML-RPC call.  UTF-8 string contains a character not in the "
            f"Basic Multilingual Plane (U+{ord(found[0]):X})",
        )


def write_answer(value: object) -> bytes:
    """What a method returned."""
    return f"{_HEAD}<params><param>{write_value(value)}</param></params>{_TAIL}".encode()


def write_fault(fault: Fault) -> bytes:
    """That the call never reached a handler."""
    return f"{_HEAD}<fault>{write_value(fault_value(fault))}</fault>{_TAIL}".encode()


def fault_value(fault: Fault) -> dict[str, object]:
    """A fault as a struct, also within the answer of a multicall."""
    return {"faultCode": fault.number, "faultString": fault.message}


def write_value(value: object) -> str:
    """`<value>…</value>`."""
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, int):
        tag = "i4" if -_I4 <= value < _I4 else "i8"
        return f"<value><{tag}>{value}</{tag}></value>"
    if isinstance(value, dict):
        members = "".join(
            f"<member><name>{escaped(name)}</name>{write_value(one)}</member>"
            for name, one in value.items()
        )
        return f"<value><struct>{members}</struct></value>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        inside = "".join(map(write_value, value))
        return f"<value><array><data>{inside}</data></array></value>"
    return f"<value><string>{escaped(str(value))}</string></value>"
