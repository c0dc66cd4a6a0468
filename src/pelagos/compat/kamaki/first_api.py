"""The compute service of Synnefo's first days: API 1.1, with lists in `values`, and networks.

A client speaks it when its address ends in v1.1. What methods give is as it was then: records have
their lists in `values`, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.clients.base import Reply
from pelagos.clients.base.bilingual import given, needed
from pelagos.clients.base.call import Path
from pelagos.clients.errors import ClientError, NotFound
from pelagos.compat.kamaki.former import Answer, Client

_LISTED = (200, 203)
_STILL_CONNECTED = 421


class FirstApi(Client):
    """The calls that were others in API 1.1; with another version, those of the other bases."""

    @property
    def _is_first(self) -> bool:
        return self.api_version == "1.1"

    def request(self, method: str, path: Path, **how: Any) -> Reply:
        """Make one call; metadata were at `meta`, and lists one level deeper."""
        if not self._is_first:
            return super().request(method, path, **how)
        if isinstance(path, tuple) and len(path) > 2 and path[2] == "metadata":  # noqa: PLR2004
            path = (*path[:2], "meta", *path[3:])
        reply = super().request(method, path, **how)
        if isinstance(reply, Answer) and not how.get("stream") and reply.content[:1] == b"{":
            reply.replace_json(_bare(reply.json))
        return reply

    def _networks(self) -> Any:
        return self if self._is_first else super()._networks()  # type: ignore[misc]  # of the other bases

    def _inherited(self, image_id: str, metadata: Mapping[str, str] | None) -> dict[str, str]:
        if not self._is_first:
            return super()._inherited(image_id, metadata)  # type: ignore[misc,no-any-return]  # as above
        image = self.get(("images", image_id)).record("image")
        theirs = {name.lower(): value for name, value in _values(image, "metadata", {}).items()}
        return {name: theirs[name] for name in ("os", "users") if name in theirs} | {
            **(metadata or {})
        }

    # ---- firewalls

    def get_firewall_profile(self, server_id: Any) -> str:
        """What reaches a server at its first attachment."""
        if not self._is_first:
            return super().get_firewall_profile(server_id)  # type: ignore[misc,no-any-return]  # as above
        server = self.get(("servers", server_id)).record("server")
        attachments = _values(server, "attachments", [])
        if not attachments or "firewallProfile" not in attachments[0]:
            raise ClientError(f"server {server_id} has no firewall profile", 520)
        return str(attachments[0]["firewallProfile"])

    def set_firewall_profile(
        self, server_id: Any, profile: str, port_id: Any = None
    ) -> Mapping[str, str]:
        """Set what reaches a server."""
        if not self._is_first:
            return super().set_firewall_profile(server_id, profile, port_id)  # type: ignore[misc,no-any-return]  # as above
        body = {"firewallProfile": {"profile": profile}}
        return self.post(("servers", server_id, "action"), json=body, success=202).headers

    # ---- networks

    def list_server_nics(self, server_id: Any) -> list[Any]:
        """What joins a server to networks."""
        if not self._is_first:
            return super().list_server_nics(server_id)  # type: ignore[misc,no-any-return]  # as above
        return self.get(("servers", server_id, "ips")).listing("addresses")

    def list_networks(self, detail: bool = False) -> list[Any]:
        """The networks."""
        if not self._is_first:
            return super().list_networks(detail)  # type: ignore[misc,no-any-return]  # as above
        path = ("networks", "detail") if detail else ("networks",)
        return self.get(path, success=_LISTED).listing("networks")

    def get_network_details(self, network_id: Any) -> Any:
        """A network's record."""
        if not self._is_first:
            return super().get_network_details(network_id)  # type: ignore[misc]  # as above
        return self.get(("networks", network_id), success=_LISTED).record("network")

    def list_network_nics(self, network_id: Any) -> list[Any]:
        """The ids of what joins servers to a network."""
        if not self._is_first:
            return super().list_network_nics(network_id)  # type: ignore[misc,no-any-return]  # as above
        return list(_values(self.get_network_details(network_id), "attachments", []))

    def create_network(
        self,
        name: str,
        cidr: Any = False,
        gateway: Any = False,
        type: Any = False,  # noqa: A002  # the ancestor's
        dhcp: bool = False,
    ) -> Any:
        """Make a network; its record."""
        if not self._is_first:
            return super().create_network(name, cidr, gateway, type, dhcp)  # type: ignore[misc]  # as above
        told = given(cidr=cidr or None, gateway=gateway or None, type=type or None)
        body = {"network": {"name": name, **told, "dhcp": dhcp}}
        return self.post(("networks",), json=body, success=(200, 201, 202)).record("network")

    def update_network_name(self, network_id: Any, new_name: str) -> None:
        """Give a network another name."""
        if not self._is_first:
            super().update_network_name(network_id, new_name)  # type: ignore[misc]  # as above
            return
        self.put(("networks", network_id), json={"network": {"name": new_name}}, success=204)

    def delete_network(self, network_id: Any) -> None:
        """Remove a network that no server is on."""
        if not self._is_first:
            super().delete_network(network_id)  # type: ignore[misc]  # as above
            return
        try:
            self.delete(("networks", network_id), success=204)
        except ClientError as error:
            if error.status == _STILL_CONNECTED:
                error.details.append("servers are still on the network: disconnect them first")
            raise

    def connect_server(self, server_id: Any, network_id: Any) -> None:
        """Join a server to a network."""
        if not self._is_first:
            super().connect_server(server_id, network_id)  # type: ignore[misc]  # as above
            return
        self._act_on(network_id, {"add": {"serverRef": server_id}})

    def disconnect_server(self, server_id: Any, nic_id: Any) -> None:
        """Take a server from a network, by the id of what joins them: nic-SERVER-INDEX."""
        if not self._is_first:
            super().disconnect_server(server_id, nic_id)  # type: ignore[misc]  # as above
            return
        nics = [one for one in self.list_server_nics(server_id) if one.get("id") == nic_id]
        if not nics:
            raise NotFound(f"server {server_id} has no connection {nic_id}", 404)
        for one in nics:
            self._act_on(needed(one, "network_id"), {"remove": {"attachment": nic_id}})

    def disconnect_network_nics(self, netid: Any) -> None:
        """Take all servers from a network."""
        if not self._is_first:
            super().disconnect_network_nics(netid)  # type: ignore[misc]  # as above
            return
        for nic_id in self.list_network_nics(netid):
            self._act_on(netid, {"remove": {"attachment": nic_id}})

    def _act_on(self, network_id: Any, action: Mapping[str, Any]) -> None:
        self.post(("networks", network_id, "action"), json=action, success=202)


def _bare(data: Any) -> Any:
    """An answer whose lists are no longer wrapped; records in it stay as they are."""
    if not isinstance(data, dict):
        return data
    return {
        name: one["values"] if isinstance(one, dict) and one.keys() == {"values"} else one
        for name, one in data.items()
    }


def _values(record: Any, name: str, otherwise: Any) -> Any:
    """What a record has under a name, wrapped in `values` or not."""
    found = record.get(name) if isinstance(record, dict) else None
    if isinstance(found, dict) and "values" in found:
        found = found["values"]
    return found if isinstance(found, type(otherwise)) else otherwise
