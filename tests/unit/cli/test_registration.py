"""`@command(tree)` and the tree that it fills."""

import pytest

from pelagos.cli import Command, CommandTree, Node, ValueArgument, command
from pelagos.cli.command_base import required_words
from pelagos.cli.failures import CommandClassError
from pelagos.cli.registration import asking


def made(name, doc="Does something.", base=object):
    return type(name, (base,), {"__doc__": doc, "main": lambda _self: None})


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("farm_feed_all", "", "farm feed all"),
        ("FarmFeedAll", "", "farm feed all"),
        ("Farm", "", "farm"),
        ("SecurityGroupList", "security-group list", "security-group list"),
    ],
)
def test_the_words_are_those_of_the_class_or_of_its_path(name, path, words):
    tree = CommandTree(words.split()[0], "the group")
    cls = made(name)
    assert command(tree, path=path)(cls) is cls
    [node] = tree.root.walk()
    assert (node.line, node.cmd_class) == (words, cls)
    assert node.is_command


def test_the_docstring_and_the_signature_describe_the_command():
    tree = CommandTree("farm", "Animals")

    @command(tree)
    class FarmFeed(Command):
        """Feed an animal.

        What it leaves
            is left.
        """

        def main(self, animal, place___name="", *more): ...

    assert FarmFeed.description == "Feed an animal."
    assert FarmFeed.long_description == "What it leaves\n    is left."
    assert FarmFeed.syntax == "ANIMAL [PLACE:NAME] [MORE…]"
    assert tree.get_description("farm_feed") == "Feed an animal."
    assert tree.get_description("farm") == "Animals"

    @command(tree)
    class farm_old:  # noqa: N801  # as many write it
        """Of no base."""

        def main(self, container____path__, size=0, *names): ...

    assert farm_old.syntax == "<container[:path]> [size] <names ...>"


def test_a_class_may_have_two_places():
    one, two = CommandTree("one"), CommandTree("two")
    cls = command(one, path="one x")(command(two, path="two x")(made("OneX")))
    assert one.get_class("one_x") is two.get_class("two_x") is cls


def test_only_what_a_line_needs_is_registered():
    tree = CommandTree("a")
    with asking(["a", "b"], depth=1):
        assert command(tree)(made("a_b_c")) is not None
        assert command(tree)(made("AY")) is None
        assert command(tree)(made("a_b_d_e")) is None
    assert tree.has_command("a_b_d")
    assert not tree.has_command("a_b_d_e")
    assert not tree.has_command("a_y")
    other = CommandTree("q")
    assert command(other, "q_r")(made("q_s")) is not None
    assert command(other, ["q", "r"], descedants_depth=1)(made("q_r_s")) is not None
    assert command(other, "q_r")(made("q_s")) is None
    assert command(None)(made("x")).__name__ == "x"


@pytest.mark.parametrize("cls", [made("a_b", doc=""), type("a_c", (), {"__doc__": "No main."})])
def test_a_class_that_is_no_command_is_refused(cls):
    with pytest.raises(CommandClassError) as caught:
        command(CommandTree("a"))(cls)
    assert cls.__name__ in caught.value.message
    assert caught.value.hint


def test_trees_share_nothing_and_can_be_joined():
    farm, sea = CommandTree("farm", "land", aliases=("land",)), CommandTree("sea", "water")
    command(farm)(made("farm_feed"))
    command(sea)(made("sea_sail_far"))
    assert farm.get_group_names() == ["farm"]
    whole = CommandTree("all")
    whole.add_tree(farm)
    whole.add_tree(sea)
    assert [one.line for one in whole.root.walk()] == ["farm feed", "sea sail far"]
    assert whole.aliases == {"land": "farm"}
    assert whole.get_closest_ancestor_command("sea_sail_near").path == "sea_sail"
    assert whole.get_closest_ancestor_command("sky") is None
    assert whole.get_parent("sea_sail").path == "sea"
    assert whole.get_subnames("sea") == ["sail"]
    assert [one.name for one in whole.get_subcommands("sea_sail")] == ["far"]
    for missing in ("sky", "sea_swim"):
        with pytest.raises(KeyError):
            whole.get_command(missing)
    with pytest.raises(KeyError):
        whole.get_parent("sea")
    whole.exclude(["sea"])
    assert whole.get_group_names() == ["farm"]


def test_a_node_takes_its_own_children_only(capsys):
    node = Node("a")
    assert not node.add_subcmd(Node("b_c"))
    assert node.add_subcmd(Node("a_c", "third"))
    assert node.has_subname("c")
    assert node.parse_out(["c", "d"]) == (node.get_subcmd("c"), ["d"])
    node.pretty_print()
    assert capsys.readouterr().out == "a c: third\n"


def test_what_must_be_given_is_worded():
    options = {name: ValueArgument("", f"--{name}") for name in "abc"}
    assert required_words(("a", ["b", "c"]), options) == "--a and (--b or --c)"
    assert required_words(["a", ("b", "c")], options) == "--a or (--b and --c)"
    assert required_words("a", options) == "--a"
