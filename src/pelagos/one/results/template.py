"""TEMPLATE and its like: names and values as a user wrote them, in order, a name perhaps often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from pelagos.core import spelling
from pelagos.one.errors import OneAnswerException
from pelagos.one.results import markup

#: Levels of vectors in vectors that are read; the server keeps one.
DEPTH = 32
#: Attributes that there may be several of: as attributes they are lists, even of one.
LISTS = frozenset(
    {
        "AR", "DISK", "INPUT", "NIC", "NIC_ALIAS", "NUMA_NODE", "PCI", "ROLE", "RULE",
        "SCHED_ACTION", "SECURITY_GROUP_RULE", "SERVER", "SNAPSHOT", "TOPOLOGY_NODE",
    }
)  # fmt: skip
#: Those that are lists as items, too: programs know it so.
_ALWAYS_LISTS = frozenset({"SNAPSHOT"})


class Template(MutableMapping[str, Any]):
    """An ordered mapping in which a name may occur several times.

    A value is a text or, for a vector, a Template. As an item (`t["DISK"]`) a name gives its
    value, and the list of its values when there are several. As an attribute (`t.DISK`) names that
    may be repeated always give a list. `get_list` always gives one, for every name.

    Setting an item replaces all of that name; a list sets several.

    >>> t = Template({"CPU": "1", "DISK": [{"IMAGE_ID": "0"}, {"IMAGE_ID": "7"}]})
    >>> t["CPU"], t.get_list("CPU"), [disk["IMAGE_ID"] for disk in t.DISK]
    ('1', ['1'], ['0', '7'])
    """

    __slots__ = ("_entries", "_inner", "_level", "_place")

    _entries: list[tuple[str, Any]]

    def __init__(
        self, entries: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **named: Any
    ) -> None:
        self._entries = []
        self._inner = b""
        self._level = self._place = 0
        if isinstance(entries, Template):
            self._entries += entries.multi_items()
            entries = ()
        for name, value in entries.items() if isinstance(entries, Mapping) else entries:
            self.add(name, value)
        for name, value in named.items():
            self.add(name, value)

    @classmethod
    def read(cls, inner: bytes, level: int = 0) -> Self:
        """From the inner text of an element that is well-formed; read when first looked at."""
        template = cls()
        template._hold(inner, level)  # its own
        return template

    def _hold(self, inner: bytes, level: int) -> None:
        self._inner = inner
        self._level = level

    def _cut(self, until: str = "") -> None:
        if self._level > DEPTH:
            raise OneAnswerException(f"a template is nested deeper than {DEPTH} elements")
        self._place = markup.cut_some(self._inner, self._place, self._entries, until)
        if not until:
            self._inner, self._place = b"", 0

    def _all(self) -> list[tuple[str, Any]]:
        """The entries; a value that nobody looked at is still bytes."""
        if self._inner:
            self._cut()
        return self._entries

    def _with(self, name: str) -> list[tuple[str, Any]]:
        """The entries as far as those of this name go."""
        tag = b"<" + name.encode()
        while self._inner and self._inner.find(tag, self._place) >= 0:
            before = len(self._entries)
            self._cut(name)
            if len(self._entries) == before or self._entries[-1][0] != name:
                return self._all()
        return self._entries

    def _read(self) -> list[tuple[str, Any]]:
        """The entries with their values."""
        entries = self._all()
        for place, (name, value) in enumerate(entries):
            if isinstance(value, bytes):
                entries[place] = name, self._value(value)
        return entries

    def _value(self, inner: bytes) -> Any:
        text = markup.leaf(inner)
        return type(self).read(inner, self._level + 1) if text is None else text

    def multi_items(self) -> Iterator[tuple[str, Any]]:
        """(name, text or Template) in order, names as often as they occur."""
        return iter(list(self._read()))

    def get_list(self, name: str) -> list[Any]:
        """The values of a name; none when it is not there."""
        found = []
        entries = self._with(name)
        for place, (key, value) in enumerate(entries):
            if key == name:
                if isinstance(value, bytes):
                    value = self._value(value)  # noqa: PLW2901  # and so it stays
                    entries[place] = key, value
                found.append(value)
        return found

    def add(self, name: str, value: Any) -> None:
        """Append one more of this name; of a list, each of its values."""
        if isinstance(value, list | tuple):
            for one in value:
                self.add(name, one)
            return
        if isinstance(value, Mapping) and not isinstance(value, Template):
            value = type(self)(value)
        self._all().append((str(name), value))

    def __getitem__(self, name: str) -> Any:
        values = self.get_list(name)
        if not values:
            raise KeyError(name)
        return values if len(values) > 1 or name in _ALWAYS_LISTS else values[0]

    def __setitem__(self, name: str, value: Any) -> None:
        entries = self._all()
        place = next((n for n, (key, _) in enumerate(entries) if key == name), len(entries))
        fresh = [(name, one) for one in type(self)([(name, value)]).get_list(name)]
        kept = [(n, entry) for n, entry in enumerate(entries) if entry[0] != name]
        before = [entry for n, entry in kept if n < place]
        after = [entry for n, entry in kept if n > place]
        self._entries = [*before, *fresh, *after]

    def __delitem__(self, name: str) -> None:
        kept = [entry for entry in self._all() if entry[0] != name]
        if len(kept) == len(self._all()):
            raise KeyError(name)
        self._entries = kept

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._all()))

    def __len__(self) -> int:
        return len({name for name, _ in self._all()})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key == name for key, _ in self._with(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in LISTS:
            return self.get_list(name)
        try:
            return self[name]
        except KeyError:
            message = f"the template has no {name}; {spelling.hint(name, list(self))}"
            raise AttributeError(message, name=name, obj=self) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Template):
            return self._read() == other._read()
        if isinstance(other, Mapping):
            return self.to_dict() == dict(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        return f"Template({self.to_dict()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self._read()),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)([(name, _copied(value)) for name, value in self._read()])

    def __copy__(self) -> Self:
        return type(self)(self._read())

    def copy(self) -> Self:
        """The same entries in a mapping of its own; vectors are shared."""
        return self.__copy__()

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, texts and lists."""
        if self._inner:
            self._cut()
        return _gathered(self._entries, self._level)


def _plain(entry: Any, level: int) -> Any:
    if type(entry) is bytes:
        text = markup.leaf(entry)
        return _gathered(markup.cut(entry), level + 1) if text is None else text
    return entry if type(entry) is str else entry.to_dict()


def _gathered(entries: Iterable[tuple[str, Any]], level: int) -> dict[str, Any]:
    """Entries as a dictionary; those that nobody looked at are still bytes."""
    if level > DEPTH:
        raise OneAnswerException(f"a template is nested deeper than {DEPTH} elements")
    found: dict[str, Any] = {}
    lists = set()
    for name, entry in entries:
        value = _plain(entry, level)
        if name not in found:
            found[name] = value
        elif name in lists:
            found[name].append(value)
        else:
            lists.add(name)
            found[name] = [found[name], value]
    for name in _ALWAYS_LISTS & found.keys() - lists:
        found[name] = [found[name]]
    return found


def _copied(value: Any) -> Any:
    return value.__deepcopy__({}) if isinstance(value, Template) else value
