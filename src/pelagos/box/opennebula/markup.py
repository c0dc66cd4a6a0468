"""XML as OpenNebula writes it: no prolog, no namespace, stored texts in CDATA; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only its name is needed
    from pelagos.box.opennebula.world import Thing

_BITS = tuple(f"{who}_{what}" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")


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


def permissions(thing: Thing) -> str:
    """The nine permission bits."""
    bits = zip(_BITS, thing.mode, strict=True)
    return element("PERMISSIONS", "".join(element(name, bit) for name, bit in bits))


def lock(thing: Thing) -> str:
    """The lock of a thing, if it has one."""
    if thing.lock is None:
        return ""
    level, owner, when = thing.lock
    return element(
        "LOCK",
        f"<LOCKED>{level}</LOCKED><OWNER>{owner}</OWNER><TIME>{when}</TIME><REQ_ID>0</REQ_ID>",
    )
