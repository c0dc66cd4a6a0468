"""The keys of a source on a command line: KEY=VALUE words, and a TOML file for secrets."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from pelagos.cli.argument import Operand, ValueArgument
from pelagos.cli.context import Context
from pelagos.cli.failures import UsageError

KEYS = Operand(
    'keys of the source, as KEY=VALUE; a VALUE may be TOML: columns=["name"], timeout=2'
)
FILE = ValueArgument(
    "more keys, as TOML; the place for passwords; - reads standard input",
    "--keys",
    metavar="FILE",
    complete="file",
)


def read_keys(context: Context, words: Sequence[str], file: str | None) -> dict[str, Any]:
    """The keys that were given; dots go into nested tables, and words win over the file.

    A key whose value is empty is None: to be left out.

    Raises:
        UsageError: a word is no KEY=VALUE, a key comes twice, or the file cannot be used.
    """
    keys = _of_file(context, file) if file else {}
    seen = set()
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not all(key.split(".")):
            raise UsageError(
                f"{word!r} is not KEY=VALUE", hint='write for example: searched_columns=["name"]'
            )
        if key in seen:
            raise UsageError(f"{key} is given twice")
        seen.add(key)
        _put(keys, key, _value(text))
    return keys


def merged(former: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The former keys with those given; tables are merged, and what is None is left out.

    >>> merged({"a": 1, "t": {"x": 1, "y": 2}}, {"a": None, "t": {"x": 3}})
    {'t': {'x': 3, 'y': 2}}
    """
    found = dict(former)
    for key, value in given.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            below = found.get(key)
            found[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def _put(keys: MutableMapping[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for table in tables:
        below = keys.setdefault(table, {})
        if not isinstance(below, MutableMapping):
            raise UsageError(f"{key}: {table} has a value already, and no keys below it")
        keys = below
    keys[last] = value


def _value(text: str) -> Any:
    """What the text is as a value of TOML; else the text itself."""
    import tomllib

    if not text:
        return None
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if found.keys() == {"value"} else text


def _of_file(context: Context, file: str) -> dict[str, Any]:
    import tomllib

    try:
        text = context.stdin.read() if file == "-" else Path(file).expanduser().read_text("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not TOML: {error}", hint="mend it with an editor") from error
