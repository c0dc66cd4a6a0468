"""Marshalled XML, the form of values in SLAP's forms and answers, both ways.

`dumps` writes exactly what the ancestor's marshaller writes: one `<marshal>` element without white
space, ASCII with decimal references, text escaped twice, ids from `i2` in document order, sorted
keys. `loads` reads that, and refuses everything that a document from a stranger must not do:
declare entities, name other classes than SLAP's four, carry code, nest without end, or grow when
it is unfolded.

Pure: no I/O, and no knowledge of what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, TypeVar
from xml.parsers import expat

from pelagos.slap.errors import MarshalError

#: The module that the four classes carry on the wire; every reader insists on it.
MODULE = "slapos.slap.slap"
CLASSES = frozenset({"Computer", "ComputerPartition", "SoftwareRelease", "SoftwareInstance"})
#: Containers within containers that are read and written.
MAX_DEPTH = 64
#: Keys of a dictionary, or members of a set, that may be other than text: their hashes can be
#: chosen so that they all collide.
MAX_ODD_KEYS = 1000
#: Bytes that `loads` reads unless told: a computer with some thousand busy partitions.
DEFAULT_LIMIT = 8 * 1024 * 1024

_NAMESPACE = "http://www.erp5.org/namespaces/marshaller "
_LONG = 10**24  # an integer from here on is written as <long>
_NEEDS_CARE = re.compile(r"[^ -%'-;=?-~\n\t]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\ufffd"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MarshalObject:
    """An instance of one of SLAP's four classes.

    Attributes:
        class_name: Computer, ComputerPartition, SoftwareRelease or SoftwareInstance.
        args: what the constructor was given.
        attributes: what was then set on it; where both speak of one thing, this wins.
    """

    class_name: str
    args: tuple[Any, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


# ---- writing --------------------------------------------------------------------------------


def dumps(value: object) -> bytes:
    """The document of a value.

    Args:
        value: None, bool, int, float, str, tuple, list, set, mapping and `MarshalObject`, also
            within each other.

    Raises:
        MarshalError: another type, a character that XML cannot carry, a container within itself
            or nested more than `MAX_DEPTH` deep.

    >>> dumps({"a": 1})
    b'<marshal><dictionary id="i2"><string>a</string><int>1</int></dictionary></marshal>'
    """
    return f"<marshal>{Writer().write(value)}</marshal>".encode("ascii")


def needs_care(text: str) -> bool:
    """Whether `escape` would change the text, or refuse it."""
    return _NEEDS_CARE.search(text) is not None


def escape(text: str) -> str:
    """The text as it stands between two tags: escaped twice, ASCII.

    Raises:
        MarshalError: a character that XML cannot carry.
    """
    if _NEEDS_CARE.search(text) is None:
        return text
    bad = _NOT_XML.search(text)
    if bad is not None:
        raise MarshalError(
            f"the text has the character U+{ord(bad[0]):04X} at position {bad.start()}, "
            "which XML cannot carry",
            hint="take control characters out of the value",
        )
    text = text.replace("&", "&amp;amp;").replace("<", "&amp;lt;").replace(">", "&amp;gt;")
    return text.replace("\r", "&#13;").encode("ascii", "xmlcharrefreplace").decode("ascii")


def unspeakable(text: str) -> tuple[int, str] | None:
    r"""Where the first character is that no XML can carry, and which; None without one.

    >>> unspeakable("a\x00"), unspeakable("tab\t")
    ((1, 'U+0000'), None)
    """
    bad = _NOT_XML.search(text)
    return None if bad is None else (bad.start(), f"U+{ord(bad[0]):04X}")


def speakable(value: T) -> T:
    r"""A value whose texts any XML can carry: U+FFFD stands where another character cannot.

    Mappings, lists, tuples and dataclasses are looked through; what needs no change is returned
    as it is.

    >>> speakable({"a\x01": ["b", "\ufffe"]}) == {"a\ufffd": ["b", "\ufffd"]}
    True
    """
    found: Any = value
    if isinstance(value, str):
        return _NOT_XML.sub(_REPLACEMENT, value) if _NOT_XML.search(value) else value  # type: ignore[return-value]  # a text for a text
    if isinstance(value, Mapping):
        found = {speakable(key): speakable(one) for key, one in value.items()}
    elif isinstance(value, tuple):
        found = tuple(map(speakable, value))
    elif isinstance(value, list):
        found = [speakable(one) for one in value]
    elif is_dataclass(value) and not isinstance(value, type):
        olds = {name: getattr(value, name) for name in value.__dataclass_fields__}
        news = {name: speakable(old) for name, old in olds.items()}
        changed = {name: new for name, new in news.items() if new is not olds[name]}
        return replace(value, **changed) if changed else value
    return value if found == value else found


class Writer:
    """Writes the values of one document and numbers its containers.

    Attributes:
        next_id: the number that the next container gets.
    """

    __slots__ = ("_depth", "_kept", "_open", "_seen", "next_id")

    def __init__(self) -> None:
        self.next_id = 2
        self._depth = 0
        self._seen: dict[int, int] = {}  # id() of a written container → its number in the document
        self._open: set[int] = set()
        self._kept: list[
            object
        ] = []  # what _seen speaks of must stay alive, or id() is used again

    def write(self, value: object) -> str:
        """One value as text; raises as `dumps`."""
        if isinstance(value, str):
            return f"<string>{escape(value)}</string>"
        for kinds, write in _SCALARS:
            if isinstance(value, kinds):
                return write(value)
        if not isinstance(value, (tuple, list, set, frozenset, Mapping, MarshalObject)):
            raise MarshalError(
                f"a value of the type {type(value).__name__} cannot be marshalled",
                hint="use text, numbers, booleans, None, lists and dictionaries",
            )
        key = id(value)
        if key in self._open:
            raise MarshalError("a container that holds itself cannot be marshalled")
        if key in self._seen:
            return f'<reference id="i{self._seen[key]}"/>'
        if self._depth == MAX_DEPTH:
            raise MarshalError(f"the value is nested more than {MAX_DEPTH} deep")
        self._open.add(key)
        self._depth += 1
        text = self._container(value)
        self._depth -= 1
        self._open.remove(key)
        return text

    def _container(self, value: Any) -> str:
        if isinstance(value, tuple):
            return _element("tuple", "", "".join(map(self.write, value)))
        number = self.next_id
        self.next_id += 1
        self._seen[id(value)] = number
        self._kept.append(value)
        mark = f' id="i{number}"'
        if isinstance(value, MarshalObject):
            if value.class_name not in CLASSES:
                raise MarshalError(f"the class {value.class_name!r} is not one of SLAP's")
            inside = self.write(tuple(value.args)) + self.write(value.attributes)
            return _element(
                "object", f'{mark} module="{MODULE}" class="{value.class_name}"', inside
            )
        if isinstance(value, Mapping):
            keys = _in_order(value)
            inside = "".join(self.write(key) + self.write(value[key]) for key in keys)
            return _element("dictionary", mark, inside)
        if isinstance(value, list):
            return _element("list", mark, "".join(map(self.write, value)))
        return _element("set", mark, "".join(map(self.write, _in_order(value))))


def _element(tag: str, mark: str, inside: str) -> str:
    return f"<{tag}{mark}>{inside}</{tag}>" if inside else f"<{tag}{mark}/>"


def _in_order(values: Any) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # mixed kinds have no order of their own
        return sorted(values, key=lambda value: (type(value).__name__, repr(value)))


def _integer(value: Any) -> str:
    return f"<int>{value:d}</int>" if -_LONG < value < _LONG else f"<long>{value:d}</long>"


_SCALARS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (type(None), lambda _: "<none/>"),
    (bool, lambda value: f"<bool>{value:d}</bool>"),
    (int, _integer),
    (float, lambda value: f"<float>{float(value)!r}</float>"),
)


# ---- reading --------------------------------------------------------------------------------


def loads(data: bytes | str, *, limit: int = DEFAULT_LIMIT) -> Any:
    """The value of a document.

    Args:
        data: the document; text is taken as UTF-8.
        limit: bytes that are read at the most, also after references are unfolded.

    Raises:
        MarshalError: not well-formed, not marshalled, larger than `limit`, nested more than
            `MAX_DEPTH` deep, with a document type, code, or a class that is not SLAP's; says what
            and where.

    >>> loads(b'<marshal><list id="i2"><string>a &amp;amp; b</string><none/></list></marshal>')
    ['a & b', None]
    """
    try:
        raw = data.encode() if isinstance(data, str) else data
    except UnicodeEncodeError as error:
        raise MarshalError(f"the marshalled XML is not Unicode text: {error}") from error
    if len(raw) > limit:
        raise MarshalError(
            f"the marshalled XML has {len(raw):,} bytes; at most {limit:,} are read",
            hint="hand over large data as a file or a URL, not as a parameter",
        )
    return _Reader(limit).read(raw)


class _Frame:
    """A container whose end has not come yet."""

    __slots__ = ("attributes", "mark", "start", "tag", "values")

    def __init__(self, tag: str, attributes: Mapping[str, str], start: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.mark = attributes.get("id")
        self.start = start
        self.values: list[Any] = []


class _Reader:
    """Builds the value while expat reads the document once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: list[_Frame] = []
        self._leaf: str | None = None
        self._leaf_id: str | None = None
        self._text: list[str] = []
        self._known: dict[str, tuple[Any, int]] = {}  # id → the container and its unfolded size
        self._size = 0  # of all that was read, as if each reference were the thing itself
        self._result: list[Any] = []
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self, raw: bytes) -> Any:
        try:
            self._parser.Parse(raw, True)
        except expat.ExpatError as error:
            raise MarshalError(f"the marshalled XML is not well-formed: {error}") from error
        except (LookupError, UnicodeError) as error:
            raise MarshalError(f"the marshalled XML has an unusable encoding: {error}") from error
        return self._result[0]

    def _refuse(self, what: str) -> MarshalError:
        return MarshalError(
            f"the marshalled XML is refused at byte {self._parser.CurrentByteIndex}: {what}"
        )

    def _doctype(self, *_: object) -> None:
        raise self._refuse("it declares a document type or entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.removeprefix(_NAMESPACE)
        if self._leaf is not None:
            raise self._refuse(f"<{tag}> within <{self._leaf}>")
        if (tag == "marshal") == bool(self._frames):
            raise self._refuse(
                f"<{tag}> where <marshal> should be" if tag != "marshal" else "<marshal> again"
            )
        self._size += 1
        if tag in _LEAVES:
            self._leaf, self._leaf_id = tag, attributes.get("id")
            self._text.clear()
        elif tag in _CONTAINERS:
            if len(self._frames) > MAX_DEPTH:
                raise self._refuse(f"nested more than {MAX_DEPTH} deep")
            self._frames.append(_Frame(tag, attributes, self._size))
        else:
            raise self._refuse(f"<{tag}> is not an element of SLAP")

    def _characters(self, text: str) -> None:
        if self._leaf is not None:
            self._size += len(text)
            self._text.append(text)
        elif not text.isspace():
            raise self._refuse(f"text between elements: {text.strip()[:40]!r}")

    def _end(self, _name: str) -> None:
        if self._leaf is not None:
            value = self._read_leaf(self._leaf, "".join(self._text))
            self._leaf = None
        else:
            frame = self._frames.pop()
            if frame.tag == "marshal":
                if len(frame.values) != 1:
                    raise self._refuse(f"<marshal> holds {len(frame.values)} values and not one")
                self._result = frame.values
                return
            value = self._build(frame)
        self._frames[-1].values.append(value)

    def _read_leaf(self, tag: str, text: str) -> Any:
        if tag == "reference":
            return self._refer(self._leaf_id or "")
        try:
            return _LEAVES[tag](text)
        except ValueError as error:
            raise self._refuse(f"<{tag}> holds {text[:40]!r}") from error

    def _refer(self, mark: str) -> Any:
        found = self._known.get(mark)
        if found is None:
            raise self._refuse(f"a reference to {mark!r}, which is not complete before it")
        value, size = found
        self._size += size
        if self._size > self._limit:
            raise self._refuse(f"its references unfold to more than {self._limit:,} bytes")
        return value

    def _build(self, frame: _Frame) -> Any:
        try:
            value = _CONTAINERS[frame.tag](frame)
        except ValueError as error:
            raise self._refuse(str(error)) from error
        except TypeError as error:
            raise self._refuse(f"a key or member of <{frame.tag}> is not hashable") from error
        if frame.mark is not None:
            self._known[frame.mark] = (value, self._size - frame.start + 1)
        return value


def _unescape(text: str) -> str:
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _boolean(text: str) -> bool:
    return bool(int(text))


def _nothing(text: str) -> None:
    if text.strip():
        raise ValueError("none holds nothing")


_LEAVES: Mapping[str, Callable[[str], Any]] = {
    "string": _unescape,
    "unicode": _unescape,
    "int": int,
    "long": int,
    "float": float,
    "bool": _boolean,
    "none": _nothing,
    "reference": _nothing,
}


def _pairs(frame: _Frame) -> dict[Any, Any]:
    keys, values = _hashed(frame.values[::2]), frame.values[1::2]
    if len(keys) != len(values):
        raise ValueError("a dictionary's last key has no value")
    return dict(zip(keys, values, strict=True))


def _hashed(keys: list[Any]) -> list[Any]:
    if len(keys) > MAX_ODD_KEYS and sum(type(key) is not str for key in keys) > MAX_ODD_KEYS:
        raise ValueError(f"more than {MAX_ODD_KEYS:,} keys or members that are not text")
    return keys


def _object(frame: _Frame) -> MarshalObject:
    module, name = frame.attributes.get("module", ""), frame.attributes.get("class", "")
    if module != MODULE or name not in CLASSES:
        raise ValueError(f"an object of the class {module}.{name}, which is not one of SLAP's")
    match frame.values:
        case [tuple() as args, dict() as attributes]:
            return MarshalObject(name, args, attributes)
    raise ValueError("an object that does not hold a tuple and a dictionary")


_CONTAINERS: Mapping[str, Callable[[_Frame], Any]] = {
    "marshal": lambda frame: frame.values,
    "tuple": lambda frame: tuple(frame.values),
    "list": lambda frame: frame.values,
    "set": lambda frame: set(_hashed(frame.values)),
    "dictionary": _pairs,
    "object": _object,
}
