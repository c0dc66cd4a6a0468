"""`pelagos service …`: the services that were requested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pelagos.cli.argument import (
    Argument,
    FlagArgument,
    Operand,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.command_base import Command
from pelagos.cli.context import Context
from pelagos.cli.moment import clock_and_ago
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.cli.values import plain
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: a listing does not pay for the model
    from pelagos.slap.errors import NotFoundError
    from pelagos.slap.model import Service

_service_commands = CommandTree("service", "Services that you requested")

SERVICE = Operand("name of the service", complete="service")

WAIT_ARGUMENTS: Mapping[str, Argument] = {
    "wait": FlagArgument("wait until it is so, and show what it waits for", "-w", "--wait"),
    "timeout": SecondsArgument(
        "how long to wait: seconds, or 90s, 5m, 1h; default 5m", "--timeout", default=300.0
    ),
}

COLUMNS = (
    Column("reference", "name"),
    Column("requested_state", "wished"),
    Column("status"),
    Column("computer_id", "computer"),
    Column("partition_id", "partition"),
    Column("cause.message", "cause"),
)

TREE_COLUMNS = (
    Column("reference", "name"),
    Column("software_type", "type"),
    Column("shared"),
    Column("requested_state", "wished"),
    Column("status"),
    Column("computer_id", "computer"),
    Column("partition_id", "partition"),
    Column("cause.message", "cause"),
)


def info_columns(context: Context) -> tuple[Column, ...]:
    """How a table words the facts of one service."""
    now = context.clock.time()
    return (
        *COLUMNS[:5],
        Column("cause.code"),
        Column("cause.message"),
        Column("cause.hint"),
        Column("cause.detail"),
        Column("cause.since", show=lambda at: clock_and_ago(at, now) if at else ""),
        Column("cause.seen_by"),
        Column("created", show=lambda at: clock_and_ago(at, now) if at else ""),
    )


def find(context: Context, name: str) -> Service:
    """The service of this name.

    Raises:
        NotFoundError: there is none; the hint names the nearest.
    """
    from pelagos.slap.errors import NotFoundError

    try:
        return context.master.service(name)
    except NotFoundError as error:
        raise not_found(context, name, error) from error


def not_found(context: Context, name: str, error: NotFoundError) -> NotFoundError:
    """The error with the nearest name of a service as its hint."""
    from pelagos.slap.errors import NotFoundError

    near = nearest(name, (one.reference for one in context.master.services()))
    hint = f"did you mean {near}?" if near else "see all of them: pelagos service list"
    return NotFoundError(f"there is no service {name}", status=error.status, hint=hint)


@command(_service_commands)
class ServiceList(Command):
    """List the services that you may see: their state and its cause."""

    shows = True
    lists = True
    keys = ("pelagos.slap.model:Service",)

    def main(self) -> None:
        """Print them."""
        self.context.output.show_list(
            self.context.services(),
            COLUMNS,
            empty="no services yet; ask for one: pelagos request NAME URL",
        )


@command(_service_commands)
class ServiceInfo(Command):
    """Show all about one service: state, cause, parameters, connection parameters."""

    shows = True
    operands = {"service": SERVICE}
    examples = ("pelagos service info hello --output value --columns connection.url",)

    def main(self, service: str) -> None:
        """Print it."""
        self.context.output.show_one(find(self.context, service), info_columns(self.context))


class _Change(Command):
    """Base of the commands that wish another state."""

    shows = True
    arguments = WAIT_ARGUMENTS
    operands = {"service": SERVICE}
    state = ""

    def main(self, service: str) -> None:
        """Wish it, wait when told to, print the service."""
        from pelagos.cli.progress import wait_until
        from pelagos.slap.errors import NotFoundError
        from pelagos.slap.model import InstanceState

        state = InstanceState(self.state)
        try:
            found = self.context.master.set_state(service, state)
        except NotFoundError as error:
            raise not_found(self.context, service, error) from error
        if self["wait"]:
            reached = wait_until(self.context, service, state, self["timeout"])
            if reached is None:
                self.context.say(f"{service} is gone")
                return
            found = reached
        self.context.output.show_list([found], COLUMNS)


@command(_service_commands)
class ServiceStart(_Change):
    """Wish a service started; its agent starts it and watches that it stays so."""

    state = "started"


@command(_service_commands)
class ServiceStop(_Change):
    """Wish a service stopped; its data and its place stay."""

    state = "stopped"


@command(_service_commands)
class ServiceDestroy(_Change):
    """Wish a service gone, with its data; its partition becomes free."""

    state = "destroyed"


@command(_service_commands)
class ServiceTree(Command):
    """Show a service with all that it is made of: who asked for whom, and how each is."""

    shows = True
    lists = True
    keys = ("pelagos.slap.model:TreeNode",)
    operands = {"service": SERVICE}

    def main(self, service: str) -> None:
        """Print it, children below their parents."""
        from pelagos.slap.errors import NotFoundError

        try:
            nodes = self.context.master.tree(service)
        except NotFoundError as error:
            raise not_found(self.context, service, error) from error
        output = self.context.output
        if not output.is_table or self["columns"] or output.is_selective:
            output.show_list(nodes, TREE_COLUMNS)
            return
        rows = [{**plain(node), "reference": "  " * node.depth + node.reference} for node in nodes]
        output.show_list(rows, TREE_COLUMNS)


@command(_service_commands)
class ServiceRename(Command):
    """Give a service another name; it goes on running.

    Whoever asks for the old name from then on asks for another service.
    """

    shows = True
    operands = {"service": SERVICE, "name": Operand("its name from now on")}

    def main(self, service: str, name: str) -> None:
        """Tell the master, print the service."""
        from pelagos.cli.commands.request import check_reference
        from pelagos.slap.errors import NotFoundError

        check_reference(name)
        try:
            found = self.context.master.rename(service, name)
        except NotFoundError as error:
            raise not_found(self.context, service, error) from error
        self.context.output.show_list([found], COLUMNS)


@command(_service_commands)
class ServiceBang(Command):
    """Have a service, and those that asked for it, configured again."""

    shows = True
    arguments = {"message": ValueArgument("why, for the events", "-m", "--message", default="")}
    operands = {"service": SERVICE}

    def main(self, service: str) -> None:
        """Tell the master, print the service."""
        from pelagos.slap.errors import NotFoundError

        try:
            found = self.context.master.bang_service(service, self["message"])
        except NotFoundError as error:
            raise not_found(self.context, service, error) from error
        self.context.output.show_list([found], COLUMNS)
