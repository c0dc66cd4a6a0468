r"""Python values as the templates that OpenNebula's calls take; pure.

A template is a multi-mapping of names to texts, or to one level of named texts (a *vector*). A
flat mapping is written as `NAME="value"` lines, everything else as XML:

>>> encode({"NAME": "web", "MEMORY": 512})
'NAME="web"\nMEMORY="512"\n'
>>> encode({"NAME": "web", "DISK": [{"IMAGE_ID": 1}, {"IMAGE_ID": 2}]})
'<TEMPLATE><NAME>web</NAME><DISK><IMAGE_ID>1</IMAGE_ID></DISK><DISK><IMAGE_ID>2</IMAGE_ID></DISK></TEMPLATE>'

What the server reads back is what was sent: names of the top level in capitals, texts without the
white space around them and with LF for CR and CR LF, which is what it stores. A value that it
cannot store raises `TemplateError` before anything is sent, with the path of the value.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from enum import Enum

from pelagos.one.errors import OneValueException

#: A mapping whose only key is one of these, with a mapping below, is a whole template: the key
#: names its root.
ROOTS = frozenset(
    {"ACL", "BACKUPJOB", "CLUSTER", "DATASTORE", "DOCUMENT", "GROUP", "HOOK", "HOST", "IMAGE"}
    | {"MARKETPLACE", "MARKETPLACEAPP", "SECURITY_GROUP", "TEMPLATE", "USER", "USER_TEMPLATE"}
    | {"VDC", "VM", "VMTEMPLATE", "VM_GROUP", "VNET", "VNTEMPLATE", "VROUTER", "ZONE"}
)
#: The same for quotas, whose attributes have the names of resources.
QUOTA_ROOTS = frozenset(("TEMPLATE", "QUOTAS"))

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]"
)
#: What needs a closer look in a value, white space that only Python takes for such among it.
_CARE = re.compile(
    r"[\x00-\x08\x0b-\x1f\"\\\]\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    r"\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]"
)
_PLAIN = frozenset({str, int})
_MARKUP = re.compile("[&<>]")
_SPACE = " \t\n"
_DEEP = (Mapping, list, tuple)
_NOTHING = "<TEMPLATE></TEMPLATE>"


class TemplateError(OneValueException):
    """A value that OpenNebula cannot store as it is.

    Attributes:
        path: where the value is, e.g. `DISK[1].SIZE`; empty for the whole.
    """

    def __init__(self, path: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason, hint=hint)
        self.path = path


def encode(value: Mapping[str, object], *, roots: Iterable[str] = ROOTS) -> str:
    """A template as text for the server.

    Texts, numbers, members of enumerations (by their value), True and False (YES and NO) are
    values; None and an empty list leave the attribute out; a list or tuple repeats it; a mapping
    is a vector. The order is kept. A mapping that has `multi_items()` is asked for all its pairs.

    Args:
        roots: the keys that are taken as the root when they are the only one, see `ROOTS`.

    Raises:
        TemplateError: something in it cannot be stored.
    """
    if len(value) == 1 and not hasattr(value, "multi_items"):
        [(root, below)] = value.items()
        if root in roots and isinstance(below, Mapping):
            return _as_xml(_pairs(below, root), root)
    written = _quick(value) or _flat(value) or _as_xml(_pairs(value, ""), "TEMPLATE")
    if written == _NOTHING:
        raise TemplateError(
            "",
            "there is nothing in this mapping that could be sent",
            hint='an empty text "" empties a template when it replaces it',
        )
    return written


def text_of(value: object, path: str = "") -> str:
    r"""A single value as the server stores it.

    >>> text_of(True), text_of(" l1\r\nl2 ")
    ('YES', 'l1\nl2')

    Raises:
        TemplateError: it cannot.
    """
    if isinstance(value, Enum):
        return text_of(value.value, path)
    if isinstance(value, str):
        return _stored(value, path)
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Decimal)) and math.isfinite(value):
        return str(value)
    raise TemplateError(
        path,
        f"{value!r} of the type {type(value).__name__} cannot be stored",
        hint="give a text, a number or a bool, a list of them, or a mapping",
    )


def _stored(text: str, path: str) -> str:
    if found := _FORBIDDEN.search(text):
        raise TemplateError(
            path,
            f"it holds the character U+{ord(found[0]):04X}, which OpenNebula refuses",
            hint="control characters, and those beyond U+FFFF such as emoji, cannot be stored; "
            "Base64 can",
        )
    if "]]>" in text:
        raise TemplateError(
            path, "it holds ']]>', which OpenNebula cannot store", hint="Base64 can be stored"
        )
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip(_SPACE)


def _quick(value: Mapping[str, object]) -> str:
    """As lines, when all values are plain texts and whole numbers; else empty."""
    if type(value) is not dict or not _PLAIN.issuperset(map(type, value.values())):
        return ""
    texts = [*map(str, value.values())]
    if _CARE.search("\n".join(texts)) or not _are_plain_names(tuple(value)):
        return ""
    return "".join([f'{name}="{text.strip()}"\n' for name, text in zip(value, texts)])  # noqa: B905  # of one mapping


@functools.lru_cache(maxsize=256)  # programs send the same names again and again
def _are_plain_names(names: tuple[object, ...]) -> bool:
    """Whether all are names that nobody renames, each another one."""
    plain = [name for name in names if isinstance(name, str) and _NAME.fullmatch(name)]
    capitals = {name.upper() for name in plain if not name.upper().startswith("XML")}
    return len(capitals) == len(names)


def _flat(value: Mapping[str, object]) -> str:
    """As lines; empty where there are none, or they could not be read back."""
    if hasattr(value, "multi_items"):
        return ""
    lines = []
    for key, one in value.items():
        if isinstance(one, _DEEP):
            return ""
        if one is None:
            continue
        name = _name(key, "")
        text = text_of(one, name)
        if text.endswith("\\"):
            return ""  # a quote after a backslash would not end the value
        lines.append('{}="{}"\n'.format(name, text.replace('"', '\\"')))
    if len(lines) > 1 and len({str(key).upper() for key in value}) < len(value):
        return ""
    return "".join(lines)


def _as_xml(pairs: Iterable[tuple[str, str, object]], root: str) -> str:
    pieces = [f"<{root}>"]
    for name, path, value in pairs:
        if isinstance(value, Mapping):
            pieces.append(f"<{name}>{_vector(value, path)}</{name}>")
        else:
            pieces.append(f"<{name}>{_markup(text_of(value, path))}</{name}>")
    pieces.append(f"</{root}>")
    return "".join(pieces)


def _pairs(value: Mapping[str, object], path: str) -> Iterator[tuple[str, str, object]]:
    """Name, path and value of each entry; lists taken apart."""
    known: set[str] = set()
    for key, one in _entries(value):
        name = _name(key, path)
        where = f"{path}.{name}" if path else name
        if name.upper() in known and not hasattr(value, "multi_items"):
            raise TemplateError(
                where, f"the name {name.upper()} comes twice", hint="give a list to repeat it"
            )
        known.add(name.upper())
        if not isinstance(one, (list, tuple)):
            if one is not None:
                yield name, where, one
            continue
        for at, item in enumerate(one):
            if isinstance(item, (list, tuple)):
                raise TemplateError(f"{where}[{at}]", "a list in a list cannot be stored")
            if item is not None:
                yield name, f"{where}[{at}]", item


def _vector(value: Mapping[str, object], path: str) -> str:
    pieces, known = [], set()
    for key, one in _entries(value):
        name = _name(key, path, is_top=False)
        where = f"{path}.{name}"
        if isinstance(one, _DEEP):
            raise TemplateError(
                where,
                "a list or mapping in a vector cannot be stored",
                hint="join the values to a text, e.g. with commas",
            )
        if name in known:
            raise TemplateError(where, f"the name {name} comes twice in a vector")
        known.add(name)
        if one is not None:
            pieces.append(f"<{name}>{_markup(text_of(one, where))}</{name}>")
    if not pieces:
        raise TemplateError(
            path, "an empty vector cannot be stored", hint="leave it out, or give None"
        )
    return "".join(pieces)


def _entries(value: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    several: Callable[[], Iterable[tuple[str, object]]] | None
    several = getattr(value, "multi_items", None)
    return value.items() if several is None else several()


def _markup(text: str) -> str:
    if not text:
        return "<![CDATA[]]>"  # the server drops an element without this
    if _MARKUP.search(text):
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def _name(key: object, path: str, *, is_top: bool = True) -> str:
    if not isinstance(key, str) or not _NAME.fullmatch(key):
        raise TemplateError(
            path,
            f"{key!r} cannot be the name of an attribute",
            hint="names are ASCII letters, digits and _, and do not begin with a digit",
        )
    if is_top and key[:3].upper() == "XML":
        raise TemplateError(
            path,
            f"OpenNebula would rename {key} to ONE_{key.upper()}",
            hint="choose a name that does not begin with XML",
        )
    return key
