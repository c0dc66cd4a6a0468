"""Contacts on a command line: free attributes as KEY=VALUE, files of them as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.context import Context
from pelagos.cli.failures import FAILED, CommandError, UsageError
from pelagos.cli.output import Column

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.directory.client import ImportAnswer

ATTRIBUTES = Operand("attributes as KEY=VALUE, any names you like")
FILE = Operand("CSV file with a header line; - reads standard input", complete="file")
CHARSET = ValueArgument(
    "encoding of the file, e.g. cp1252 of spreadsheets", "--charset", default="utf-8"
)
WHOLE = FlagArgument("import all rows, or none when one cannot be", "--all-or-nothing")
REPLACE = FlagArgument("drop the attributes that are not given", "--replace")

_MOST_COLUMNS = 6
#: What a table shows first, when contacts have it.
_FIRST = ("id", "firstname", "lastname", "name", "number", "phone", "mobile", "email", "company")


def read_attributes(words: Sequence[str]) -> dict[str, str]:
    """The attributes; the first = splits, the value may be empty.

    Raises:
        UsageError: a word has no =, or nothing before it, or comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(
                f"{word!r} is not KEY=VALUE",
                hint="write for example: firstname=Ines number=5550199",
            )
        if key in found:
            raise UsageError(f"{key} is given twice")
        found[key] = value
    if not found:
        raise UsageError(
            "no attribute is given", hint="write for example: firstname=Ines number=5550199"
        )
    return found


def changed(contact: Mapping[str, Any], words: Sequence[str], *, replace: bool) -> dict[str, Any]:
    """A contact with other attributes; one that is given an empty value goes, unless `replace`."""
    given = read_attributes(words)
    if replace:
        return dict(given)
    kept = {key: value for key, value in contact.items() if key != "id"}
    return {key: value for key, value in {**kept, **given}.items() if value != ""}


def columns_of(contacts: Sequence[Mapping[str, Any]]) -> list[Column]:
    """What a table shows of contacts with any attributes: the usual ones, then the most common."""
    counted: dict[str, int] = {}
    for contact in contacts:
        for key in contact:
            counted[key] = counted.get(key, 0) + 1
    usual = [key for key in _FIRST if key in counted]
    others = sorted(counted.keys() - set(usual), key=lambda key: (-counted[key], key))
    return [Column(key) for key in (*usual, *others)[:_MOST_COLUMNS]]


def read_table(context: Context, file: str) -> bytes:
    """The bytes of a file, or of standard input.

    Raises:
        UsageError: it cannot be read.
    """
    if file == "-":
        stream = getattr(context.stdin, "buffer", None)
        return bytes(stream.read()) if stream else context.stdin.read().encode()
    try:
        return Path(file).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def tell_import(context: Context, answer: ImportAnswer) -> int | None:
    """Say what became of a file; the code of a command that did it."""
    for row in answer.failed:
        given = ", ".join(f"{key}={value}" for key, value in row.contact.items())
        where = f"line {row.line}" if row.line else f"the row {given}"
        context.say(f"{where}: {'; '.join(row.errors) or 'not accepted'}")
    count = len(answer.created)
    said = f"{count} contact{'' if count == 1 else 's'} imported"
    if not answer.failed:
        context.say(said)
        return None
    context.say(f"{said}, {len(answer.failed)} not")
    return FAILED


def write_file(context: Context, text: str, file: str | None) -> None:
    """Print a text as it is, or write it to a file that is not there yet.

    Raises:
        CommandError: it cannot be written.
    """
    if file is None:
        context.stdout.write(text.replace("\r\n", "\n"))
        return
    try:
        with Path(file).expanduser().open("x", encoding="utf-8", newline="") as output:
            output.write(text)
    except OSError as error:
        raise CommandError(
            f"cannot write {file}: {error.strerror}", hint="give another name"
        ) from error
