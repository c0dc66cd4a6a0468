import pytest

from pelagos.cli.failures import UsageError
from pelagos.cli.shell.step import WORDS, Enter, Help, Nothing, Quit, Run, System, step
from pelagos.cli.tree import pelagos_tree

TREE = pelagos_tree()


def meant(line: str, *place: str):
    return step(line, place, TREE)


@pytest.mark.parametrize("line", ["", "   ", "# a comment", "\t"])
def test_empty_lines_and_comments_are_nothing(line):
    assert meant(line) == Nothing()


@pytest.mark.parametrize(
    ("place", "line", "expected"),
    [
        ((), "service", Enter(("service",))),
        ((), "bus dead", Enter(("bus", "dead"))),
        (("bus",), "dead", Enter(("bus", "dead"))),
        (("bus", "dead"), "..", Enter(("bus",))),
        (("service",), "exit", Enter(())),
        (("service",), "/", Enter(())),
        (("service",), "/computer", Enter(("computer",))),
        (("service",), "pelagos", Enter(())),
        ((), "file", Enter(("object",))),
    ],
)
def test_a_group_alone_is_entered_and_left(place, line, expected):
    assert meant(line, *place) == expected


@pytest.mark.parametrize(
    ("place", "line", "words"),
    [
        ((), "service list -j", ["service", "list", "-j"]),
        (("service",), "list", ["service", "list"]),
        (("service",), "-v list", ["service", "-v", "list"]),
        (("service",), "info 'a b'", ["service", "info", "a b"]),
        (("service",), "/computer list", ["computer", "list"]),
        (("service",), "pelagos computer list", ["computer", "list"]),
        (("service",), "help list", ["service", "list", "--help"]),
        (("service",), "?list", ["service", "list", "--help"]),
        (("service",), "?/computer", ["computer", "--help"]),
        ((), "help service", ["service", "--help"]),
        (("service",), "history", ["history", "show"]),
        (("service",), "--help", ["service", "--help"]),
        ((), "--version", ["--version"]),
        ((), "service lst", ["service", "lst"]),
        ((), "srvice", ["srvice"]),
    ],
)
def test_other_lines_are_commands_from_the_top(place, line, words):
    assert meant(line, *place) == Run(tuple(words))


def test_the_shell_ends_at_the_top_or_when_told():
    assert meant("exit") == meant("quit") == meant("quit", "service") == Quit()
    assert meant("..") == Nothing()


def test_help_alone_is_that_of_the_place():
    assert meant("help", "service") == meant("?") == Help()


def test_a_line_for_the_system_is_passed_on_as_it_is():
    assert meant("!ls -l 'a  b' | wc", "service") == System("ls -l 'a  b' | wc")


@pytest.mark.parametrize(
    ("place", "line", "hint"),
    [
        ((), "!", "!ls"),
        ((), "service info 'x", "close the quotation"),
        (("service",), "computer list", "from the top: /computer list"),
        ((), "shell", "exit leaves it"),
        ((), "-o json", "pelagos shell --help"),
    ],
)
def test_what_means_nothing_is_told_with_what_to_do(place, line, hint):
    with pytest.raises(UsageError) as caught:
        meant(line, *place)
    assert hint in (caught.value.hint or "")


def test_no_word_of_the_shell_hides_a_command():
    own = {word for words in WORDS for word in words.replace(",", "").split()}
    commands = {node.terms[-1] for node in TREE.root.walk()} | set(TREE.groups)
    assert own & commands == {"history"}
