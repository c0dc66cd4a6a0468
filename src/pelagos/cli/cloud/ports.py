"""What the commands on ports and addresses share."""

from __future__ import annotations

from functools import partial
from typing import Any

from pelagos.cli.cloud.command import CloudCommand, Record
from pelagos.cli.cloud.waiting import has_failed, wait_for, wait_gone


def fixed_addresses(port: Record) -> list[str]:
    """The addresses of a port."""
    found = port.get("fixed_ips")
    cards = found if isinstance(found, list) else []
    return [str(one.get("ip_address", "")) for one in cards if isinstance(one, dict)]


def port_label(port: Record) -> str:
    """What messages call a port."""
    return f"port {port.get('name') or port.get('id')}"


def port_columns(port: Record) -> dict[str, Any]:
    """What a person reads of a port."""
    return {
        "id": port.get("id"),
        "name": port.get("name"),
        "status": port.get("status"),
        "network": port.get("network_id"),
        "addresses": fixed_addresses(port),
        "server": port.get("device_id"),
        "owner": port.get("device_owner"),
        "mac": port.get("mac_address"),
        "security groups": [
            one.get("id") if isinstance(one, dict) else one
            for one in port.get("security_groups") or []
        ],
    }


def watch_port(
    command: CloudCommand, port: Record, status: str = "", *, passing: str = "BUILD"
) -> Record:
    """Wait until a port has a status, or without one until it has not `passing` any more."""
    which, network = str(port["id"]), command.cloud.network

    def is_done(found: Record) -> bool:
        now = str(found.get("status", "")).upper()
        return now == status if status else now != passing and not has_failed(found)

    return wait_for(
        command,
        port_label(port),
        lambda: network.get_port_details(which),
        is_done,
        goal=status or f"other than {passing}",
        see=_see(command, which),
    )


def wait_port_gone(command: CloudCommand, port: Record) -> None:
    """Wait until a port is gone."""
    which, network = str(port["id"]), command.cloud.network
    look = partial(network.get_port_details, which)
    wait_gone(command, port_label(port), look, _see(command, which))


def _see(command: CloudCommand, which: str) -> str:
    return f"pelagos port info {which} --cloud {command.cloud.name}"
