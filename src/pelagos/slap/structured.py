"""Parameters with structure in a protocol whose parameters are text. Pure.

Where one value is a list or an object, all of them travel as one JSON text under the name `_`, as
releases of the serialisation json-in-xml expect them; otherwise each is a text of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.core import wire

_ALL = "_"


def pack(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as SLAP carries them.

    >>> pack({"a": 1, "b": [1, 2]}), pack({"a": 1})
    ({'_': '{"a":1,"b":[1,2]}'}, {'a': 1})
    """
    if any(isinstance(value, (Mapping, list)) for value in parameters.values()):
        return {_ALL: wire.encode(dict(parameters)).decode()}
    return dict(parameters)


def unpack(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with their structure; the text that is none is empty.

    >>> unpack({"_": '{"a": {"b": 1}}'}), unpack({"a": None})
    ({'a': {'b': 1}}, {'a': ''})
    """
    if set(parameters) == {_ALL}:
        try:
            found: dict[str, Any] = wire.decode(str(parameters[_ALL]), dict[str, Any])
        except wire.WireError:
            pass
        else:
            return found
    return {name: "" if value is None else value for name, value in parameters.items()}
