"""Bodies of requests, checked as strictly as OpenStack's services check them. Pure.

A check takes a value and the name that it stands under, and gives the value or raises `Refused`.

>>> check = record({"name": text(1, 255), "size": whole(1)}, required=("name",))
>>> check({"name": "a", "size": "3"}, "volume")
{'name': 'a', 'size': 3}
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from pelagos.box.errors import Refused

Check = Callable[[Any, str], Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})
_SHOWN = 200
_INTEGER = 2**31 - 1


def wrong(value: Any, name: str, reason: str) -> NoReturn:
    """Refuse a value."""
    told = "***" if "pass" in name.lower() else str(value)[:_SHOWN]
    raise Refused(400, f"Invalid input for field/attribute {name}. Value: {told}. {reason}")


def _typed(value: Any, name: str, kind: type | tuple[type, ...], word: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wrong(value, name, f"{value!r} is not of type {word!r}")


def text(
    least: int = 0,
    most: int = 255,
    *,
    pattern: str = "",
    nullable: bool = False,
    stripped: bool = False,
) -> Check:
    """A text of so many letters; a pattern has to match all of it.

    Args:
        stripped: whether it may not begin or end with white space.
    """
    matcher = re.compile(pattern, re.DOTALL) if pattern else None

    def check(value: Any, name: str) -> Any:
        if value is None and nullable:
            return None
        _typed(value, name, str, "string")
        if len(value) < least:
            wrong(value, name, f"{value!r} is too short")
        if len(value) > most:
            wrong(value, name, f"{value[:_SHOWN]!r} is too long")
        if not value.isprintable() and stripped:
            wrong(value, name, f"{value!r} has characters that cannot be printed")
        if stripped and value != value.strip():
            wrong(value, name, f"{value!r} may not begin or end with white space")
        if matcher and not matcher.fullmatch(value):
            wrong(value, name, f"{value!r} does not match {pattern!r}")
        return value

    return check


def whole(least: int = 0, most: int = _INTEGER, *, nullable: bool = False) -> Check:
    """A whole number, be it written as text."""

    def check(value: Any, name: str) -> Any:
        if value is None and nullable:
            return None
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        _typed(value, name, int, "integer")
        if value < least:
            wrong(value, name, f"{value} is less than the minimum of {least}")
        if value > most:
            wrong(value, name, f"{value} is greater than the maximum of {most}")
        return value

    return check


def flag(*, strict: bool = False) -> Check:
    """True or false; words such as "yes", too, unless it is strict."""

    def check(value: Any, name: str) -> Any:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if not strict and isinstance(value, str | int) and word in _TRUE | _FALSE:
            return word in _TRUE
        return wrong(value, name, f"{value!r} is not of type 'boolean'")

    return check


def one_of(*values: Any) -> Check:
    """One of these."""

    def check(value: Any, name: str) -> Any:
        if value not in values or isinstance(value, bool):
            wrong(value, name, f"{value!r} is not one of {list(values)!r}")
        return value

    return check


def key(*, nullable: bool = False) -> Check:
    """A UUID."""

    def check(value: Any, name: str) -> Any:
        if value is None and nullable:
            return None
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            wrong(value, name, f"{value!r} is not a 'uuid'")
        return value

    return check


def is_uuid(value: str) -> bool:
    """Whether a text is one."""
    return _UUID.fullmatch(value) is not None


def address(version: int | None = None) -> Check:
    """An IP address."""

    def check(value: Any, name: str) -> Any:
        try:
            found = ipaddress.ip_address(value if isinstance(value, str) else "")
        except ValueError:
            found = None
        if found is None or version not in {None, found.version}:
            wrong(value, name, f"{value!r} is not a 'ipv{version or 4}'")
        return value

    return check


def encoded(most: int) -> Check:
    """Bytes in base64, so many letters of it at the most."""

    def check(value: Any, name: str) -> Any:
        _typed(value, name, str, "string")
        if len(value) > most:
            wrong(value[:20], name, "the value is too long")
        try:
            base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            wrong(value[:40], name, "the value is not a 'base64'")
        return value

    return check


def either(*checks: Check) -> Check:
    """What one of the checks takes; the last one tells what is wrong."""

    def check(value: Any, name: str) -> Any:
        told: Refused | None = None
        for one in checks:
            try:
                return one(value, name)
            except Refused as refused:
                told = refused
        raise told or Refused(400, f"Invalid input for field/attribute {name}.")

    return check


def anything(value: Any, _name: str) -> Any:
    """Whatever it is."""
    return value


def nothing(value: Any, name: str) -> None:
    """Null."""
    if value is not None:
        wrong(value, name, f"{value!r} is not of type 'null'")


def listing(
    check: Check, most: int | None = None, *, least: int = 0, unique: bool = False
) -> Check:
    """A list of what the check takes."""

    def whole_list(value: Any, name: str) -> Any:
        _typed(value, name, list, "array")
        if len(value) < least:
            wrong(value, name, f"{value!r} is too short")
        if most is not None and len(value) > most:
            wrong(value, name, f"{value!r} is too long")
        if unique and len({str(one) for one in value}) != len(value):
            wrong(value, name, f"{value!r} has non-unique elements")
        return [check(one, name) for one in value]

    return whole_list


def mapping(check: Check, pattern: str = r"[a-zA-Z0-9-_:. ]{1,255}", name: str = "") -> Check:
    """Any keys that match the pattern, with what the check takes."""
    matcher = re.compile(pattern)

    def whole_mapping(value: Any, told: str) -> Any:
        _typed(value, name or told, dict, "object")
        for word in value:
            if not matcher.fullmatch(word):
                reason = f"{word!r} does not match any of the regexes: {f'^{pattern}$'!r}"
                wrong(value, name or told, reason)
        return {word: check(one, word) for word, one in value.items()}

    return whole_mapping


def record(
    checks: Mapping[str, Check], *, required: Collection[str] = (), is_open: bool = False
) -> Check:
    """An object with these keys and no others, unless it is open."""

    def whole_record(value: Any, name: str) -> Any:
        _typed(value, name, dict, "object")
        for word in required:
            if word not in value:
                wrong(value, name, f"{word!r} is a required property")
        unknown = [word for word in value if word not in checks]
        if unknown and not is_open:
            told = ", ".join(repr(word) for word in unknown)
            verb = "was" if len(unknown) == 1 else "were"
            reason = f"Additional properties are not allowed ({told} {verb} unexpected)"
            wrong(value, name, reason)
        return {
            word: checks[word](one, word) if word in checks else one for word, one in value.items()
        }

    return whole_record
