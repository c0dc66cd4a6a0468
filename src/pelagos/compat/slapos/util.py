"""`slapos.util`: documents of SLAP and texts, as programs take them from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pelagos.slap.instance_xml import parameters_xml, xml_parameters
from pelagos.slap.marshal import dumps, loads

__all__ = ["bytes2str", "dict2xml", "dumps", "loads", "mkdir_p", "str2bytes", "xml2dict"]


def dict2xml(dictionary: Mapping[str, Any]) -> str:
    """Parameters as the document of an instance.

    >>> xml2dict(dict2xml({"size": 10}))
    {'size': '10'}
    """
    return parameters_xml(dictionary)


def xml2dict(xml: str | bytes | None) -> dict[str, str | None]:
    """The parameters in the document of an instance; None has none."""
    return xml_parameters(bytes2str(xml or ""))


def bytes2str(s: str | bytes) -> str:
    """A text, from its UTF-8 if need be."""
    return s.decode() if isinstance(s, bytes) else s


def str2bytes(s: str | bytes) -> bytes:
    """The UTF-8 of a text."""
    return s.encode() if isinstance(s, str) else s


def mkdir_p(path: str, mode: int = 0o700) -> None:
    """Make a folder and those that it is in, unless it is there."""
    Path(path).mkdir(mode, parents=True, exist_ok=True)
