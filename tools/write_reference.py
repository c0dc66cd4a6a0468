"""Write the pages of docs/reference that are made from the code.

python tools/write_reference.py          writes them
python tools/write_reference.py --check  says which differ and ends with 1
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pelagos.cli.argument import Argument
from pelagos.cli.command_base import (
    GLOBAL_ARGUMENTS,
    LIST_ARGUMENTS,
    SHOW_ARGUMENTS,
    Command,
    required_words,
)
from pelagos.cli.failures import EXIT_CODES
from pelagos.cli.launch import load
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.core.config import Setting, settings
from pelagos.plane.sections import SECTIONS
from pelagos.slap.master.auth import OPEN, RIGHTS, Kind

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
#: Each makes a page of its own.
CLIENTS = Path(__file__).with_name("clients_reference.py")
ERRORS = Path(__file__).with_name("errors_reference.py")
INTERFACES = Path(__file__).with_name("interfaces_reference.py")
NOTE = "<!-- made by tools/write_reference.py from the code; change it there -->"


def pages() -> dict[str, str]:
    """The text of each page, by its file name."""
    return {
        "cli.md": "\n".join(commands()),
        "exit-codes.md": "\n".join(exit_codes()),
        "configuration.md": "\n".join(configuration()),
        "rights.md": "\n".join(rights()),
        "clients-methods.md": runpy.run_path(str(CLIENTS))["page"](),
        "errors.md": runpy.run_path(str(ERRORS))["page"](),
        **runpy.run_path(str(INTERFACES))["pages"](),
    }


def commands() -> Iterator[str]:
    """The page of all commands."""
    yield from (
        "# Commands",
        "",
        NOTE,
        "",
        "Results go to stdout; errors, hints and progress go to stderr, and progress only to",
        "a terminal. Options may stand anywhere on the line; after `--` every word is an",
        "operand. [Exit codes](exit-codes.md) tell scripts what happened.",
        "",
        "## Options of every command",
        "",
        *options(GLOBAL_ARGUMENTS.values()),
        "",
        "## Options of every command that lists or shows",
        "",
        *options(SHOW_ARGUMENTS.values()),
        "",
        "`table` is for people: some columns, worded, cut at the edge of a terminal. The",
        "other formats have raw values under stable keys: `json` and `yaml` all of them;",
        "`csv` (with a head) and `value` (tabs, no head) those of the table. `--columns`",
        "takes any key; dots lead into nested ones: `--columns reference,cause.code`. Colour",
        "is only used on a terminal, and not when `NO_COLOR` is set. Characters that could",
        "steer a terminal are escaped.",
        "",
        "## Options of every command that lists",
        "",
        *options(LIST_ARGUMENTS.values()),
        "",
        "A key is one of the data, as `-o json` shows them, or the heading of a column:",
        "`pelagos service list --filter status=started --filter 'name~web' --sort -created`.",
        "All conditions must hold. Upper and lower case count the same; of a value that is a",
        "list, one must be as wished. Numbers in names count as numbers (`web9` before",
        "`web10`), and rows without a value come last. `--limit` counts what is left. Sorting",
        "waits for the whole list; filtering does not.",
        "",
    )
    for node in pelagos_tree().root.walk():
        yield from command(node)
    yield from (
        "## Commands of other packages",
        "",
        "A package adds commands through the entry-point group `pelagos.commands`. The name",
        "of an entry point is the words of the command, with dots between them (`farm.grow`);",
        "its object is a class derived from `pelagos.cli.Command`, or a `CommandTree` under the",
        "name of its group. A section `[farm]` of the configuration with `cli`, a module or the",
        "path of a file, makes a group of that module. Nothing is loaded before a line names it:",
        "[write a command](../how-to/write-a-command.md).",
        "",
    )


def command(node: Node) -> Iterator[str]:
    """The section of one command."""
    kind = load(node)
    yield f"## pelagos {node.line}"
    yield ""
    yield f"`pelagos {node.line} {kind.syntax}".rstrip() + "`"
    yield ""
    for paragraph in (kind.__doc__ or "").strip().split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""
    names = [name for name, _, _ in kind.signature()]
    if names:
        yield from ("| operand | meaning |", "| --- | --- |")
        for one in names:
            yield f"| `{one.upper()}` | {escaped(kind.operands[one].help)}. |"
        yield ""
    if kind.arguments:
        yield from options(kind.arguments.values())
        yield ""
    yield from takes(kind)
    if kind.examples:
        yield from ("```sh", *kind.examples, "```", "")


def takes(kind: type[Command]) -> Iterator[str]:
    """What its options must be, and which it shares with others."""
    if kind.required:
        yield f"Must be given: {required_words(kind.required, kind.all_arguments())}."
        yield ""
    if kind.lists:
        yield "Takes `--output`, `--columns`, `--filter` and `--sort`."
        yield ""
    elif kind.shows:
        yield "Takes `--output` and `--columns`."
        yield ""


def options(arguments: Iterable[Argument]) -> Iterator[str]:
    """A table of options."""
    yield from ("| option | meaning |", "| --- | --- |")
    for one in arguments:
        value = f" {one.metavar}" if one.arity else ""
        names = ", ".join(f"`{name}{value}`" for name in one.names)
        repeated = " May be repeated." if one.arity < 0 and "repeated" not in one.help else ""
        yield f"| {names} | {escaped(one.help)}.{repeated} |"


def exit_codes() -> Iterator[str]:
    """The page of the exit codes."""
    yield from ("# Exit codes", "", NOTE, "", "| code | meaning |", "| --- | --- |")
    yield from (f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    yield from (
        "",
        "An error is told on stderr: what happened and why, then, indented, what to do next.",
        "A failure that nobody foresaw is told in one line as well; its details are kept in a",
        "file below `log` in the data folder, readable by its owner alone, and the line says",
        "which.",
        "",
        "`pelagos request` ends with 3 when the wish is kept but has no place yet; with",
        "`--wait`, that and the other commands that take it end with 3 when the wish has not",
        "come true in time. The wish stays. `pelagos lookup` ends with 4 when nothing is",
        "found, `pelagos doctor` and `pelagos bus doctor` with 1 when a check fails.",
        "`pelagos bus call` ends with 1 when the answer is an error, and with 3, as `bus tail`",
        "and `bus ping` do, when nothing comes in time. `bus send` and `bus call` end with 4",
        "when no queue takes the message.",
        "",
        "What removes more than one word names, or what cannot come back, wants `--yes`.",
        "Without it the command does nothing, says what it would do, and ends with 2. Nothing",
        "ever asks and waits for an answer.",
        "",
    )


def configuration() -> Iterator[str]:
    """The page of the settings."""
    yield from (
        "# Configuration",
        "",
        NOTE,
        "",
        "One TOML file. `pelagos config path` says where: `--config`, else `PELAGOS_CONFIG`,",
        "else `$XDG_CONFIG_HOME/pelagos/config.toml`, else `~/.config/pelagos/config.toml`.",
        "It need not exist. A key that is not listed here is an error that names the nearest,",
        "and so is a value of the wrong type.",
        "",
        "From weak to strong: default, file, environment variable, option of the command.",
        "`pelagos config list` shows each setting's value and what set it; `pelagos config",
        "set KEY VALUE` writes the file, with mode 0600, and keeps its comments.",
        "",
        "Everything else that Pelagos keeps is in the data folder: `--data`, else",
        "`PELAGOS_DATA`, else `$XDG_DATA_HOME/pelagos`, else `~/.local/share/pelagos`.",
        "",
        "Your token is taken from `--token-file`, else from `PELAGOS_TOKEN`, else from the",
        "file that `plane.token_file` names, else from `token` in the data folder; that last",
        "one is sent only to the plane of that folder.",
        "",
    )
    for section, kind in SECTIONS.items():
        yield from (f"## [{section}]", "", (kind.__doc__ or "").splitlines()[0], "")
        yield from (
            "| key | type | default | variable | meaning |",
            "| --- | --- | --- | --- | --- |",
        )
        yield from (row(one) for one in settings(SECTIONS) if one.section == section)
        yield ""


def rights() -> Iterator[str]:
    """The page of who may make which call."""
    yield from (
        "# Rights",
        "",
        NOTE,
        "",
        "Which kind of caller may make which call of [the master](http-api.md). A computer",
        "calls for itself and its partitions only, a partition for itself only. What a person",
        "may see and change is less for a tenant than for an operator:",
        "[identity](../explanation/identity.md).",
        "",
        "Anybody: the call carries no identity. What it needs is in the call itself, as a",
        "one-time token.",
        "",
        "| call | who |",
        "| --- | --- |",
    )
    kinds = (Kind.PERSON, Kind.COMPUTER, Kind.PARTITION)
    for call, allowed in sorted(RIGHTS.items()):
        named = [str(kind) for kind in kinds if kind in allowed]
        yield f"| `{call}` | {'anybody' if call in OPEN else ', '.join(named)} |"
    yield ""


def row(one: Setting) -> str:
    """The line of one setting."""
    default = "" if one.default in (None, "", {}) else f"`{one.default}`"
    variable = f"`{one.variable}`" if one.variable else ""
    return f"| `{one.name}` | {one.kind} | {default} | {variable} | {escaped(one.about)} |"


def escaped(text: str) -> str:
    """Text for a cell of a table."""
    return text[:1].upper() + text[1:].replace("|", "\\|")


def main(argv: list[str]) -> int:
    """Write or check the pages; see above."""
    wrong = [
        name
        for name, text in pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text() != text
    ]
    if argv == ["--check"]:
        sys.stderr.writelines(
            f"docs/reference/{name} is not what the code says\n" for name in wrong
        )
        return 1 if wrong else 0
    for name in wrong:
        (REFERENCE / name).write_text(pages()[name])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
