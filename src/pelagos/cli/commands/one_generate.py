"""`pelagos one generate`: types of results for the version of a server."""

from __future__ import annotations

from pathlib import Path

from pelagos.cli.argument import ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_one_commands = CommandTree("one")


@command(_one_commands)
class OneGenerate(Command):
    """Write the types of OpenNebula's answers as a package: from a version's schemas.

    Answers are read without this, whatever is new in them: unknown elements are there, as texts.
    With it they are numbers and lists, and editors know their names. The schemas are in
    share/doc/xsd of OpenNebula's source. A program says which types to use by
    OneServer(..., types="PACKAGE"). Without --xsd the types that come with Pelagos are written.
    """

    arguments = {
        "xsd": ValueArgument("folder of the schemas", "--xsd", metavar="DIR", complete="file"),
        "into": ValueArgument(
            "folder of the package; only files of an earlier run are written over",
            "--into",
            metavar="FOLDER",
            complete="file",
        ),
        "package": ValueArgument(
            "what it is imported as; by default the name of the folder",
            "--package",
            metavar="NAME",
        ),
    }
    required = "into"
    examples = (
        "pelagos one generate --xsd one/share/doc/xsd --into one_types",
        "pelagos one generate --into acme/one_types --package acme.one_types",
    )

    def main(self) -> None:
        """Read, write, and say what was written."""
        from pelagos.one.generate.writing import described, of_schemas, write_package

        folder = Path(self["into"])
        package = self["package"] or folder.resolve().name
        if not all(part.isidentifier() for part in package.split(".")):
            raise UsageError(
                f"{package!r} is not a name that Python can import",
                hint="give one with --package, or choose another folder",
            )
        shapes = of_schemas(Path(self["xsd"])) if self["xsd"] else described()
        files = write_package(shapes, folder, package)
        self.context.say(f"{len(shapes.roots)} roots in {len(files)} files of {folder}")
