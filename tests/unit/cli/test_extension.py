from pathlib import Path

import pytest

from pelagos.cli import failures
from pelagos.cli.complete import proposals
from pelagos.cli.extension import extend
from pelagos.cli.tree import pelagos_tree

MODULE = '''
from pelagos.cli import Command, CommandTree, Operand, VersionArgument, command


class Grow(Command):
    """Grow something."""

    operands = {"what": Operand("what to grow")}

    def main(self, what):
        self.context.output.line(f"grown: {what}")


class NoCommand:
    pass


ranch = CommandTree("ranch", "Large farms")


@command(ranch)
class RanchRide(Command):
    """Ride; it takes long."""

    arguments = {"version": VersionArgument("of the horse", "--version", version="horse 3")}

    def main(self):
        self.context.output.line("far")


@command(ranch)
class ranch_herd_count(Command):
    """Count."""

    def main(self):
        self.context.output.line("40")
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch):
    """Installs a package of somebody else that declares these entry points."""

    def install(*points: str, name: str = "farm_of_test") -> None:
        (tmp_path / f"{name}.py").write_text(MODULE)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[pelagos.commands]\n" + "\n".join(points) + "\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_a_command_of_another_package_is_run(world, package):
    package("farm.grow = farm_of_test:Grow")
    assert world.run("farm", "grow", "wheat").out == "grown: wheat\n"
    assert world.run("farm", "grow").code == failures.USAGE


def test_the_help_names_the_package_without_loading_it(package):
    package("grow = no_such_module:Grow")
    tree = pelagos_tree()
    extend(tree)
    assert tree.root.subcommands["grow"].help == "(from farm_of_test)"


def test_a_tree_of_another_package_is_taken_whole(world, package):
    package("ranch = farm_of_test:ranch")
    assert "(from farm_of_test)" in world.run("--help").out
    assert world.run("ranch", "ride").out == "far\n"
    assert world.run("ranch", "herd", "count").out == "40\n"
    assert "Large farms" in world.run("ranch", "--help").out
    assert world.run("ranch", "ride", "--version").out == "horse 3\n"
    assert ("herd", " ") in list(proposals(["ranch"], ""))


def test_a_command_of_another_package_may_join_an_own_group(world, package):
    package("service.grow = farm_of_test:Grow", "ranch = farm_of_test:NoCommand")
    assert world.run("service", "grow", "wheat").out == "grown: wheat\n"
    assert "is not a pelagos.cli.Command" in world.run("ranch", "ride").err


def test_an_own_command_is_not_replaced(package):
    package("request = farm_of_test:Grow")
    tree = pelagos_tree()
    extend(tree)
    assert tree.root.subcommands["request"].target == "pelagos.cli.commands.request:Request"


def test_a_command_that_two_packages_offer_is_not_run(world, package):
    package("grow = farm_of_test:Grow")
    package("grow = other_of_test:Grow", name="other_of_test")
    ran = world.run("grow", "wheat")
    assert ran.code == failures.USAGE
    assert ran.out == ""
    helped = world.run("--help").out
    assert "offered by" in helped
    assert "farm_of_test" in helped
    assert "other_of_test" in helped


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module:Grow", "No module named"),
        ("farm_of_test:Nope", "has no attribute"),
        ("farm_of_test:NoCommand", "is not a pelagos.cli.Command"),
    ],
)
def test_a_broken_package_is_named_and_does_not_end_in_a_traceback(
    world, package, target, message
):
    package(f"grow = {target}")
    ran = world.run("grow", "x")
    assert ran.code == failures.FAILED
    assert message in ran.err
    assert "farm_of_test" in ran.err


def test_without_such_packages_the_dear_look_is_not_taken(monkeypatch):
    def never(**_rest: object) -> None:
        raise AssertionError

    monkeypatch.setattr("importlib.metadata.entry_points", never)
    monkeypatch.setattr("sys.path", ["", "/nowhere"])
    tree = pelagos_tree()
    before = set(tree.root.subcommands)
    extend(tree)
    assert set(tree.root.subcommands) == before
