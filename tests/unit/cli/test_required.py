"""Options that must be given are declared: the line, the help and the declaration agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pelagos.cli.argument import Argument, BooleanArgument, FlagArgument, IntArgument
from pelagos.cli.command_base import Command, Required, parse
from pelagos.cli.failures import UsageError
from pelagos.cli.launch import load
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.cli.usage import command_help

DECLARED = [node for node in pelagos_tree().root.walk() if load(node).required]


def _names(required: Required) -> list[str]:
    if isinstance(required, str):
        return [required]
    return [name for one in required for name in _names(one)]


@pytest.mark.parametrize("node", DECLARED, ids=lambda node: node.line)
def test_a_line_without_what_must_be_given_names_it_as_the_help_does(node: Node) -> None:
    command = load(node)
    values, _ = parse(command, node.line, [])
    with pytest.raises(UsageError) as refused:
        command.check_required(values, node.line)
    needed = refused.value.message.partition(": give ")[2]
    assert needed
    for name in _names(command.required):
        assert command.arguments[name].name in needed
    assert f"must be given: {needed}" in " ".join(command_help(node, command).split())


def test_commands_that_change_things_say_what_may_be_changed() -> None:
    lines = {node.line for node in DECLARED}
    changing = {
        node.line
        for node in pelagos_tree().root.walk()
        if node.name == "modify" and "cloud" in load(node).arguments
    }
    assert changing <= lines
    assert {"server create", "image create", "volume extend", "role assign", "bus send"} <= lines


class _Choosy(Command):
    """Takes one of several."""

    arguments: Mapping[str, Argument] = {
        "public": BooleanArgument("seen by all", "--public"),
        "limit": IntArgument("at the most", "--limit"),
        "quick": FlagArgument("at once", "--quick"),
    }
    required: Sequence[str] = ["public", "limit", "quick"]

    def main(self) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--public", "false"], {"public": False}),
        (["--limit", "0"], {"limit": 0}),
        (["--quick"], {"quick": True}),
    ],
)
def test_a_value_that_is_like_nothing_is_given_all_the_same(
    words: list[str], given: dict[str, Any]
) -> None:
    values, _ = parse(_Choosy, "choosy", words)
    _Choosy.check_required(values, "choosy")
    assert given.items() <= values.items()


def test_a_flag_that_is_not_given_is_missing() -> None:
    values: dict[str, Any] = parse(_Choosy, "choosy", [])[0]
    options: dict[str, Argument] = _Choosy.all_arguments()
    assert values["quick"] is False
    assert options["quick"].arity == 0
    with pytest.raises(UsageError, match="give --public or --limit or --quick"):
        _Choosy.check_required(values, "choosy")


def _checked(line: str, *words: str) -> Mapping[str, Any]:
    """The values of these words, by option, once they are found to be enough."""
    node = next(node for node in DECLARED if node.line == line)
    command = load(node)
    values = parse(command, line, list(words))[0]
    command.check_required(values, line)
    return {one.name: values[key] for key, one in command.arguments.items()}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("one generate", ["--into", ""]),
        ("bus send", ["--to", ""]),
        ("bus call", ["--queue", ""]),
        ("image create", ["--location", ""]),
        ("server create", ["--flavor", "small", "--image", ""]),
        ("volume create", ["--snapshot", ""]),
        ("commission issue", ["--user", ""]),
        ("role assign", ["--user", "", "--project", "web"]),
        ("server modify", ["--name", ""]),
        ("server modify", ["--metadata-del", ""]),
    ],
)
def test_an_empty_text_is_not_what_must_be_given(line: str, words: list[str]) -> None:
    with pytest.raises(UsageError, match=f"{line}: give "):
        _checked(line, *words)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("bus send", "--exchange"),
        ("container modify", "--read"),
        ("container modify", "--write"),
        ("volume modify", "--description"),
        ("project modify", "--description"),
        ("user modify", "--email"),
        *((f"{one} modify", "--name") for one in ("network", "port", "router", "subnet")),
        *((f"{one} modify", "--name") for one in ("volume", "snapshot")),
    ],
)
def test_an_empty_text_is_given_where_it_says_something(line: str, option: str) -> None:
    assert _checked(line, option, "")[option] == ""
