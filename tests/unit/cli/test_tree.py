import importlib
import pkgutil
import re
import shlex

import pytest

from pelagos.cli import commands
from pelagos.cli.command_base import (
    FORMATS,
    GLOBAL_ARGUMENTS,
    LIST_ARGUMENTS,
    SHOW_ARGUMENTS,
    Command,
    parse,
)
from pelagos.cli.index import GROUPS
from pelagos.cli.launch import load
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.cli.usage import WIDTH, command_help, group_help

NODES = list(pelagos_tree().root.walk())


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.line)
def test_the_table_names_a_command_that_exists(node: Node):
    command = load(node)
    assert issubclass(command, Command)
    assert (command.__doc__ or "").strip()
    assert callable(command.main)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.line)
def test_every_operand_is_described(node: Node):
    command = load(node)
    names = {name for name, _, _ in command.signature()}
    assert names == set(command.operands)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.line)
def test_no_two_options_of_a_command_share_a_name(node: Node):
    arguments = [*load(node).all_arguments().values()]
    names = [name for one in arguments for name in one.names]
    assert len(names) == len(set(names))
    own = {*GLOBAL_ARGUMENTS, *SHOW_ARGUMENTS, *LIST_ARGUMENTS}
    assert not own & set(load(node).arguments)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.line)
def test_the_help_fits_80_columns_and_names_every_option(node: Node):
    command = load(node)
    text = command_help(node, command)
    assert max(map(len, text.splitlines())) <= WIDTH
    for argument in command.all_arguments().values():
        for name in argument.names:
            assert name in text


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.line)
def test_the_examples_can_be_typed(node: Node):
    command = load(node)
    for example in command.examples:
        [typed] = re.findall("pelagos [^|#>]*", example)
        words = shlex.split(typed.rstrip(' )"'))
        found, rest = pelagos_tree().find_best_match(words[1:])
        assert load(found) is command, example
        values, operands = parse(command, node.line, rest)
        command.check_operands(operands, node.line)
        assert set(values) == set(command.all_arguments())


def test_every_command_class_is_in_the_table():
    known = {load(node) for node in NODES}
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"pelagos.cli.commands.{found.name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Command):
                is_ours = thing.__module__.startswith(commands.__name__)
                is_base = not is_ours or thing.__name__.startswith("_")
                assert is_base or thing in known, f"{thing.__name__} cannot be run"


def test_every_group_has_commands_and_a_line_of_help():
    tree = pelagos_tree()
    for name in GROUPS:
        node, rest = tree.find_best_match(name.split())
        assert rest == []
        assert node.help and node.subcommands
        assert not node.can_run


def _groups(node):
    for child in node.subcommands.values():
        if child.subcommands:
            yield child
            yield from _groups(child)


def test_every_word_that_has_commands_is_a_group_that_is_told():
    found = {child.line for child in _groups(pelagos_tree().root)}
    assert found == set(GROUPS)


def test_the_help_of_the_program_names_all_groups_and_commands():
    tree = pelagos_tree()
    text = group_help(tree, tree.root)
    assert max(map(len, text.splitlines())) <= WIDTH
    for word, node in tree.groups.items():
        assert f"  {word} " in text
        assert node.help in " ".join(text.split())


def test_the_longest_known_path_is_the_command():
    tree = pelagos_tree()
    node, rest = tree.find_best_match(["service", "list", "x"])
    assert node is not None and node.line == "service list"
    assert rest == ["x"]
    node, rest = tree.find_best_match(["service", "nope"])
    assert node is not None and (node.line, rest) == ("service", ["nope"])


def test_a_group_that_is_added_twice_keeps_its_commands():
    tree = pelagos_tree()
    tree.add_command("service", "others")
    assert "list" in tree.groups["service"].subcommands
    assert tree.groups["service"].help == "others"


def test_the_help_says_which_formats_there_are():
    for form in FORMATS:
        assert form in SHOW_ARGUMENTS["output"].help
