"""XML that cannot come out malformed: elements around text, and the text escaped here alone."""

from __future__ import annotations

import re
from html import escape

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
#: What XML 1.0 has no way to write (its production Char).
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """Text that is XML already."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str) -> Markup:
    """`<name attribute="…">children</name>`; children that are no `Markup` are text.

    >>> element("Name", "R & D <1>", kind='"x"')
    '<Name kind="&quot;x&quot;">R &amp; D &lt;1&gt;</Name>'
    >>> element("br")
    '<br/>'
    """
    head = "".join(f' {key}="{text(value)}"' for key, value in attributes.items())
    inner = "".join(text(child) for child in children)
    return Markup(f"<{name}{head}>{inner}</{name}>" if inner else f"<{name}{head}/>")


def text(value: str) -> str:
    r"""The text as XML shows it; what XML cannot carry is left out, `Markup` stays as it is.

    >>> text("a\x00<b>")
    'a&lt;b&gt;'
    """
    return value if isinstance(value, Markup) else escape(_UNWRITABLE.sub("", value))


def document(root: Markup, doctype: str = "") -> str:
    """A whole document in UTF-8."""
    return f"{_DECLARATION}{doctype}{root}\n"
