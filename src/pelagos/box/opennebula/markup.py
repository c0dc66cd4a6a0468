"""XML as OpenNebula writes it: no prolog, no namespace, stored texts in CDATA; pure."""

from __future__ import annotations

from collections.abc import Iterable


def element(tag: str, inside: object = "") -> str:
    """`<tag>inside</tag>`; what is inside is taken as it is: markup, a number, a checked name."""
    return f"<{tag}>{inside}</{tag}>"


def cdata(tag: str, text: object) -> str:
    """An element with a text that may hold anything but `]]>`."""
    return f"<{tag}><![CDATA[{text}]]></{tag}>"


def ids(tag: str, numbers: Iterable[int]) -> str:
    """`<tag><ID>1</ID><ID>2</ID></tag>`."""
    return element(tag, "".join(f"<ID>{number}</ID>" for number in numbers))


def escaped(text: str) -> str:
    """A text in an element of the envelope."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#x0d;")
