"""Servers of the compute service: made, changed, listed, gone."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from pelagos.clients.base import Reply
from pelagos.clients.base.bilingual import given
from pelagos.clients.compute.listing import fill, whole_list
from pelagos.clients.compute.rest import ComputeRestClient
from pelagos.clients.compute.words import new_server, status_word

if TYPE_CHECKING:  # a program pays for the types of answers only where it names them
    from pelagos.clients.compute.types import Id, NewFile, NewNetwork, Nics, Server


class Servers(ComputeRestClient):
    """The methods on servers."""

    def list_servers(  # noqa: PLR0913, PLR0917  # the service's filters
        self,
        detail: bool = False,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: Id | None = None,
        name: str | None = None,
        marker: Id | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        response_headers: MutableMapping[str, Any] | None = None,
    ) -> list[Server]:
        """The servers, from all pages.

        Args:
            detail: whole records; else id, name and links.
            changes_since: ISO 8601; only what changed later, deleted ones, too. Synnefo's look
                back an hour.
            image: id of an image; flavor, name, status, host: other filters.
            flavor: id of a flavour.
            name: of a server; a regular expression on OpenStack.
            marker: begin after the server with this id.
            limit: servers at the most; None: all.
            status: of a server, in either family's words.
            host: where it runs, for administrators.
            response_headers: its keys get the values of these header fields.
        """
        query = {
            "changes-since": changes_since,
            **given(image=image, flavor=flavor, name=name, marker=marker, host=host),
            **given(status=status_word(status, is_synnefo=self.is_synnefo)),
        }
        path = ("servers", "detail") if detail else ("servers",)
        return cast(
            "list[Server]",
            whole_list(
                self,
                path,
                "servers",
                query,
                limit=limit,
                response_headers=response_headers,
                success={200, 304} if changes_since else 200,  # 304: nothing has changed
            ),
        )

    def get_server_details(
        self,
        server_id: Id,
        *_filters: Any,
        response_headers: MutableMapping[str, Any] | None = None,
        **_more: Any,
    ) -> Server:
        """A server's record; filters, which the ancestor took here, change nothing."""
        reply = self.servers_get(server_id)
        fill(response_headers, reply)
        return cast("Server", reply.record("server"))

    def create_server(  # noqa: PLR0913, PLR0917  # a server has many properties
        self,
        name: str,
        flavor_id: Id,
        image_id: str | None,
        security_group: str | Iterable[str] | None = None,
        user_data: str | bytes | None = None,
        availability_zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
        personality: Collection[NewFile] | None = None,
        networks: Collection[NewNetwork] | str | None = None,
        tags: Collection[str] | None = None,
        response_headers: MutableMapping[str, Any] | None = None,
        *,
        key_name: str | None = None,
        **fields: Any,
    ) -> Server:
        """Make a server; what is answered at once: id, password, links, on Synnefo all.

        Args:
            name: of the server.
            flavor_id: its flavour.
            image_id: its image; None when it starts from a volume that `fields` name.
            security_group: name of a group, or of several.
            user_data: what runs first in it, as it is; sent in base64.
            availability_zone: where to.
            metadata: texts by name.
            personality: files (not with OpenStack's versions from 2.57).
            networks: None: as the service likes; an empty collection: none at all.
            tags: labels; on OpenStack with networks "auto" where none are named.
            response_headers: its keys, "location" say, get the values of these header fields.
            key_name: a key for logging in.
            fields: further ones of the service, block_device_mapping_v2 say.
        """
        server, version = new_server(
            {
                "name": name,
                "flavorRef": _ref(flavor_id, is_synnefo=self.is_synnefo),
                "imageRef": image_id,
                "security_groups": _groups(security_group),
                "user_data": None if user_data is None else base64_text(user_data),
                "availability_zone": availability_zone,
                "metadata": metadata or None,
                "personality": list(personality) if personality else None,
                "key_name": key_name,
                **fields,
            },
            networks,
            tags,
        )
        if self.is_synnefo and isinstance(server.get("networks"), str):
            server = _without_words(server, networks)
        headers = self._since(version) if version else None
        reply = self.servers_post(json_data={"server": server}, headers=headers)
        fill(response_headers, reply)
        return cast("Server", reply.record("server"))

    def update_server_name(self, server_id: Id, new_name: str) -> Mapping[str, str]:
        """Give a server another name; the answer's header fields."""
        return self.servers_put(server_id, json_data={"server": {"name": new_name}}).headers

    def delete_server(self, server_id: Id) -> Mapping[str, str]:
        """Remove a server, which takes its time; the answer's header fields."""
        return self.servers_delete(server_id).headers

    # ---- actions

    def restore_server(self, server_id: Id) -> Mapping[str, str]:
        """Bring back a server whose status is SOFT_DELETED; the answer's header fields."""
        return self._act(server_id, "restore", None).headers

    def force_delete_server(self, server_id: Id) -> Mapping[str, str]:
        """Remove a server for good, where `delete_server` would keep it for a while."""
        return self._act(server_id, "forceDelete", None).headers

    def change_admin_password(self, server_id: Id, new_password: str) -> Mapping[str, str]:
        """Give a server's administrator another password."""
        return self._act(server_id, "changePassword", {"adminPass": new_password}).headers

    def rebuild_server(
        self,
        server_id: Id,
        response_headers: MutableMapping[str, Any] | None = None,
        *,
        image_id: str | None = None,
        **fields: Any,
    ) -> Server:
        """Make a server anew from an image; its record.

        Args:
            server_id: which.
            response_headers: its keys get the values of these header fields.
            image_id: None: the image that it has, which is asked for first.
            fields: others that change: name, metadata, adminPass…
        """
        if image_id is None:
            image = self.get_server_details(server_id).get("image")
            image_id = image.get("id") if isinstance(image, dict) else image  # type: ignore[assignment]  # an image's is text
        reply = self._act(server_id, "rebuild", {"imageRef": image_id, **given(**fields)})
        fill(response_headers, reply)
        return cast("Server", reply.record("server"))

    def reboot_server(self, server_id: Id, hard: bool = False) -> Mapping[str, str]:
        """Start a server again; hard: as if by its power switch."""
        return self._act(server_id, "reboot", {"type": "HARD" if hard else "SOFT"}).headers

    def resize_server(self, server_id: Id, flavor_id: Id) -> Mapping[str, str]:
        """Give a server another flavour; OpenStack then waits for `confirm_resize_server`."""
        ref = _ref(flavor_id, is_synnefo=self.is_synnefo)
        return self._act(server_id, "resize", {"flavorRef": ref}).headers

    def confirm_resize_server(self, server_id: Id) -> Mapping[str, str]:
        """Keep the new flavour."""
        return self._act(server_id, "confirmResize", None).headers

    def revert_resize_server(self, server_id: Id) -> Mapping[str, str]:
        """Go back to the flavour of before."""
        return self._act(server_id, "revertResize", None).headers

    def create_server_image(self, server_id: Id, image_name: str, **metadata: str) -> str:
        """Make an image of a server; where it is (the header Location), "" when not told."""
        body = {"name": image_name, "metadata": metadata}
        return self._act(server_id, "createImage", body).headers.get("location", "")

    def start_server(self, server_id: Id) -> Mapping[str, str]:
        """Start a server that is stopped."""
        return self._act(server_id, "os-start", None).headers

    def shutdown_server(self, server_id: Id) -> Mapping[str, str]:
        """Stop a server."""
        return self._act(server_id, "os-stop", None).headers

    def rescue_server(
        self, server_id: Id, rescue_image_ref: str | None = None
    ) -> Mapping[str, str]:
        """Start a server from a rescue image: the given, or the service's own."""
        body = given(rescue_image_ref=rescue_image_ref)
        return self._act(server_id, "rescue", body).headers

    def unrescue_server(self, server_id: Id) -> Mapping[str, str]:
        """Start a server that is being rescued from its own image again."""
        return self._act(server_id, "unrescue", {} if self.is_synnefo else None).headers

    def _act(self, server_id: Id, action: str, arguments: Any) -> Reply:
        return self.servers_action_post(server_id, json_data={action: arguments})

    # ---- metadata and addresses

    def get_server_metadata(
        self,
        server_id: Id,
        key: str = "",
        response_headers: MutableMapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """A server's metadata; with a key, only that one."""
        reply = self.servers_metadata_get(server_id, key or None)
        fill(response_headers, reply)
        return cast("dict[str, str]", reply.record("meta" if key else "metadata"))

    def create_server_metadata(self, server_id: Id, key: str, val: str) -> dict[str, str]:
        """Set one of a server's metadata; it."""
        reply = self.servers_metadata_put(server_id, key, json_data={"meta": {key: val}})
        return cast("dict[str, str]", reply.record("meta"))

    def update_server_metadata(
        self,
        server_id: Id,
        response_headers: MutableMapping[str, Any] | None = None,
        **metadata: str,
    ) -> dict[str, str]:
        """Set some of a server's metadata, others stay; what the service says that they are."""
        reply = self.servers_metadata_post(server_id, json_data={"metadata": metadata})
        fill(response_headers, reply)
        return cast("dict[str, str]", reply.record("metadata"))

    def delete_server_metadata(self, server_id: Id, key: str) -> Mapping[str, str]:
        """Remove one of a server's metadata; the answer's header fields."""
        return self.servers_metadata_delete(server_id, key).headers

    def get_server_nics(self, server_id: Id, changes_since: str | None = None) -> Nics:
        """A server's addresses by network, and Synnefo's attachments; {} when nothing changed."""
        reply = self.servers_ips_get(server_id, changes_since=changes_since)
        return cast("Nics", reply.json if reply.content else {})

    def get_server_network_nics(
        self, server_id: Id, network_id: Id, changes_since: str | None = None
    ) -> dict[str, Any]:
        """A server's addresses on one network, which OpenStack calls by its name."""
        reply = self.servers_ips_get(server_id, network_id, changes_since=changes_since)
        if not reply.content:
            return {}
        return cast(
            "dict[str, Any]", reply.json if not self.is_synnefo else reply.record("network")
        )


def base64_text(data: str | bytes) -> str:
    """Bytes, or text as UTF-8, in base64."""
    content = data.encode() if isinstance(data, str) else data
    return b2a_base64(content, newline=False).decode()


def _ref(flavor_id: Id, *, is_synnefo: bool) -> Id:
    """A flavour's id as the family has it: a number on Synnefo, text on OpenStack."""
    if is_synnefo:
        return (
            int(flavor_id) if str(flavor_id).isascii() and str(flavor_id).isdigit() else flavor_id
        )
    return str(flavor_id)


def _groups(names: str | Iterable[str] | None) -> list[dict[str, str]] | None:
    if names is None:
        return None
    return [{"name": one} for one in ([names] if isinstance(names, str) else names)]


def _without_words(server: dict[str, Any], asked: Any) -> dict[str, Any]:
    """A new server as Synnefo is told: its networks are a list, or left to its policy."""
    networks = server.pop("networks")
    if networks == "none" and asked is not None:
        server["networks"] = []
    return server
