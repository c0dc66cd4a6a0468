"""Commands on an OpenNebula: where it is, what is meant by a name, what things are to a person.

class OneVmShow(OneCommand):
    arguments = {**ONE}

    def main(self, vm):
        self.context.output.show_one(self.find(VM, vm).to_dict())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pelagos.cli.argument import Argument, KeyValueArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the bindings
    from pelagos.one import OneServer

ONE: Mapping[str, Argument] = {
    "endpoint": ValueArgument(
        "where it answers; default: ONE_XMLRPC, one.endpoint, ~/.one/one_endpoint",
        "--endpoint",
        metavar="URL",
    ),
    "auth": ValueArgument(
        "file with USER:PASSWORD; default: ONE_AUTH, one.auth_file, ~/.one/one_auth",
        "--auth",
        metavar="FILE",
        complete="file",
    ),
}
"""The options of every command on an OpenNebula."""

TEMPLATE: Mapping[str, Argument] = {
    "set": KeyValueArgument("an attribute of the template", "--set"),
}
"""What can be said of a template without a file."""

Record = Mapping[str, Any]


class Kind(NamedTuple):
    """A kind of things of an OpenNebula.

    Attributes:
        word: what it is called, and the group of its commands: "vnet".
        title: in sentences: "network".
        resource: of its calls: "vn".
        row: what a table shows of one besides id and name.
        columns: the keys of that.
        root: of its answers: "VNET".
        options: what `allocate` takes after the template: "cluster", "datastore" or nothing; None:
            things of this kind are not made of a template alone.
        is_owned: whether it has an owner and permissions.
    """

    word: str
    title: str
    resource: str
    row: Callable[[Any], dict[str, Any]]
    columns: tuple[str, ...]
    root: str
    options: tuple[str, ...] | None = ()
    is_owned: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """Which keys its rows may have; see `Command.keys`."""
        from pelagos.one.results.types import ROOTS

        module, name = ROOTS[self.root]
        return ("id", "name", *self.columns, f"pelagos.one.results.types.{module}:{name}")


class OneCommand(Command):
    """A command on an OpenNebula; its `arguments` must have `ONE`."""

    @cached_property
    def one(self) -> OneServer:
        """The server that is meant; nothing is sent yet.

        Raises:
            UsageError: nobody said as whom to come, or the address is none.
        """
        from pelagos.one import OneServer
        from pelagos.one.errors import OneConfigException
        from pelagos.plane.sections import OneConfig

        environment = dict(self.context.environ)
        if self["auth"]:
            environment["ONE_AUTH"] = self["auth"]
        configured = self.context.config.of(OneConfig)  # weaker than the tools' own variables
        if configured.auth_file:
            environment.setdefault("ONE_AUTH", str(configured.auth_file))
        if configured.endpoint:
            environment.setdefault("ONE_XMLRPC", configured.endpoint)
        try:
            return OneServer(
                self["endpoint"],
                environment=environment,
                transport=self.context.carrier(),
                clock=self.context.clock,
            )
        except OneConfigException as error:
            raise UsageError(error.message, hint=_in_options(error.hint)) from error

    def all_of(self, kind: Kind, **more: Any) -> Iterable[Any]:
        """All of a kind that may be seen, the lowest ids first."""
        from pelagos.one import methods

        pool = f"{kind.resource}pool"
        found: Iterable[Any] = getattr(self.one, pool).iter(**more)
        if methods.find(f"one.{pool}.info").parameters:
            return found
        return sorted(found, key=lambda one: int(one.ID))  # the server gives the newest first

    def id_of(self, kind: Kind, wanted: str) -> int:
        """The id of the thing with this id or name.

        Raises:
            CommandError: there is none, or several have that name.
        """
        if wanted.isascii() and wanted.isdigit():
            return int(wanted)
        known = [(one.ID, one.NAME) for one in self.all_of(kind)]
        same = [number for number, name in known if name == wanted]
        if len(same) == 1:
            return int(same[0])
        if same:
            numbers = ", ".join(map(str, same))
            raise CommandError(
                f"{len(same)} {kind.title}s are called {wanted}",
                hint=f"name one by its id: {numbers}",
            )
        from pelagos.core.spelling import nearest

        near = nearest(wanted, [str(name) for _, name in known])
        raise CommandError(
            f"there is no {kind.title} {wanted}",
            hint=f"did you mean {near}?" if near else f"see: pelagos one {kind.word} list",
            code=NOT_FOUND,
        )

    def find(self, kind: Kind, wanted: str) -> Any:
        """The thing with this id or name, with all that its info says.

        Raises:
            CommandError: there is none, or several have that name.
            OneNoExistsException: there is none of that id.
        """
        return getattr(self.one, kind.resource).info(self.id_of(kind, wanted))

    def template(self, file: str | None) -> str:
        """A template from a file (`-`: standard input) or of --set.

        Raises:
            UsageError: neither is given, both are, or the file cannot be read.
            TemplateError: what --set says cannot be stored.
        """
        values = self["set"] or {}
        if bool(values) == bool(file):
            raise UsageError("give either a file with the template or --set", hint="--set CPU=1")
        if values:
            from pelagos.one.template import encode

            return encode({"TEMPLATE": values})
        if file == "-":
            return str(self.context.stdin.read())
        return file_text(str(file))


def _in_options(hint: str | None) -> str | None:
    """What a library tells a program to do, as a person does it here."""
    return hint and hint.replace('give session="user:password"', "name such a file: --auth FILE")


def owner(thing: Any) -> dict[str, Any]:
    """Whose it is, for a table."""
    return {"user": thing.UNAME, "group": thing.GNAME}


def state(constants: str, number: Any) -> str:
    """A state in words: "monitored"."""
    from pelagos.one import constants as known

    return str(getattr(known, constants)(int(number)).name).lower()


def machine_state(vm: Any) -> str:
    """What a machine does, in one word: "running", "poweroff"."""
    name = state("VM_STATE", vm.STATE)
    return state("LCM_STATE", vm.LCM_STATE) if name == "active" else name


def address(vm: Any) -> str:
    """The addresses of a machine."""
    nics = vm.TEMPLATE.get_list("NIC") if vm.TEMPLATE is not None else []
    return " ".join(nic["IP"] for nic in nics if nic.get("IP"))


def host_of(vm: Any) -> str:
    """Where a machine is, or was."""
    records = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS else []
    return str(records[-1].HOSTNAME) if records else ""


def file_text(name: str) -> str:
    """The text of a file.

    Raises:
        UsageError: it cannot be read.
    """
    from pathlib import Path

    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{name} cannot be read: {reason}", hint="give another file") from error
