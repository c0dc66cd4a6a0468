"""What OpenNebula reads from the text of a template, as measured at a real one; pure.

A template is a multi-mapping: names in capitals, each with a text or a vector (one level of named
texts). Two ways to write it: `NAME = "value"` lines, and XML when the first character is `<`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.parsers import expat

from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.markup import cdata, element

Value = str | dict[str, str]

_TRANSFORM = "Error transforming the Template to XML."
_MALFORMED = "Parse error: XML Template malformed."
_SPACE = " \t\n\v\f\r"
_BLANK = re.compile(r"(?:\s+|(?m:^[ \t]*\#[^\n]*\n))*", re.ASCII)
_WHITE = re.compile(r"\s*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_EQUAL = re.compile(r"\s*=", re.ASCII)
_EMPTY = re.compile(r"[ \t]*\n")
_BARE = re.compile(r"[^=#,\[\]\s]+", re.ASCII)
_DEPTH = 3


class Attributes:
    """A template as it is stored: what comes out is sorted by name, repeats in their order."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Value]] = ()) -> None:
        self.pairs: list[tuple[str, Value]] = [
            (name, dict(value) if isinstance(value, Mapping) else value) for name, value in pairs
        ]

    def get(self, name: str, default: str = "") -> str:
        """The first plain value of that name."""
        return next((v for n, v in self.pairs if n == name and isinstance(v, str)), default)

    def vectors(self, name: str) -> list[dict[str, str]]:
        """The vectors of that name; changing one changes the template."""
        return [v for n, v in self.pairs if n == name and isinstance(v, dict)]

    def has(self, name: str) -> bool:
        """Whether there is a value or vector of that name."""
        return any(n == name for n, _ in self.pairs)

    def take(self, name: str) -> str:
        """Remove all of that name; the first plain value."""
        found = self.get(name)
        self.pairs = [pair for pair in self.pairs if pair[0] != name]
        return found

    def put(self, name: str, value: Value) -> None:
        """Let there be this one of that name, in place of all others."""
        self.take(name)
        self.add(name, value)

    def add(self, name: str, value: Value) -> None:
        """One more of that name."""
        self.pairs.append((name, value))

    def merge(self, newer: Attributes) -> None:
        """Replace each name that `newer` has as a whole; an empty vector removes it."""
        for name in {name for name, _ in newer.pairs}:
            self.take(name)
        self.pairs += [pair for pair in newer.pairs if pair[1] != {}]

    def copy(self) -> Attributes:
        """One that can be changed on its own."""
        return Attributes(self.pairs)

    def sorted(self) -> Iterator[tuple[str, Value]]:
        """As the server gives them."""
        return iter(sorted(self.pairs, key=lambda pair: pair[0]))

    def xml(self, tag: str = "TEMPLATE") -> str:
        """As an element."""
        return element(
            tag, "".join(written(name, value) for name, value in self.sorted() if value != {})
        )


def written(name: str, value: Value) -> str:
    """One attribute as an element, its texts in CDATA."""
    if isinstance(value, str):
        return cdata(name, value)
    return element(name, "".join(cdata(key, value[key]) for key in sorted(value)))


def parse(text: str) -> Attributes:
    """What the text says.

    Raises:
        Failure: it cannot be read, or not be stored.
    """
    pairs = _from_xml(text) if text.startswith("<") else _Lines(text).read()
    kept = Attributes()
    for name, value in pairs:
        if isinstance(value, dict):
            if any(key[:1].isdigit() for key in value):
                raise Failure(Code.INTERNAL, _TRANSFORM)
            kept.add(_fixed(name), {key: _trimmed(one) for key, one in value.items()})
        else:
            kept.add(_fixed(name), _trimmed(value))
    return kept


def _trimmed(value: str) -> str:
    if "]]>" in value:
        raise Failure(Code.INTERNAL, _TRANSFORM)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip(_SPACE)


def _fixed(name: str) -> str:
    name = name.upper()
    proper = name[:1].isalpha() or name.startswith("_")
    return name if proper and not name.startswith("XML") else f"ONE_{name}"


class _Lines:
    """Reads the `NAME = value` form."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Iterator[tuple[str, Value]]:
        while self._skip(_BLANK) < len(self._text):
            name = self._name()
            self._need(_EQUAL, "EQUAL")
            if self._match(_EMPTY):
                yield name, ""
                continue
            self._skip(_WHITE)
            yield name, self._vector() if self._is("[") else self._value()

    def _vector(self) -> dict[str, str]:
        read: dict[str, str] = {}
        self._at += 1
        self._skip(_WHITE)
        if self._is("]"):
            self._at += 1
            return read
        while True:
            self._skip(_WHITE)
            key = self._name().upper()
            self._need(_EQUAL, "EQUAL")
            self._skip(_WHITE)
            read.setdefault(key, self._value())
            self._skip(_WHITE)
            if not self._is(",") and not self._is("]"):
                raise self._wrong("COMMA or CBRACKET")
            self._at += 1
            if self._text[self._at - 1] == "]":
                return read

    def _value(self) -> str:
        end = self._end_of_quoted() if self._is('"') else 0
        if not end:
            return self._need(_BARE, "STRING")
        inside = self._text[self._at + 1 : end]
        self._at = end + 1
        before, mark, _ = inside.partition("]]>")
        if mark and "\n" not in before:
            raise Failure(Code.INTERNAL, "Parse error.")
        return inside.replace('\\"', '"')

    def _end_of_quoted(self) -> int:
        """Where the closing quote is: the scanner takes the longest match."""
        end, at = 0, self._at
        while (at := self._text.find('"', at + 1)) > 0:
            end = at
            if self._text[at - 1] != "\\":
                break
        return end

    def _name(self) -> str:
        return self._need(_NAME, "VARIABLE")

    def _is(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _skip(self, what: re.Pattern[str]) -> int:
        if found := what.match(self._text, self._at):
            self._at = found.end()
        return self._at

    def _match(self, what: re.Pattern[str]) -> str:
        found = what.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _need(self, what: re.Pattern[str], name: str) -> str:
        found = self._match(what)
        if not found:
            raise self._wrong(name)
        return found

    def _wrong(self, wanted: str) -> Failure:
        line = self._text.count("\n", 0, self._at)
        what = "$end" if self._at >= len(self._text) else repr(self._text[self._at])
        return Failure(
            Code.INTERNAL,
            f"Parse error: syntax error, unexpected {what}, expecting {wanted} at line {line}, "
            f"columns {self._at}:{self._at + 1}",
        )


def _from_xml(text: str) -> Iterator[tuple[str, Value]]:
    for name, nodes in _Document(text).children:
        elements = [node for node in nodes if isinstance(node, tuple)]
        if elements:
            yield (
                name,
                {
                    key: inside[0]
                    for key, inside in elements
                    if inside and isinstance(inside[0], str)
                },
            )
        elif len(nodes) == 1 and isinstance(nodes[0], str):
            yield name, nodes[0]


class _Document:
    """An XML document as far as a template goes, without entities of its own."""

    def __init__(self, text: str) -> None:
        self.children: list[tuple[str, list[str | tuple[str, list[str]] | None]]] = []
        self._stack: list[list[object]] = []
        self._known: set[str] = set()
        self._is_joined = self._is_after_cdata = False
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said
        parser.CommentHandler = lambda _: self._node(None)
        parser.StartCdataSectionHandler = self._cdata
        parser.EndCdataSectionHandler = self._cdata_ends
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, UnicodeEncodeError) as error:
            raise Failure(Code.INTERNAL, _MALFORMED) from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._known |= {key[6:] for key in attributes if key.startswith("xmlns:")}
        prefix, colon, rest = tag.partition(":")
        name = rest if colon and prefix in self._known else tag
        nodes: list[object] = []
        if len(self._stack) == 1:
            self.children.append((name, nodes))  # type: ignore[arg-type]  # filled as it is read
        elif 1 < len(self._stack) <= _DEPTH:
            self._node((name, nodes))
        self._stack.append(nodes)
        self._is_joined = self._is_after_cdata = False

    def _end(self, _: str) -> None:
        self._stack.pop()
        self._is_joined = self._is_after_cdata = False

    def _node(self, node: object) -> None:
        if self._stack:
            self._stack[-1].append(node)
        self._is_joined = self._is_after_cdata = False

    def _said(self, text: str) -> None:
        if self._is_joined:
            self._stack[-1][-1] = f"{self._stack[-1][-1]}{text}"
        else:
            self._node(text)
            self._is_joined = True

    def _cdata(self) -> None:
        if not self._is_after_cdata:  # sections that touch each other are one
            self._node("")
        self._is_joined = True

    def _cdata_ends(self) -> None:
        self._is_joined = False
        self._is_after_cdata = True

    def _doctype(self, *_: object) -> None:
        raise Failure(Code.INTERNAL, _MALFORMED)
