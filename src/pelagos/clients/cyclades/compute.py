"""The client of Synnefo's compute service; on an OpenStack it does there what can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any, cast

from pelagos.clients.base import Waiter
from pelagos.clients.base.bilingual import given
from pelagos.clients.compute import ComputeClient
from pelagos.clients.compute.listing import fill, whole_list
from pelagos.clients.compute.servers import base64_text
from pelagos.clients.compute.types import (
    Flavor,
    Id,
    NewFile,
    NewNetwork,
    Nics,
    Server,
    Stats,
    Tags,
)
from pelagos.clients.cyclades.former import FormerNetworks
from pelagos.clients.cyclades.rest import CycladesComputeRestClient
from pelagos.clients.errors import ClientError

#: What a server inherits from its image, unless it is told otherwise.
_INHERITED = ("os", "users")


class CycladesComputeClient(FormerNetworks, CycladesComputeRestClient, ComputeClient):
    """A compute service of Synnefo; also OpenStack's, in the words of Synnefo's programs.

    What OpenStack has no word for raises `Unsupported`, and nothing is sent.
    """

    def create_server(  # type: ignore[override]  # noqa: PLR0913, PLR0917  # as the ancestor has it
        self,
        name: str,
        flavor_id: Id,
        image_id: str,
        key_names: Collection[str] | None = None,
        key_name: str | None = None,
        user_data: str | bytes | None = None,
        metadata: Mapping[str, str] | None = None,
        personality: Collection[NewFile] | None = None,
        networks: Collection[NewNetwork] | str | None = None,
        tags: Collection[str] | None = None,
        project_id: str | None = None,
        response_headers: MutableMapping[str, Any] | None = None,
    ) -> Server:
        """Make a server; its record with `adminPass`, on OpenStack a short one.

        Args:
            name: of the server.
            flavor_id: its flavour.
            image_id: its image; on Synnefo the server's metadata `os` and `users` are its, unless
                given.
            key_names: keys for logging in; OpenStack takes one.
            key_name: the same, one.
            user_data: what runs first in it, as it is; sent in base64.
            metadata: texts by name; not changed.
            personality: files.
            networks: None: as the provider does; an empty collection: none at all; else mappings
                with `uuid` and perhaps `fixed_ip`.
            tags: labels.
            project_id: whose quota it uses (Synnefo); None: the user's own.
            response_headers: its keys, "location" say, get the values of these header fields.
        """
        if not self.is_synnefo:
            self._checked(key_names, key_name, project_id)
            return super().create_server(
                name,
                flavor_id,
                image_id,
                user_data=user_data,
                metadata=metadata,
                personality=personality,
                networks=networks,
                tags=tags,
                response_headers=response_headers,
                key_name=key_name or next(iter(key_names or ()), None),
            )
        server = {
            "name": name,
            "flavorRef": _number(flavor_id),
            "imageRef": image_id,
            "metadata": self._inherited(image_id, metadata),
            **given(key_name=key_name, project=project_id),
            **_lists(personality=personality, tags=tags),
            **_more(key_names, user_data, networks),
        }
        reply = self.servers_post(json_data={"server": server})
        fill(response_headers, reply)
        return cast(Server, reply.record("server"))

    def _checked(
        self, key_names: Collection[str] | None, key_name: str | None, project_id: str | None
    ) -> None:
        """Refuse what OpenStack's servers cannot have."""
        if project_id is not None:
            self._only_on(
                "synnefo", "choice of a server's project", "log in to the project instead"
            )
        if len({*(key_names or ()), *([key_name] if key_name else [])}) > 1:
            self._only_on(
                "synnefo", "servers with several keys", "name one, add others by user data"
            )

    def _inherited(self, image_id: str, metadata: Mapping[str, str] | None) -> dict[str, str]:
        found = self.get_image_details(image_id).get("metadata") or {}
        theirs = {name.lower(): value for name, value in found.items()}
        return {name: theirs[name] for name in _INHERITED if name in theirs} | dict(metadata or {})

    def get_server_info(self, server_id: Id) -> Server:
        """A server's record: the name of `get_server_details` in the oldest documents."""
        return self.get_server_details(server_id)

    # ---- actions

    def start_server(self, server_id: Id) -> Mapping[str, str]:
        """Start a server that is stopped."""
        if not self.is_synnefo:
            return super().start_server(server_id)
        return self._act(server_id, "start", {}).headers

    def shutdown_server(self, server_id: Id) -> Mapping[str, str]:
        """Stop a server."""
        if not self.is_synnefo:
            return super().shutdown_server(server_id)
        return self._act(server_id, "shutdown", {}).headers

    def set_firewall_profile(
        self, server_id: Id, profile: str, port_id: Id | None = None
    ) -> Mapping[str, str]:
        """Set what reaches a server.

        Args:
            server_id: which.
            profile: ENABLED, DISABLED or PROTECTED.
            port_id: at which of its attachments; None: the first, which is asked for.

        Raises:
            Unsupported: the cloud is an OpenStack.
            ClientError: the server has no attachment.
        """
        self._firewalls()
        if port_id is None:
            port_id = self._first_attachment(server_id)["id"]
        body = {"profile": profile, "nic": port_id}
        return self._act(server_id, "firewallProfile", body).headers

    def get_firewall_profile(self, server_id: Id) -> str:
        """What reaches a server at its first attachment.

        Raises:
            Unsupported: the cloud is an OpenStack.
            ClientError: it has no attachment, or that has no profile; status 520.
        """
        self._firewalls()
        found = self._first_attachment(server_id).get("firewallProfile")
        if found is None:
            raise ClientError(f"server {server_id} has no firewall profile", 520)
        return cast(str, found)

    def wait_firewall(
        self,
        server_id: Id,
        current_status: str = "DISABLED",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[int], Any] | None = None,
    ) -> str | bool:
        """Wait until a server's firewall profile is another; that one, or False when time is over.

        Raises:
            Unsupported: the cloud is an OpenStack.
            ClientError: the server has no profile; status 520.
        """

        def look(_waiter: Waiter, which: Id) -> tuple[str, None]:
            return self.get_firewall_profile(which), None

        return Waiter().wait_while(server_id, current_status, look, delay, max_wait, wait_cb)

    def _firewalls(self) -> None:
        self._only_on("synnefo", "firewall profiles", "use security groups and their rules")

    def _first_attachment(self, server_id: Id) -> Any:
        found = self.get_server_details(server_id).get("attachments")
        if not found:
            raise ClientError(f"server {server_id} is on no network", 520)
        return found[0]

    def reassign_server(self, server_id: Id, project: str) -> Mapping[str, str]:
        """Charge a server to another project (Synnefo).

        Raises:
            Unsupported: the cloud is an OpenStack.
        """
        self._only_on("synnefo", "way for a server to another project", "make an image of it")
        return self._act(server_id, "reassign", {"project": project}).headers

    def get_server_stats(self, server_id: Id) -> Stats:
        """Where pictures of a server's load are (Synnefo).

        Raises:
            Unsupported: the cloud is an OpenStack.
        """
        self._only_on("synnefo", "pictures of a server's load", "use get_server_diagnostics")
        return cast(Stats, self.servers_stats_get(server_id).record("stats"))

    # ---- lists

    def get_server_nics(self, server_id: Id, changes_since: str | None = None) -> Nics:
        """A server's addresses by network, and its attachments; {} when nothing changed."""
        found = super().get_server_nics(server_id, changes_since)
        if self.is_synnefo or not found or not isinstance(found, dict):
            return found
        return {**found, "attachments": self.list_server_nics(server_id)}

    def list_flavors(
        self,
        detail: bool | None = None,
        is_public: bool | None = None,
        project_id: str | None = None,
    ) -> list[Flavor]:
        """The flavours, from all pages.

        Args:
            detail: whole records.
            is_public: only those that everybody may use, or only the others.
            project_id: only those that a project may use (Synnefo).
        """
        if project_id is not None:
            self._only_on("synnefo", "flavours by project", "leave project_id out")
        theirs = {"SNF:is_public": is_public, "SNF:flavor-access": project_id}
        query = theirs if self.is_synnefo else {"is_public": is_public}
        path = ("flavors", "detail") if detail else ("flavors",)
        return cast(list[Flavor], whole_list(self, path, "flavors", query))

    def list_tags(self, server_id: Id) -> Tags:
        """`{"tags": …}` of a server, on Synnefo with `statuses`."""
        return cast(Tags, self.servers_tags_get(server_id).json)

    def replace_tags(self, server_id: Id, tags: Collection[str]) -> Tags:
        """Give a server these tags and no others; as `list_tags`."""
        return cast(Tags, self.servers_tags_replace(server_id, tags).json)

    def get_tag_status(self, server_id: Id, tag: str) -> str:
        """Whether a tag is ACTIVE, or PENDADD… on its way; on OpenStack always ACTIVE.

        Raises:
            ClientError: the server has no such tag; status 404.
        """
        reply = self.servers_tag_exists(server_id, tag, success=204)
        return reply.headers.get("tag-status", "ACTIVE")


def _number(flavor_id: Id) -> Id:
    text = str(flavor_id)
    return int(text) if text.isascii() and text.isdigit() else text


def _more(
    key_names: Collection[str] | None,
    user_data: str | bytes | None,
    networks: Collection[NewNetwork] | str | None,
) -> dict[str, Any]:
    """What of a new server is written otherwise than it is said."""
    more: dict[str, Any] = {}
    if key_names is not None:
        more["SNF:key_names"] = list(key_names)
    if user_data is not None:
        more["user_data"] = base64_text(user_data)
    if networks is not None and networks != "auto":
        more["networks"] = [] if isinstance(networks, str) else list(networks)
    return more


def _lists(**collections: Collection[Any] | None) -> dict[str, list[Any]]:
    """Those that have something in them, as lists."""
    return {name: list(found) for name, found in collections.items() if found}
