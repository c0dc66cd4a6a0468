"""XML cut into its elements without a tree: bytes in, slices out. Pure.

Each text was first checked as a whole by a real parser (`document`), so what is cut here is known
to be well-formed, in UTF-8, and without a document type. The quick way looks for the closing tag;
where a value could deceive it (CDATA, comments, an element in one of the same name), the sure way
counts.
"""

from __future__ import annotations

import re

from pelagos.one.xmlrpc.answer import plain_text

Child = tuple[bytes, bytes]

_SECTION = re.compile(rb"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME_END = re.compile(rb"[\s/>]")
_CDATA = b"<![CDATA["
#: What comes behind a `<` that begins no element; nothing when the data ends there.
_NO_NAME = (b"/", b"!", b"?", b"")


def children(data: bytes, start: int, found: list[Child], *, is_whole: bool = True) -> int:
    """Append (name, inner text) of the elements from `start` on, in order.

    Args:
        is_whole: False: the data may go on; an element that is not yet whole is left for later.

    Returns:
        Where it stopped: at the closing tag of the parent, at the end, or at what is not whole.
    """
    find = data.find
    while True:
        start = find(b"<", start)
        if start < 0:
            return len(data)
        if data[start + 1 : start + 2] in _NO_NAME:
            after = _behind_section(data, start)
            if after < 0:
                return start
            start = after
            continue
        name, close, is_empty = opening(data, start)
        if close < 0:
            return start
        if is_empty:
            found.append((name, b""))
            start = close + 1
            continue
        stop, after = _end(data, name, close + 1, is_whole=is_whole)
        if stop < 0:
            return start
        found.append((name, data[close + 1 : stop]))
        start = after


def _end(data: bytes, name: bytes, start: int, *, is_whole: bool) -> tuple[int, int]:
    """Where the closing tag begins and ends of the element whose inner text begins at `start`."""
    stop = data.find(b"</%b>" % name, start)
    if stop < 0:
        return _sure_end(data, name, start) if is_whole else (-1, -1)
    if data.find(b"<", start, stop) >= 0 and _may_deceive(data[start:stop], name):
        return _sure_end(data, name, start)
    return stop, stop + len(name) + 3


def opening(data: bytes, start: int) -> tuple[bytes, int, bool]:
    """Of the tag that begins there: name, place of its `>` or -1, whether it is `<A/>`."""
    close = data.find(b">", start)
    name = data[start + 1 : close]
    if close < 0 or name.isalnum() or name.replace(b"_", b"").isalnum():
        return name, close, False
    end = _TAG_END.match(data, start + 1)
    name_end = _NAME_END.search(data, start + 1)
    if end is None or name_end is None:
        return b"", -1, False
    close = end.end() - 1
    return data[start + 1 : name_end.start()], close, data[close - 1 : close] == b"/"


def first_element(data: bytes) -> int:
    """Where the first tag begins, behind a declaration and comments; -1 when it is not there."""
    start = data.find(b"<")
    while start >= 0 and data[start + 1 : start + 2] in _NO_NAME:
        start = data.find(b"<", _behind_section(data, start))
    return start


def _behind_section(data: bytes, start: int) -> int:
    """Behind a comment, an instruction or CDATA; -1 at a closing tag or when it is not whole."""
    section = _SECTION.match(data, start)
    return section.end() if section else -1


def _may_deceive(inner: bytes, name: bytes) -> bool:
    """Whether the first closing tag is perhaps not that of the element."""
    if inner.startswith(_CDATA) and inner.find(b"]]>") == len(inner) - 3:
        return False
    opening = b"<" + name
    return (
        inner.rfind(_CDATA) > inner.rfind(b"]]>")
        or opening + b">" in inner
        or b"<!--" in inner
        or b"<?" in inner
        or any(opening + mark in inner for mark in (b"/", b" ", b"\n", b"\t"))
    )


def _sure_end(data: bytes, name: bytes, start: int) -> tuple[int, int]:
    """Where the element's closing tag begins and ends, counted; (-1, -1): it is not whole."""
    token = re.compile(
        rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>|<(/?)"
        + re.escape(name)
        + rb"""(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>""",
        re.DOTALL,
    )
    open_section = re.compile(rb"<!\[CDATA\[|<!--|<\?")
    depth, seen = 1, start
    for match in token.finditer(data, start):
        gap = open_section.search(data, seen, match.start())
        if gap is not None:
            return -1, -1  # a section that does not end in what is here
        seen = match.end()
        if match[1] is None:
            continue
        if match[1]:
            depth -= 1
        elif not match[0].endswith(b"/>"):
            depth += 1
        if depth == 0:
            return match.start(), match.end()
    return -1, -1


def has_elements(inner: bytes) -> bool:
    """Whether there are elements in it, and not only text."""
    mark = inner.find(b"<")
    if mark < 0:
        return False
    if inner[mark + 1] in b"!?":
        return b"<" in _SECTION.sub(b"", inner)
    return True


def text(inner: bytes) -> str:
    """The text of an element without elements in it.

    >>> text(b"<![CDATA[a<b]]>"), text(b"a&lt;b"), text(b"")
    ('a<b', 'a<b', '')
    """
    if b"\r" in inner:
        inner = inner.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"<" in inner:
        if inner.startswith(_CDATA) and inner.find(b"]]>") == len(inner) - 3:
            return inner[9:-3].decode()
        return _mixed(inner)
    if b"&" in inner:
        return plain_text(inner).decode()
    return inner.decode()


def _mixed(inner: bytes) -> str:
    parts, seen = [], 0
    for section in _SECTION.finditer(inner):
        parts += [plain_text(inner[seen : section.start()]), section[1] or b""]
        seen = section.end()
    return b"".join([*parts, plain_text(inner[seen:])]).decode()
