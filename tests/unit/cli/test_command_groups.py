"""Groups of commands that a configuration names: `[farm] cli = "farm_commands"`."""

import json

import pytest

from pelagos.cli import failures
from pelagos.cli.complete import proposals

OURS = '''
from pelagos.cli import Command, CommandTree, FlagArgument, IntArgument, Operand, command

_farm_commands = CommandTree("farm", "Animals and what they eat")


@command(_farm_commands)
class FarmFeed(Command):
    """Feed animals; they like it.

    Twice a day will do.
    """

    arguments = {
        "hay": IntArgument("kilograms of hay", "--hay"),
        "oats": IntArgument("kilograms of oats", "--oats"),
        "loud": FlagArgument("call them", "--loud"),
    }
    operands = {"animal": Operand("who", choices=("cow", "horse"))}
    required = ["hay", "oats"]
    shows = True

    def main(self, animal):
        stable = self.context.config.get("farm.stable")
        self.context.output.show_one({"animal": animal, "hay": self["hay"], "stable": stable})


@command(_farm_commands, path="farm animal-list")
class AnimalList(Command):
    """List the animals."""

    def main(self):
        self.context.output.line("cow")


@command(CommandTree("other"))
class other_thing(Command):
    """Of another group."""

    def main(self): ...
'''

#: As modules for the ancestor are written, of its first and of its last versions.
KAMAKI = '''
from kamaki.cli import command
from kamaki.cli.argument import DateArgument, FlagArgument, IntArgument
from kamaki.cli.argument import KeyValueArgument, ValueArgument
from kamaki.cli.command_tree import CommandTree
from kamaki.cli.commands import _command_init
from kamaki.cli.cmds import CommandInit
from kamaki.cli.errors import CLIError, raiseCLIError
from kamaki.clients import ClientError

_first = CommandTree('mygrp1', 'the first group')
_second = CommandTree('mygrp2', 'the second group')
_commands = [_first, _second]


@command(_first)
class mygrp1_list_all(_command_init):
    """List all

    in many words
    """
    def __init__(self, arguments={}):
        super(mygrp1_list_all, self).__init__(arguments)
        self.arguments['match'] = ValueArgument('only these', ('-m', '--match'))
        self.arguments['loud'] = FlagArgument('shout', '--loud')
        self.arguments['size'] = IntArgument('how large', '--data', default=1)

    def main(self):
        found = 'all of %s, %d' % (self.get_argument('match'), self['size'])
        print(found.upper() if self.get_argument('loud') else found)
        print(self.config.get('mygrp1', 'extra'))


@command(_first)
class mygrp1_fail(_command_init):
    """Fail in a way"""
    def main(self, container____path__, how=''):
        if how == 'client':
            raise ClientError('gone', 404)
        raiseCLIError(CLIError('it failed', importance=3), details=['look there'])


@command(_second)
class mygrp2_feed(CommandInit):
    """Feed animals"""
    arguments = dict(
        food=KeyValueArgument('what', '--food'), until=DateArgument('when', '--until')
    )
    required = ('food',)

    def main(self, *animals):
        self.writeln('%s %s' % (','.join(animals), sorted(self['food'].items())))
'''


@pytest.fixture
def farm(world, tmp_path, monkeypatch):
    """Runs lines with a configuration that names modules."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("PELAGOS_CONFIG", str(path))
    world.environ["PELAGOS_CONFIG"] = str(path)
    (tmp_path / "commands_of_a_farm.py").write_text(OURS)
    (tmp_path / "grps.py").write_text(KAMAKI)

    def configure(text: str = '[farm]\ncli = "commands_of_a_farm.py"\nstable = "north"\n') -> None:
        path.write_text(text)

    world.configure = configure
    configure()
    return world


def test_a_group_of_a_file_runs_helps_and_is_completed(farm):
    ran = farm.run("farm", "feed", "cow", "--hay", "3", "-j")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {"animal": "cow", "hay": 3, "stable": "north"}
    assert farm.run("farm", "animal-list").out == "cow\n"
    helped = farm.run("farm", "--help").out
    assert "Animals and what they eat" in helped
    assert "animal-list  List the animals." in helped
    text = farm.run("farm", "feed", "--help").out
    assert "pelagos farm feed ANIMAL" in text
    assert "Twice a day will do." in text
    assert "must be given: --hay or --oats" in text
    assert "  farm" in farm.run("--help").out
    assert ("feed", "Feed animals; they like it.") in list(proposals(["farm"], ""))
    assert "farm" in dict(proposals([], "f"))
    assert ("cow", "") in list(proposals(["farm", "feed"], ""))


def test_what_must_be_given_is_asked_for(farm):
    ran = farm.run("farm", "feed", "cow", "--loud")
    assert ran.code == failures.USAGE
    assert "farm feed: give --hay or --oats" in ran.err
    assert "usage: pelagos farm feed ANIMAL" in ran.err
    assert farm.run("farm", "feed", "cow", "--oats", "0").code == 0


def test_a_slip_in_a_group_is_told_as_in_any_other(farm):
    assert "did you mean: pelagos farm feed?" in farm.run("farm", "fed", "cow").err
    assert "did you mean cow?" in farm.run("farm", "feed", "cov", "--hay", "1").err
    assert farm.run("farm").code == failures.USAGE


def test_a_module_is_found_by_its_name(farm, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    farm.configure('[farm]\ncli = "commands_of_a_farm"\n')
    assert farm.run("farm", "animal-list").out == "cow\n"


def test_config_set_makes_a_group_and_config_delete_ends_it(farm, monkeypatch):
    farm.configure("# mine\n[master]\nport = 7\n")
    assert farm.run("farm", "animal-list").code == failures.USAGE
    monkeypatch.chdir(farm.folder)
    assert farm.run("config", "set", "farm.cli=commands_of_a_farm.py").code == 0
    assert (
        f'cli = "{farm.folder}/commands_of_a_farm.py"' in (farm.folder / "config.toml").read_text()
    )
    assert farm.run("config", "set", "farm.stable", "south").code == 0
    assert farm.run("config", "get", "farm.stable").out == "south\n"
    assert farm.run("farm", "animal-list").out == "cow\n"
    rows = farm.run("config", "list", "-j", "--filter", "key~farm").data
    assert [(row["key"], row["origin"]) for row in rows] == [
        ("farm.cli", "file"),
        ("farm.stable", "file"),
    ]
    assert farm.run("config", "delete", "farm.cli").code == 0
    assert farm.run("config", "get", "master.port").out == "7\n"
    assert farm.run("farm", "animal-list").code == failures.USAGE
    assert "farm" not in (farm.folder / "config.toml").read_text()
    assert farm.run("config", "set", "farm.stable", "south").code == failures.USAGE


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import pelagos\nx = 1 / 0\n", "broken.py, line 2: ZeroDivisionError: division by zero"),
        ("import pelagos\n\ndef f(:\n", "broken.py, line 3: SyntaxError"),
        ("import no_such_module_at_all\n", "line 1: ModuleNotFoundError: No module named"),
        ("print 'all'\n", "broken.py, line 1: the statement print is Python 2"),
        ("def _f():\n    return {}['x']\n_f()\n", "broken.py, line 2: KeyError: 'x'"),
        ("x = 1\n", "there are no commands of the group farm (from broken.py)"),
        ("from kamaki.nowhere import x\n", "line 1: ModuleNotFoundError"),
    ],
)
def test_a_broken_module_is_told_with_its_file_and_line(farm, tmp_path, module, said):
    (tmp_path / "broken.py").write_text(module)
    farm.configure('[farm]\ncli = "broken.py"\n')
    ran = farm.run("farm", "feed", "cow")
    assert ran.code == failures.FAILED
    assert said in ran.err
    assert "there is no command" not in ran.err
    assert "Traceback" not in ran.err
    assert farm.run("--help").code == 0
    assert list(proposals(["farm"], "")) == []


def test_a_module_that_is_not_there_is_told(farm):
    farm.configure('[farm]\ncli = "no_such_farm"\n')
    ran = farm.run("farm", "feed")
    assert "there is no module no_such_farm" in ran.err
    assert "pelagos config set farm.cli=" in ran.err
    farm.configure('[farm]\ncli = "/no/farm.py"\n')
    assert "there is no file /no/farm.py" in farm.run("farm", "feed").err


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("server.cli=x", "Pelagos has a group server itself"),
        ("file.cli=x", "Pelagos has a group file itself"),
        ("farm.cli=/no/farm.py", "there is no file /no/farm.py"),
        ("plane.cli=x", "unknown setting: plane.cli"),
        ("farm.cli=", "farm.cli: name a module or a file"),
    ],
)
def test_config_set_refuses_what_cannot_be_a_group(farm, said, why):
    farm.configure("")
    ran = farm.run("config", "set", said)
    assert ran.code == failures.USAGE
    assert why in ran.err
    assert (farm.folder / "config.toml").read_text() == ""


def test_a_group_that_pelagos_has_itself_stays_its_own(farm):
    farm.configure('[server]\ncli = "commands_of_a_farm.py"\n')
    ran = farm.run("server", "feed")
    assert ran.code == failures.FAILED
    assert "a group server, which Pelagos has itself" in ran.err
    assert "List the servers" in farm.run("server", "--help").out


def test_a_module_for_the_ancestor_runs_as_it_is(farm):
    farm.configure('[mygrp1]\ncli = "grps.py"\nextra = "e"\n[mygrp2]\ncli = "grps.py"\n')
    ran = farm.run("mygrp1", "list", "all", "-m", "x", "--loud", "--data", "5")
    assert (ran.code, ran.out, ran.err) == (0, "ALL OF X, 5\ne\n", "")
    assert farm.run("mygrp1", "list", "all").out == "all of None, 1\ne\n"
    helped = farm.run("mygrp1", "list", "all", "--help").out
    assert "-m, --match" in helped
    assert "in many words" in helped
    assert farm.run("mygrp2", "feed", "a", "b", "--food", "x=1", "--food", "y=2").out == (
        "a,b [('x', '1'), ('y', '2')]\n"
    )
    ran = farm.run("mygrp2", "feed", "a")
    assert ran.code == failures.USAGE
    assert "mygrp2 feed: give --food" in ran.err
    assert farm.run("mygrp1", "--help").out.startswith("usage: pelagos mygrp1 COMMAND")


def test_failures_of_the_ancestors_commands_are_told(farm):
    farm.configure('[mygrp1]\ncli = "grps.py"\n[mygrp2]\ncli = "grps.py"\n')
    ran = farm.run("mygrp1", "fail", "c")
    assert (ran.code, ran.err) == (1, "pelagos: it failed\n  look there\n")
    assert farm.run("mygrp1", "fail", "c", "client").code == failures.NOT_FOUND
    ran = farm.run("mygrp1", "fail")
    assert ran.code == failures.USAGE
    assert "CONTAINER[:PATH] is missing" in ran.err
    ran = farm.run("mygrp2", "feed", "--food", "x")
    assert ran.code == failures.USAGE
    ran = farm.run("mygrp2", "feed", "--food", "x=1", "--until", "never")
    assert ran.code == failures.USAGE
    assert "--until: 'never' is not a time" in ran.err
