"""Access rules between words and the hexadecimal numbers of the calls. Pure.

A rule says whom, what, and which rights, and in which zone:

>>> encode_rule("@100 VM+NET/* USE+MANAGE *")
('0x200000064', '0x5400000000', '0x3', '0x400000000')
>>> describe_rule("200000064", "5400000000", "3", "400000000")
'@100 VM+NET/* USE+MANAGE *'

Of whom, of what and of which zone are written alike: `#7` one object, `@7` all of a group, `%7`
all of a cluster (resources only), `*` all.
"""

from __future__ import annotations

import re

from pelagos.core import spelling
from pelagos.one.errors import OneValueException

_ID, _GROUP, _ALL, _CLUSTER = 0x1_0000_0000, 0x2_0000_0000, 0x4_0000_0000, 0x8_0000_0000
_SIGNS = {"#": _ID, "@": _GROUP, "%": _CLUSTER}
_LOW = 0xFFFF_FFFF
_RESOURCES = (
    "VM HOST NET IMAGE USER TEMPLATE GROUP ACL DATASTORE CLUSTER DOCUMENT ZONE SECGROUP VDC "
    "VROUTER MARKETPLACE MARKETPLACEAPP VMGROUP VNTEMPLATE HOOK BACKUPJOB"
)
#: The bit of each resource.
RESOURCES = {name: 0x10_0000_0000 << place for place, name in enumerate(_RESOURCES.split())}
#: The bit of each right.
RIGHTS = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}
_SUBJECT = re.compile(r"([#@%])(\d{1,10})")
_PARTS = (3, 4)

Rule = tuple[str, str, str, str] | tuple[str, str, str]


def encode_rule(text: str) -> Rule:
    """The arguments of `one.acl.addrule`: three, or four when a zone is said.

    Raises:
        OneValueException: a part that is not as it should be.
    """
    parts = text.split()
    if len(parts) not in _PARTS:
        raise _wrong(text, "has not three or four parts", 'write it as "@100 VM+NET/* USE *"')
    whom, what, rights, *zone = parts
    encoded = encode_users(whom), encode_resources(what), encode_rights(rights)
    return (*encoded, encode_zone(zone[0])) if zone else encoded


def encode_users(text: str) -> str:
    """Whom: `#7`, `@100` or `*`."""
    return hex(encode_subject(text, "#@"))


def encode_resources(text: str) -> str:
    """What: `VM+IMAGE/#7`, `NET/@100`, `HOST/%0` or `VM/*`."""
    names, slash, which = text.partition("/")
    if not slash:
        raise _wrong(text, "does not say which ones", f'write it as "{text}/*"')
    return hex(_bits(names, RESOURCES) | encode_subject(which))


def encode_rights(text: str) -> str:
    """The rights: `USE+MANAGE`."""
    return hex(_bits(text, RIGHTS))


def encode_zone(text: str) -> str:
    """The zone: `#0` or `*`."""
    return hex(encode_subject(text, "#"))


def describe_rule(user: str, resource: str, rights: str, zone: str = "") -> str:
    """The rule in words, of the numbers that `one.acl.info` gives, with or without `0x`.

    Raises:
        OneValueException: one is not a hexadecimal number.
    """
    what = _number(resource)
    names = _named(what & ~(_LOW | _ID | _GROUP | _ALL | _CLUSTER), RESOURCES)
    parts = [
        _subject_named(_number(user)),
        f"{names}/{_subject_named(what)}",
        _named(_number(rights), RIGHTS),
    ]
    return " ".join([*parts, _subject_named(_number(zone))] if zone else parts)


def encode_subject(text: str, signs: str = "#@%") -> int:
    """Of which ones, as a number: `#7`, `@100`, `%2` or `*`.

    Args:
        signs: those that may be used here.
    """
    if text == "*":
        return _ALL
    found = _SUBJECT.fullmatch(text)
    if found is None or found[1] not in signs or int(found[2]) > _LOW:
        forms = ", ".join(f"{sign}ID" for sign in signs)
        raise _wrong(text, "does not say of which ones", f"write {forms} or *")
    return _SIGNS[found[1]] | int(found[2])


def _bits(text: str, known: dict[str, int]) -> int:
    bits = 0
    for name in text.split("+"):
        if name.upper() not in known:
            raise _wrong(name, "is not known", spelling.hint(name, known, quoted=True))
        bits |= known[name.upper()]
    return bits


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError as error:
        raise _wrong(text, "is not a hexadecimal number", None) from error


def _named(bits: int, known: dict[str, int]) -> str:
    names = [name for name, bit in known.items() if bits & bit]
    rest = bits & ~sum(known.values())
    return "+".join([*names, hex(rest)] if rest else names)


def _subject_named(bits: int) -> str:
    for sign, bit in _SIGNS.items():
        if bits & bit:
            return f"{sign}{bits & _LOW}"
    return "*" if bits & _ALL else hex(bits & _LOW)


def _wrong(text: str, why: str, hint: str | None) -> OneValueException:
    return OneValueException(f"{text!r} in an access rule {why}", hint=hint)
