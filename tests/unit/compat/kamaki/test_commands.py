"""Commands that programs have written for the ancestor's command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pelagos.compat.kamaki.cli import command, main
from pelagos.compat.kamaki.cli.argument import (
    ArgumentParseManager,
    BooleanArgument,
    CommaSeparatedListArgument,
    ConfigArgument,
    DataSizeArgument,
    DateArgument,
    FileContentArgument,
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    PithosLocationArgument,
    ProgressBarArgument,
    RepeatableArgument,
    RuntimeConfigArgument,
    StatusArgument,
    UserAccountArgument,
    ValueArgument,
)
from pelagos.compat.kamaki.cli.cmds import CommandInit, NameFilter, OptionalOutput, Wait
from pelagos.compat.kamaki.cli.command_tree import Command, CommandTree
from pelagos.compat.kamaki.cli.config import Config
from pelagos.compat.kamaki.cli.errors import CLICmdSpecError, CLIInvalidArgument, CLISyntaxError
from pelagos.compat.kamaki.cli.registration import asking
from pelagos.compat.kamaki.clients.pithos import PithosClient

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

#: As the first document shows how a group of commands is written.
FIRST = '''
from kamaki.cli import command
from kamaki.cli.argument import FlagArgument, ValueArgument
from kamaki.cli.command_tree import CommandTree
from kamaki.cli.commands import _command_init
from kamaki.clients import ClientError

_mygrp1_commands = CommandTree('mygrp1', 'the first group')
_mygrp2_commands = CommandTree('mygrp2', 'the second group')
_commands = [_mygrp1_commands, _mygrp2_commands]

@command(_mygrp1_commands)
class mygrp1_list_all(_command_init):
    """List all

    in many words
    """
    def __init__(self, arguments={}):
        super(mygrp1_list_all, self).__init__(arguments)
        self.arguments['match'] = ValueArgument('only these', ('-m', '--match'))
        self.arguments['loud'] = FlagArgument('shout', '--loud')

    def main(self):
        found = 'all of %s' % self.get_argument('match')
        print(found.upper() if self.get_argument('loud') else found)
        print(self.config.get('mygrp1', 'extra'))

@command(_mygrp1_commands)
class mygrp1_list_details(_command_init):
    """Details of one"""
    def main(self, container___path, size=0):
        print('%s %s' % (container___path, size))
        if size:
            return {}['absent']
        raise ClientError('404 Not Found {"itemNotFound": {"message": "gone"}}', 404, 'look there')

@command(_mygrp2_commands)
class mygrp2_create(_command_init):
    """Of another group"""
    def main(self, *names):
        print('never')

assert mygrp2_create is None
'''

#: As those of the last versions are.
LAST = '''
from kamaki.cli import command
from kamaki.cli.argument import KeyValueArgument
from kamaki.cli.cmdtree import CommandTree
from kamaki.cli.cmds import CommandInit, OptionalOutput

commands = CommandTree('farm', 'animals')
namespaces = [commands]

@command(commands)
class farm_feed(CommandInit, OptionalOutput):
    """Feed animals"""
    arguments = dict(food=KeyValueArgument('what, and how much', '--food'))
    required = ('food',)

    def main(self, *animals):
        self.error('for whoever watches')
        self.print_([dict(id=i, name=n, food=self['food']) for i, n in enumerate(animals)])
        self.writeln(self.cloud)
'''


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a line in this process: its exit code, what it printed and what it said."""
    (tmp_path / "grps.py").write_text(FIRST)
    (tmp_path / "farm.py").write_text(LAST)
    rc = tmp_path / "rc"
    rc.write_text(
        "[global]\ndefault_cloud = box\nfarm_cli = farm\n"
        f"[mygrp1]\ncli = {tmp_path}/grps.py\nextra = told\n[mygrp3]\ncli = nosuch\n"
    )
    monkeypatch.setenv("KAMAKI_CONFIG", str(rc))
    monkeypatch.syspath_prepend(tmp_path)

    def line(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    yield line
    sys.modules.pop("farm", None)


def test_a_group_of_the_first_document(run: Run) -> None:
    said = run("mygrp1", "list", "all", "-m", "them")
    assert said == (0, "all of them\ntold\n", "")
    assert run("mygrp1", "list", "all", "--loud", "-o", "mygrp1.extra=new")[:2] == (
        0,
        "ALL OF NONE\nnew\n",
    )
    code, out, err = run("mygrp1", "list", "details", "a:b")
    assert (code, out) == (1, "a:b 0\n")
    assert "(404)" in err and "|  look there" in err
    assert run("mygrp1", "list", "details", "a", "1")[2].startswith("KeyError: 'absent'")


def test_what_is_wrong_with_a_line_is_said(run: Run) -> None:
    for words, wanted in (
        (("mygrp1", "list", "details"), "<container:path> [size]"),
        (("mygrp1", "list", "all", "more"), "usage: kamaki mygrp1 list all"),
        (("mygrp1", "list", "all", "--nosuch"), "--nosuch"),
        (("mygrp1", "list"), "mygrp1 list is no command"),
        (("absent", "list"), "no group"),
        (("farm", "feed", "cow"), "Missing required arguments"),
        (("farm", "feed", "--food", "hay"), "no ="),
        (("-o", "x"), "no setting"),
    ):
        code, _, err = run(*words)
        assert code == 2 and wanted in err, words
    code, _, err = run("mygrp3", "x")
    assert code == 1 and "no module nosuch" in err


def test_a_group_of_the_last_versions(run: Run) -> None:
    code, out, err = run("farm", "feed", "cow", "cat", "--food", "hay=2", "--food", "a=b")
    assert (code, err) == (0, "for whoever watches\n")
    assert out == (
        "0 cow\n    food:\n        hay: 2\n        a: b\n"
        "1 cat\n    food:\n        hay: 2\n        a: b\nbox\n"
    )
    code, out, _ = run("farm", "feed", "--food", "a=b", "--output-format", "json")
    assert (code, out) == (0, "[]\nbox\n")
    code, out, _ = run("farm", "feed", "--help", "--cloud", "x")
    assert code == 0 and "<animals ...>" in out and "--food" in out
    assert run("--version")[1].startswith("kamaki ")
    assert "mygrp1" in run()[2]


def test_it_is_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pelagos.compat.kamaki", "absent"],
        env={**os.environ, "KAMAKI_CONFIG": str(tmp_path / "absent")},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.startswith("there is no group of commands absent")


def made(name: str, doc: str | None = "What it does") -> type[Any]:
    return type(name, (), {"__doc__": doc, "main": lambda _self: None})


def test_only_what_a_line_needs_is_registered() -> None:
    tree = CommandTree("a")
    with asking(["a", "b"], depth=1):
        assert command(tree)(made("a_x")) is not None
        assert command(tree)(made("a_b_c")) is not None
        assert command(tree)(made("a_y")) is None
        assert command(tree)(made("a_b_d_e")) is None
        assert command(tree)(made("z")) is None
    assert tree.has_command("a_b_d") and not tree.has_command("a_b_d_e")
    assert not tree.has_command("a_y")
    other = CommandTree("q")
    assert command(other, "q_r")(made("q_s")) is not None
    assert command(other, ["q", "r"], descedants_depth=1)(made("q_r_s")) is not None
    assert command(other, "q_r")(made("q_s")) is None
    assert command(None)(made("x")).__name__ == "x"
    with pytest.raises(CLICmdSpecError):
        command(tree)(made("a_nothing", doc=""))


def test_a_tree_knows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    tree = CommandTree("a", "the group")
    leaf = made("a_b_c")
    tree.add_command("a_b_c", "a leaf", leaf)
    tree.add_command("a_d", "another")
    assert tree.get_group_names() == ["a"] and tree.get_subnames("a") == ["b", "d"]
    assert tree.get_class("a_b_c") is leaf and tree.get_description("a_d") == "another"
    found, rest = tree.find_best_match(["a", "b", "c", "x"])
    assert found is not None and (found.path, rest) == ("a_b_c", ["x"])
    assert tree.find_best_match(["z"]) == (None, ["z"])
    closest = tree.get_closest_ancestor_command("a_b_nosuch_leaf")
    assert closest is not None and closest.path == "a_b"
    assert tree.get_parent("a_b_c").path == "a_b"
    assert [one.name for one in tree.get_subcommands()] == ["a"]
    tree.set_class("a_d", leaf)
    tree.set_description("a_d", "new")
    assert tree.get_command("a_d").is_command and not tree.get_command("a_b").is_command
    with pytest.raises(KeyError):
        tree.get_command("a_z")
    tree.pretty_print()
    assert "a b c: a leaf" in capsys.readouterr().out
    whole = CommandTree("all")
    whole.add_tree(tree)
    whole.exclude(["a"])
    assert whole.get_groups() == [] and not whole.has_command("a_b")
    assert CommandTree("b").groups == {}
    node = Command("a")
    assert not node.add_subcmd(Command("b_c")) and node.add_subcmd(Command("a_c"))
    assert node.has_subname("c") and node.sublen() == 1 and node.get_subnames() == ["c"]


def parsed(argument: Any, *words: str) -> Any:
    ArgumentParseManager("x", {"one": argument}).parse(words)
    return argument.value


@pytest.mark.parametrize(
    ("kind", "words", "wanted"),
    [
        (FlagArgument, ["-n"], True),
        (FlagArgument, [], None),
        (ValueArgument, ["-n", "v"], "v"),
        (IntArgument, ["-n", "5.0"], 5),
        (BooleanArgument, ["-n", "FALSE"], False),
        (DataSizeArgument, ["-n", "2.5KiB"], 2560),
        (CommaSeparatedListArgument, ["-n", "a, b"], ["a", "b"]),
        (RepeatableArgument, ["-n", "a", "-n", "b"], ["a", "b"]),
        (RepeatableArgument, [], []),
        (KeyValueArgument, ["-n", "a=b=c", "-n", "d="], {"a": "b=c", "d": ""}),
        (StatusArgument, ["-n", "active"], "ACTIVE"),
        (UserAccountArgument, ["-n", "a-uuid"], "a-uuid"),
        (DateArgument, ["-n", "2026-03-01T12:00:00+00:00"], NOON),
        (DateArgument, ["-n", "Sun, 01 Mar 2026 12:00:00 GMT"], NOON),
    ],
)  # fmt: skip
def test_what_options_make_of_words(kind: Any, words: list[str], wanted: Any) -> None:
    assert parsed(kind("help", "-n"), *words) == wanted


@pytest.mark.parametrize(
    ("kind", "word", "error"),
    [
        (IntArgument, "5.5", CLISyntaxError),
        (IntArgument, "x", CLISyntaxError),
        (BooleanArgument, "maybe", CLIInvalidArgument),
        (DataSizeArgument, "5XB", CLIInvalidArgument),
        (KeyValueArgument, "a", CLISyntaxError),
        (StatusArgument, "gone", CLIInvalidArgument),
        (DateArgument, "tomorrow", CLIInvalidArgument),
        (FileContentArgument, "/absent", CLIInvalidArgument),
        (PithosLocationArgument, "pithos://", CLIInvalidArgument),
    ],
)
def test_words_that_an_option_cannot_use(kind: Any, word: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parsed(kind("help", "-n"), "-n", word)


def test_places_dates_users_and_bars(tmp_path: Path) -> None:
    place = PithosLocationArgument("", "-n")
    assert parsed(place, "-n", "pithos://u/c/a/b") == "pithos://u/c/a/b"
    assert place.tuple == ("u", "c", "a/b")
    short = PithosLocationArgument("", "-n")
    parsed(short, "-n", "a/b")
    short.setdefault("container", "pithos")
    assert short.dict == {"uuid": None, "container": "pithos", "object": "a/b"}
    date = DateArgument("", "-n")
    assert (date.timestamp, date.formated, date.isoformat) == (None, None, None)
    parsed(date, "-n", "01-03-2026")
    assert date.isoformat is not None and date.isoformat.startswith("2026-03-01T00:00:00")
    assert date.formated == "Sun Mar 01 00:00:00 2026"
    user = UserAccountArgument("", "-n")

    class Catalogue:
        def usernames2uuids(self, _names: list[str]) -> dict[str, str]:
            return {"a@b": "u-1"}

    user.account_client = Catalogue()
    assert parsed(user, "-n", "a@b") == "u-1"
    with pytest.raises(CLIInvalidArgument):
        parsed(user, "-n", "x@y")
    (tmp_path / "f").write_text("ä")
    assert parsed(FileContentArgument("", "-n"), "-n", str(tmp_path / "f")) == "ä"
    assert ProgressBarArgument("", "-N").clone().get_generator("x") is None  # nobody watches
    with pytest.raises(AssertionError):
        ValueArgument("help", "name")


def test_settings_of_a_line_go_before_those_of_the_file(tmp_path: Path) -> None:
    config = ConfigArgument()
    config.value = Config(str(tmp_path / "rc"))
    options = RuntimeConfigArgument(config, "", "-o")
    ArgumentParseManager("x", {"o": options}).parse(["-o", "colors=on", "-o", "a.b=c=d"])
    assert config.get("global", "colors") == config.get_global("colors") == "on"
    assert config.get("a", "b") == "c=d"
    assert ("file", "pithos") in config.cli_specs and "server" in config.get_groups()


def test_required_options_are_one_of_a_list_or_all_of_a_tuple() -> None:
    def line(required: Any, *words: str) -> list[str]:
        options = {name: ValueArgument("", f"--{name}") for name in ("a", "b", "c")}
        return ArgumentParseManager("x", options, required).parse(words)

    assert line(["a", "b"], "--b", "1", "more") == ["more"]
    assert line(("a", ["b", "c"]), "--a", "1", "--c", "2") == []
    with pytest.raises(CLISyntaxError) as caught:
        line(("a", ["b", "c"]), "--a", "1")
    assert caught.value.details == ["(--a and (--b or --c))"]
    out = io.StringIO()
    ArgumentParseManager("x", {"a": ValueArgument("this", "--a")}, syntax="<what>").print_help(out)
    assert "usage: x <what>" in out.getvalue() and "this" in out.getvalue()


def test_a_command_of_the_last_versions_makes_clients(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text(
        '[global]\ndefault_cloud=c\n[cloud "c"]\nurl=http://k/v2.0\ntoken=T U\npithos_url=http://p/v1\n'
    )

    class Lister(CommandInit, NameFilter, OptionalOutput):
        arguments = {"x": FlagArgument("", "-x")}  # noqa: RUF012  # as programs write it

    config = ConfigArgument()
    config.value = Config(str(rc))
    out = io.StringIO()
    lister = Lister({"config": config}, _out=out, _err=out, _in=io.StringIO("y\n"))
    client = lister.get_client(PithosClient, "pithos")
    assert (client.endpoint_url, client.token, lister.cloud) == ("http://p/v1", "T", "c")
    assert lister.astakos.token == "T" and lister["x"] is None
    lister.arguments["name_pref"].value = "a"
    assert lister._filter_by_name([{"name": "ab"}, {"name": "ba"}]) == [{"name": "ab"}]
    assert lister.ask_user("?")
    lister.print_list(["x"])
    lister.print_dict({"a": 1})
    lister.write("end")
    assert out.getvalue() == "? [y/N]: x\na: 1\nend"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("ACTIVE", "now ACTIVE"),
        ({"status": "ACTIVE"}, "now ACTIVE"),
        ({"status": "BUILD"}, "still BUILD"),
        (None, "still BUILD"),
    ],
)
def test_a_command_waits_and_says_how_it_ended(answer: Any, said: str) -> None:
    class Waiter(CommandInit, Wait):
        """Wait for a server."""

    asked = []

    def wait_server(*words: object, **options: object) -> Any:
        asked.append((words, options))
        return answer

    heard = io.StringIO()
    Waiter(_err=heard).wait("Server", 7, wait_server, "BUILD", timeout=5)
    assert asked == [((7, "BUILD"), {"max_wait": 5})]
    assert heard.getvalue().endswith(f"Server 7: status is {said}\n")
