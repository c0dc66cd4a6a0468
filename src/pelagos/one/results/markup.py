"""XML cut into its elements without a tree: bytes in, slices out. Pure.

Each text was first checked as a whole by a real parser (`document`), so what is cut here is known
to be well-formed, in UTF-8, and without document type, comments and instructions. The end of an
element is the first closing tag of its name, found at the speed of a search; where that is within
CDATA, or an element of the same name is in between, tags are counted instead.
"""

from __future__ import annotations

import re

from pelagos.one.xmlrpc.answer import plain_text

Child = tuple[str, bytes]
#: A name, how its tag begins, how its closing tag does.
_Known = tuple[str, bytes, bytes]

_CDATA = b"<![CDATA["
_CDATA_END = b"]]>"
_TEXT = rb"<!\[CDATA\[[^\]]*+\]\]>|[^<]*+"
#: An element that has only text in it, or one section of CDATA, or such elements; else, all that
#: is left, so that a search ends there.
_PLAIN = re.compile(
    rb"<(\w++)>((?:<\w++>(?:%b)</\w++>)++|%b)</\w++>|.++" % (_TEXT, _TEXT), re.DOTALL
)
_SECTION = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_NOTE = re.compile(rb"(<!\[CDATA\[.*?\]\]>)|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME_ENDS = b" \t\r\n/>"
_CLOSERS = frozenset((b">", b" ", b"\t", b"\r", b"\n", b""))
_TOKEN = re.compile(
    rb"""<!\[CDATA\[.*?\]\]>|<(/?)([^\s/>!]+)(?:[^>"']|"[^"]*"|'[^']*')*>""", re.DOTALL
)
_NAME_END = re.compile(rb"[\s/>]")
_SLASH, _BANG = b"/!"

#: What is known of names. Bounded; answers share their names.
_names: dict[bytes, _Known] = {}
_NAMES_LIMIT = 10_000


class _Texts(dict[bytes, str]):
    """Names as texts, each made once."""

    def __missing__(self, name: bytes) -> str:
        text = name.decode()
        if len(self) < _NAMES_LIMIT:
            self[name] = text
        return text


_texts = _Texts()


def cut(inner: bytes) -> list[Child]:
    """(name, inner text) of each element in a text that is here as a whole."""
    found: list[Child] = []
    cut_some(inner, 0, found)
    return found


def cut_some(  # noqa: C901  # the loop that all answers go through: calls cost here
    data: bytes, start: int, found: list[Child], until: str = ""
) -> int:
    """Append (name, inner text) of the whole elements from `start` on.

    Args:
        until: the name of an element behind which to stop.

    Returns:
        Where it stopped: behind that element, at a closing tag, at what is not whole, or the end.
    """
    closing = b"</%b>" % until.encode()
    end = -1 if until else len(data)
    while True:
        if end < start:
            end = _behind(data, closing, start)
        start = _cut_plain(data, start, end, found)
        if start == end:
            return start
        start = data.find(b"<", start)
        if start < 0:
            return len(data)
        known, close, is_empty = _opening(data, start)
        if known is None:
            if close < 0:
                return start
            start = close  # behind CDATA beside elements, which means nothing
            continue
        stop, after = (close + 1, close) if is_empty else _end(data, known, close)
        if stop < 0 or after < 0:
            return start
        found.append((known[0], data[close + 1 : stop]))
        start = after + 1
        if known[0] == until:
            return start


def _behind(data: bytes, tag: bytes, start: int) -> int:
    """The place behind the next such tag; the end where there is none."""
    place = data.find(tag, start)
    return len(data) if place < 0 else place + len(tag)


def _cut_plain(data: bytes, start: int, end: int, found: list[Child]) -> int:
    """Append the elements before `end` as far as they are plain; the place behind them."""
    for name, inner in _PLAIN.findall(data, start, end):
        if not name:
            break
        found.append((_texts[name], inner))
        start += 2 * len(name) + len(inner) + 5  # <></>
    return start


def _end(data: bytes, known: _Known, start: int) -> tuple[int, int]:
    """Where the closing tag of the element whose own ends at `start` is; -1: not whole."""
    _, opening, closing = known
    stop = data.find(closing, start)
    while stop >= 0 and data[stop + len(closing) : stop + len(closing) + 1] not in _CLOSERS:
        stop = data.find(closing, stop + 1)  # a longer name
    if stop < 0:
        return -1, -1
    is_sure = data.rfind(_CDATA, start, stop) <= data.rfind(_CDATA_END, start, stop)
    inside = data.find(opening, start, stop)
    while is_sure and inside >= 0:
        is_sure = data[inside + len(opening)] not in _NAME_ENDS
        inside = data.find(opening, inside + 1, stop)
    if not is_sure:
        stop = _counted_end(data, opening[1:], start + 1)
    return stop, data.find(b">", stop)


def _opening(data: bytes, start: int) -> tuple[_Known | None, int, bool]:
    """What is known of the name of the tag there, the place of its `>`, whether it is `<A/>`.

    None for what is no tag that opens: with where to go on, or -1.
    """
    close = data.find(b">", start)
    if close < 0 or data[start + 1] == _SLASH:
        return None, -1, False
    known = _names.get(data[start + 1 : close])
    if known is not None:
        return known, close, False
    if data[start + 1] == _BANG:
        section = _SECTION.match(data, start)
        return None, section.end() if section else -1, False
    end = _TAG_END.match(data, start + 1)
    name_end = _NAME_END.search(data, start + 1)
    if end is None or name_end is None:
        return None, -1, False
    close = end.end() - 1
    return _known(data[start + 1 : name_end.start()]), close, data[close - 1] == _SLASH


def _known(name: bytes) -> _Known:
    known = _names.get(name)
    if known is None:
        known = name.decode(), b"<%b" % name, b"</%b" % name
        if len(_names) < _NAMES_LIMIT:
            _names[name] = known
    return known


def _counted_end(data: bytes, name: bytes, start: int) -> int:
    """Where the element's closing tag begins, counted; -1: it is not here yet."""
    depth, seen = 1, start
    for match in _TOKEN.finditer(data, start):
        if data.find(_CDATA, seen, match.start()) >= 0:
            return -1  # one that does not end in what is here
        seen = match.end()
        if match[2] != name:
            continue
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
    known, close, is_empty = _opening(data, start) if start >= 0 else (None, -1, False)
    return (known[0], close, is_empty) if known else ("", -1, False)


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
    if inner[mark + 1] != _BANG:
        return True
    if mark == 0 and inner.find(_CDATA_END) == len(inner) - len(_CDATA_END):
        return False
    return b"<" in _SECTION.sub(b"", inner)


def leaf(inner: bytes) -> str | None:
    """The text of an element without elements in it; None: there are elements.

    >>> leaf(b"<![CDATA[a<b]]>"), leaf(b"a&lt;b"), leaf(b""), leaf(b"<A/>")
    ('a<b', 'a<b', '', None)
    """
    if b"\r" in inner:
        inner = inner.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"<" not in inner:
        return plain_text(inner).decode() if b"&" in inner else inner.decode()
    if inner[:9] == _CDATA and inner.find(_CDATA_END) == len(inner) - 3:
        return inner[9:-3].decode()
    return None if has_elements(inner) else _mixed(inner)


def text(inner: bytes) -> str:
    """The text of an element, without that of elements in it."""
    found = leaf(inner)
    return _mixed(inner) if found is None else found


def _mixed(inner: bytes) -> str:
    parts, seen = [], 0
    for section in _SECTION.finditer(inner):
        parts += [plain_text(inner[seen : section.start()]), section[1]]
        seen = section.end()
    return b"".join([*parts, plain_text(inner[seen:])]).decode()
