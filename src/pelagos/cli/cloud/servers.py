"""What the commands on servers share: waiting for a status, joining a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pelagos.cli.cloud.command import CloudCommand, Record
from pelagos.cli.cloud.waiting import is_gone, task_of, wait_for


def label(server: Record) -> str:
    """What messages call a server: "server web"."""
    return f"server {server.get('name') or server.get('id')}"


def see(command: CloudCommand, server: Record) -> str:
    """What to type to see a server."""
    return f"pelagos server info {server['id']} --cloud {command.cloud.name}"


SETTLED = ("ACTIVE", "SHUTOFF")
"""What a server comes to that was running or stopped before."""


def is_in(*statuses: str) -> Callable[[Record], bool]:
    """Whether a server has one of these, in either family's words, and is busy with nothing."""
    from pelagos.clients.compute.words import same_status

    def is_so(server: Record) -> bool:
        now = str(server.get("status", ""))
        return any(same_status(now, one) for one in statuses) and not task_of(server)

    return is_so


def wait_status(command: CloudCommand, server: Record, *statuses: str) -> Record:
    """Wait until a server has one of these statuses; its record.

    Raises:
        CommandError: it failed, or has another one when the time is over.
    """
    return wait_for(
        command,
        label(server),
        _look(command, server),
        is_in(*statuses),
        goal=" or ".join(statuses),
        see=see(command, server),
    )


def wait_deleted(command: CloudCommand, server: Record) -> Record:
    """Wait until a server is gone, or is kept to be restored; its last record.

    Raises:
        CommandError: it could not be deleted, or is still there when the time is over.
    """
    return wait_for(
        command,
        label(server),
        _look(command, server),
        lambda one: is_gone(one) or is_kept(one),
        goal="gone",
        see=see(command, server),
    )


def is_kept(server: Record) -> bool:
    """Whether a server was deleted and can be restored yet."""
    return server.get("status") == "SOFT_DELETED" and not task_of(server)


def _look(command: CloudCommand, server: Record) -> Callable[[], Record]:
    compute, which = command.cloud.compute, str(server["id"])
    return lambda: compute.get_server_details(which)


def server_at(command: CloudCommand, server: Record, done: str, *statuses: str) -> None:
    """Wait for a status when --wait says so, and tell what was done.

    Args:
        command: which has the options of `waiting.WAIT`.
        server: its record.
        done: what to say when that is not waited for: "is being stopped".
        statuses: what it comes to.
    """
    if not command["wait"]:
        command.context.say(f"{label(server)} {done}")
        return
    found = wait_status(command, server, *statuses)
    command.context.say(f"{label(server)} is {found.get('status')}")


def join(  # what a port is made of
    command: CloudCommand,
    network_id: str,
    server_id: str | None,
    *,
    name: str | None = None,
    fixed_ips: list[dict[str, str]] | None = None,
    security_groups: list[str] | None = None,
) -> Record:
    """Make a port on a network, and plug it into a server when there is one; its record.

    A port that cannot be plugged in is removed again.
    """
    from pelagos.clients.errors import ClientError

    cloud = command.cloud
    fields: dict[str, Any] = {
        "name": name,
        "fixed_ips": fixed_ips,
        "security_groups": security_groups,
    }
    network: Any = cloud.network
    if cloud.dialect == "synnefo":
        made: Mapping[str, Any] = network.create_port(network_id, server_id, **fields)
        return made
    port: Mapping[str, Any] = network.create_port(network_id, **fields)
    if server_id is None:
        return port
    try:
        cloud.compute.attach_port(server_id, port["id"])
    except ClientError:
        network.delete_port(port["id"])
        raise
    return {**port, "device_id": server_id}


def leave(command: CloudCommand, port: Record) -> None:
    """Unplug a port and remove it; what is gone already is no error."""
    from contextlib import suppress

    from pelagos.clients import wait_until
    from pelagos.clients.errors import NotFound

    cloud = command.cloud
    server_id = port.get("device_id")
    owner = str(port.get("device_owner") or "")
    if cloud.dialect != "synnefo" and server_id and owner.startswith("compute"):
        with suppress(NotFound):  # Neutron removes none that Nova has not let go of, or Nova does
            cloud.compute.detach_port(str(server_id), port["id"])
            wait_until(
                lambda: cloud.network.get_port_details(port["id"]),
                lambda seen: not seen.get("device_id"),
                what=f"port {port['id']}",
                clock=command.context.clock,
            )
    with suppress(NotFound):
        cloud.network.delete_port(port["id"])
