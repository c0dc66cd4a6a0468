"""`pelagos server …`: servers started, stopped, resized, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    Operand,
    ValueArgument,
)
from pelagos.cli.cloud.command import (
    CLOUD,
    CloudCommand,
    Record,
    find_id,
    like,
    not_both,
    one_of,
)
from pelagos.cli.cloud.servers import (
    SETTLED,
    is_in,
    is_kept,
    label,
    see,
    server_at,
    wait_deleted,
    wait_status,
)
from pelagos.cli.cloud.things import FLAVOR, IMAGE, SERVER
from pelagos.cli.cloud.waiting import WAIT
from pelagos.cli.commands.server import WHICH
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server")

_SERVERS = Operand("ids or names of servers", complete="cloud:server")


class _Acts(CloudCommand):
    """Does one thing to each of some servers."""

    arguments = {**CLOUD, **WAIT}
    operands = {"servers": _SERVERS}

    def _each(
        self,
        words: tuple[str, ...],
        act: Callable[[str], Any],
        status: str,
        *,
        done: str,
        idle: str = "",
    ) -> None:
        """Do it; a server that is in the status `idle` already is left as it is."""
        if not words:
            raise UsageError("no server is named", hint="see: pelagos server list")
        found = [self.find(SERVER, one) for one in words]
        acted = []
        for server in found:
            if idle and is_in(idle)(server):
                self.context.say(f"{label(server)} is {server.get('status')} already")
                continue
            act(str(server["id"]))
            if not self["wait"]:
                self.context.say(f"{label(server)} {done}")
            acted.append(server)
        for server in acted if self["wait"] else []:
            server_at(self, server, done, status)


@command(_server_commands)
class ServerStart(_Acts):
    """Start servers that are stopped."""

    examples = ("pelagos server start web --wait",)

    def main(self, *servers: str) -> None:
        """Start them."""
        start = self.cloud.compute.start_server
        self._each(servers, start, "ACTIVE", done="is being started", idle="ACTIVE")


@command(_server_commands)
class ServerStop(_Acts):
    """Stop servers; their disks and addresses stay."""

    examples = ("pelagos server stop web --wait",)

    def main(self, *servers: str) -> None:
        """Stop them."""
        stop = self.cloud.compute.shutdown_server
        self._each(servers, stop, "SHUTOFF", done="is being stopped", idle="SHUTOFF")


@command(_server_commands)
class ServerReboot(_Acts):
    """Start servers again."""

    arguments = {
        **CLOUD,
        "hard": FlagArgument("as if by the power switch", "-f", "--hard"),
        **WAIT,
    }
    examples = ("pelagos server reboot web --hard",)

    def main(self, *servers: str) -> None:
        """Start them again."""
        compute, is_hard = self.cloud.compute, self["hard"]
        self._each(
            servers,
            lambda which: compute.reboot_server(which, hard=is_hard),
            "ACTIVE",
            done="is being started again",
        )


@command(_server_commands)
class ServerRescue(CloudCommand):
    """Start a server from a rescue image; its disk can be mended from there."""

    arguments = {
        **CLOUD,
        "image": ValueArgument(
            "another rescue image than the cloud's own", "--image", complete="cloud:image"
        ),
        **WAIT,
    }
    operands = {"server": WHICH}

    def main(self, server: str) -> None:
        """Start it so."""
        found = self.find(SERVER, server)
        image = self["image"] and find_id(self.cloud, IMAGE, self["image"])
        self.cloud.compute.rescue_server(str(found["id"]), image)
        server_at(self, found, "is being started from the rescue image", "RESCUE")


@command(_server_commands)
class ServerUnrescue(_Acts):
    """End the rescue of servers: they start from their own images again."""

    def main(self, *servers: str) -> None:
        """Start them so."""
        unrescue = self.cloud.compute.unrescue_server
        self._each(servers, unrescue, "ACTIVE", done="is being started from its own image")


@command(_server_commands)
class ServerResize(CloudCommand):
    """Give a server another flavour.

    An OpenStack then keeps the former one until --confirm, or goes back with --revert; --wait
    with --confirm and a flavour does all of it in one go. A Synnefo does it at once, and only to
    a server that is stopped.
    """

    arguments = {
        **CLOUD,
        "confirm": FlagArgument("keep the new flavour", "--confirm"),
        "revert": FlagArgument("go back to the flavour of before", "--revert"),
        **WAIT,
    }
    operands = {
        "server": WHICH,
        "flavor": Operand("id or name of the new flavour", complete="cloud:flavor"),
    }
    examples = (
        "pelagos server resize web large --confirm --wait",
        "pelagos server resize web --revert",
    )

    def main(self, server: str, flavor: str = "") -> None:
        """Change it."""
        not_both(self, "confirm", "revert")
        if not (flavor or self["confirm"] or self["revert"]):
            raise UsageError("FLAVOR is missing", hint="or give --confirm or --revert")
        if flavor and self["revert"]:
            raise UsageError("--revert takes no flavour: it goes back to the one of before")
        if flavor and self["confirm"] and not self["wait"]:
            raise UsageError(
                "a new flavour can be confirmed when the server has it",
                hint="give --wait, too, or confirm later: pelagos server resize SERVER --confirm",
            )
        compute, found = self.cloud.compute, self.find(SERVER, server)
        which = str(found["id"])
        if flavor:
            self._resize(found, find_id(self.cloud, FLAVOR, flavor))
        if self["confirm"] and self.cloud.dialect != "synnefo":
            compute.confirm_resize_server(which)
            server_at(self, found, "keeps its new flavour", *SETTLED)
        if self["revert"]:
            compute.revert_resize_server(which)
            server_at(self, found, "goes back to its former flavour", *SETTLED)

    def _resize(self, found: Record, flavor_id: str) -> None:
        is_synnefo = self.cloud.dialect == "synnefo"
        if is_synnefo and not is_in("STOPPED")(found):
            raise CommandError(
                f"{label(found)} is {found.get('status')}; only a stopped one can be resized",
                hint=f"stop it first: pelagos server stop {found['id']} --wait",
            )
        self.cloud.compute.resize_server(str(found["id"]), flavor_id)
        goal = "STOPPED" if is_synnefo else "VERIFY_RESIZE"
        if self["wait"]:
            wait_status(self, found, goal)
            self.context.say(f"{label(found)} has its new flavour")
        else:
            self.context.say(f"{label(found)} is being resized; see: {see(self, found)}")


@command(_server_commands)
class ServerRestore(CloudCommand):
    """Bring back servers that were deleted; some OpenStacks keep them for a while."""

    arguments = {**CLOUD, **WAIT}
    operands = {"servers": _SERVERS}
    examples = ("pelagos server restore web --wait",)

    def main(self, *servers: str) -> None:
        """Bring them back."""
        if not servers:
            raise UsageError("no server is named", hint="name those that were deleted")
        if self.cloud.dialect == "synnefo":
            raise CommandError(
                f"the cloud {self.cloud.name} is a Synnefo, which keeps no deleted servers",
                hint="make it anew: pelagos server create",
            )
        kept = self.cloud.compute.list_servers(
            changes_since="1970-01-01T00:00:00Z", status="SOFT_DELETED"
        )
        found = [one_of(kept, _KEPT, word, self.cloud) for word in servers]
        for server in found:
            self.cloud.compute.restore_server(str(server["id"]))
            server_at(self, server, "is being restored", "ACTIVE")


_KEPT = SERVER._replace(
    word="deleted server", list_command="server list --since 2000-01-01T00:00:00Z"
)


@command(_server_commands)
class ServerDelete(CloudCommand):
    """Delete servers with all that is on their disks; volumes that are attached stay.

    Some clouds keep them for a while: `pelagos server restore` brings them back.
    """

    arguments = {
        **CLOUD,
        "force": FlagArgument(
            "for good, where the cloud would keep them for a while (OpenStack)", "-f", "--force"
        ),
        "like": ValueArgument(
            "all servers with such a name; tells which, and does it with --yes",
            "--all-named",
            metavar="PATTERN",
        ),
        "yes": FlagArgument("with --all-named: do it", "--yes"),
        **WAIT,
    }
    operands = {"servers": _SERVERS}
    examples = (
        "pelagos server delete web --wait",
        "pelagos server delete --all-named 'node-*' --yes",
    )

    def main(self, *servers: str) -> None:
        """Delete them."""
        if bool(servers) == bool(self["like"]):
            raise UsageError("name the servers, or give --all-named PATTERN")
        found = self._found(servers)
        compute = self.cloud.compute
        is_forced = self["force"] and self.cloud.dialect != "synnefo"  # which always does
        delete = compute.force_delete_server if is_forced else compute.delete_server
        for server in found:
            delete(str(server["id"]))
            if not self["wait"]:
                self.context.say(f"{label(server)} is being deleted")
        for server in found if self["wait"] else []:
            is_there = is_kept(wait_deleted(self, server))
            kept = f"can be restored for a while: pelagos server restore {server['id']}"
            self.context.say(f"{label(server)} {kept if is_there else 'is gone'}")

    def _found(self, words: tuple[str, ...]) -> list[Record]:
        if words:
            return [self.find(SERVER, one) for one in words]
        found = like(SERVER.listing(self.cloud), "name", self["like"])
        if not found:
            self.context.say(f"no server is called {self['like']}")
        elif not self["yes"]:
            names = ", ".join(str(one.get("name")) for one in found)
            many = "s" if len(found) > 1 else ""
            raise UsageError(
                f"{len(found)} server{many} would be deleted: {names}",
                hint="with --yes it is done",
            )
        return found
