"""XML cut into its elements without a tree: bytes in, slices out. Pure.

Each text was first checked as a whole by a real parser (`document`), so what is cut here is known
to be well-formed, in UTF-8, and without document type, comments and instructions. The quick way
takes the first closing tag of a name that is not within CDATA. It is wrong only where an element
has one of its own name in it; that is noticed, because a tag is left over, and then they are
counted.
"""

from __future__ import annotations

import re

from pelagos.one.errors import OneAnswerException
from pelagos.one.xmlrpc.answer import plain_text

Child = tuple[str, bytes]

_CDATA = b"<![CDATA["
_CDATA_END = b"]]>"
_CDATA_LENGTHS = len(_CDATA) + len(_CDATA_END)
_SECTION = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_NOTE = re.compile(rb"(<!\[CDATA\[.*?\]\]>)|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME_END = re.compile(rb"[\s/>]")
_PLAIN_NAME = re.compile(rb"[^\s/>\"'=]+")
_SLASH, _BANG = b"/!"

#: Per name as bytes: the name, its opening and its closing tag. Bounded; answers share names.
_names: dict[bytes, tuple[str, bytes, bytes]] = {}
_NAMES_LIMIT = 10_000


def cut(inner: bytes) -> list[Child]:
    """(name, inner text) of each element in a text that is here as a whole.

    Raises:
        OneAnswerException: it does not come apart into elements.
    """
    found: list[Child] = []
    stop = cut_start(inner, 0, found)
    if inner[stop:].strip(b" \t\r\n"):
        found.clear()
        stop = cut_start(inner, 0, found, is_counted=True)
        if inner[stop:].strip(b" \t\r\n"):
            raise OneAnswerException(f"the answer does not come apart at {inner[stop:][:40]!r}")
    return found


def cut_start(  # noqa: C901, PLR0912  # the loop that all answers go through
    data: bytes, start: int, found: list[Child], *, is_counted: bool = False, is_part: bool = False
) -> int:
    """Append (name, inner text) of the whole elements from `start` on.

    Args:
        is_counted: count tags at once, instead of when something is left over.
        is_part: the data may go on, and it cannot be cut a second time.

    Returns:
        Where it stopped: at the end, at a closing tag, or at what is not whole.
    """
    find, names = data.find, _names
    while True:
        start = find(b"<", start)
        if start < 0:
            return len(data)
        close = find(b">", start)
        if close < 0:
            return start
        known = names.get(data[start + 1 : close])
        if known is None:
            known, close = _opening(data, start)
            if known is None:
                if close < 0:
                    return start
                start = close  # behind CDATA beside elements, which means nothing
                continue
            if data[close - 1] == _SLASH:
                found.append((known[0], b""))
                start = close + 1
                continue
        name, opening, closing = known
        stop = find(b"<", close)
        if data[stop + 1 : stop + 2] != b"/":
            stop = find(closing, stop)
            if (
                is_counted
                or data.rfind(_CDATA, close, stop) > data.rfind(_CDATA_END, close, stop)
                or (is_part and data.find(opening, close, stop) >= 0)
            ):
                stop = _counted_end(data, name.encode(), close + 1)
        if stop < 0:
            return start
        after = find(b">", stop)
        if after < 0:
            return start
        found.append((name, data[close + 1 : stop]))
        start = after + 1


def _opening(data: bytes, start: int) -> tuple[tuple[str, bytes, bytes] | None, int]:
    """What is known of the name of the tag there, and the place of its `>`.

    None for what is no tag that opens: with where to go on, or -1.
    """
    if data[start + 1] == _SLASH:
        return None, -1
    if data[start + 1] == _BANG:
        section = _SECTION.match(data, start)
        return None, section.end() if section else -1
    end = _TAG_END.match(data, start + 1)
    name_end = _NAME_END.search(data, start + 1)
    if end is None or name_end is None:
        return None, -1
    return _known(data[start + 1 : name_end.start()]), end.end() - 1


def _known(name: bytes) -> tuple[str, bytes, bytes]:
    known = _names.get(name)
    if known is None:
        known = name.decode(), b"<%b>" % name, b"</%b>" % name
        if len(_names) < _NAMES_LIMIT:
            _names[name] = known
    return known


def _counted_end(data: bytes, name: bytes, start: int) -> int:
    """Where the element's closing tag begins, counted; -1: it is not here yet."""
    token = re.compile(
        rb"<!\[CDATA\[.*?\]\]>|<(/?)"
        + re.escape(name)
        + rb"""(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>""",
        re.DOTALL,
    )
    depth, seen = 1, start
    for match in token.finditer(data, start):
        if data.find(_CDATA, seen, match.start()) >= 0:
            return -1  # one that does not end in what is here
        seen = match.end()
        if match[1]:
            depth -= 1
            if depth == 0:
                return match.start()
        elif match[1] is not None and not match[0].endswith(b"/>"):
            depth += 1
    return -1


def opening(data: bytes) -> tuple[str, int, bool]:
    """Of the first tag: its name, the place of its `>` or -1, whether it is `<A/>`."""
    start = data.find(b"<")
    if start < 0 or data.find(b">", start) < 0:
        return "", -1, False
    known, close = _opening(data, start)
    if known is None:
        return "", -1, False
    return known[0], close, data[close - 1] == _SLASH


def without_notes(data: bytes) -> bytes:
    """The text without comments and instructions.

    >>> without_notes(b"<A><!-- <A> -->1</A>")
    b'<A>1</A>'
    """
    return _NOTE.sub(lambda match: match[1] or b"", data)


def has_elements(inner: bytes) -> bool:
    """Whether there are elements in it, and not only text."""
    mark = inner.find(b"<")
    if mark < 0:
        return False
    return inner[mark + 1] != _BANG or b"<" in _SECTION.sub(b"", inner)


def text(inner: bytes) -> str:
    """The text of an element without elements in it.

    >>> text(b"<![CDATA[a<b]]>"), text(b"a&lt;b"), text(b"")
    ('a<b', 'a<b', '')
    """
    if b"\r" in inner:
        inner = inner.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"<" in inner:
        if inner.startswith(_CDATA) and inner.find(_CDATA_END) == len(inner) - len(_CDATA_END):
            return inner[len(_CDATA) : -len(_CDATA_END)].decode()
        return _mixed(inner)
    if b"&" in inner:
        return plain_text(inner).decode()
    return inner.decode()


def _mixed(inner: bytes) -> str:
    parts, seen = [], 0
    for section in _SECTION.finditer(inner):
        parts += [plain_text(inner[seen : section.start()]), section[1]]
        seen = section.end()
    return b"".join([*parts, plain_text(inner[seen:])]).decode()
