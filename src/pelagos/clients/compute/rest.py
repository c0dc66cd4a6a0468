"""The compute service's calls one by one: paths, queries and the statuses that are well."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from pelagos.clients.base import Reply
from pelagos.clients.base.bilingual import Bilingual, given
from pelagos.clients.base.client import How
from pelagos.clients.base.dialect import Dialect

if TYPE_CHECKING:  # a program pays for the types of answers only where it names them
    from pelagos.clients.compute.types import Id

#: The lowest version of Nova's interface that has tags.
_TAGS = "2.26"


class ComputeRestClient(Bilingual):
    """One method for each call; what else a method takes goes to the verb (see `Client`).

    Each returns the `Reply`, and raises `ClientError` when its status is not one that either
    family of clouds answers with when all is well.
    """

    service_type: ClassVar[str] = "compute"
    DEFAULT_API_VERSION: ClassVar[str] = "2.0"
    API_VERSIONS: ClassVar[Mapping[Dialect, str]] = {"openstack": "2.1", "synnefo": "2.0"}
    TELLING_VERSIONS: ClassVar[Mapping[str, Dialect]] = {"2.1": "openstack"}

    # ---- limits

    def limits_get(self, **how: Unpack[How]) -> Reply:
        """GET limits (OpenStack)."""
        return self.get(("limits",), **how)

    # ---- servers

    def servers_get(  # noqa: PLR0913, PLR0917  # the service's filters
        self,
        server_id: Id = "",
        detail: bool = False,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: Id | None = None,
        name: str | None = None,
        marker: Id | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        **how: Unpack[How],
    ) -> Reply:
        """GET one page of servers, or one server; filters count without an id only."""
        if not detail and server_id != "":
            return self.get(("servers", server_id), **how)
        how["params"] = {
            **(how.get("params") or {}),
            "changes-since": changes_since,
            **given(image=image, flavor=flavor, name=name, marker=marker, limit=limit),
            **given(status=status, host=host),
        }
        return self.get(("servers", "detail") if detail else ("servers",), **how)

    def servers_post(
        self,
        security_group: str | None = None,
        user_data: str | None = None,
        availability_zone: str | None = None,
        json_data: Mapping[str, Any] | None = None,
        **how: Unpack[How],
    ) -> Reply:
        """POST a server.

        Args:
            security_group: name of a group.
            user_data: in base64.
            availability_zone: where to.
            json_data: `{"server": …}`; the three before are put into it.
        """
        groups = None if security_group is None else [{"name": security_group}]
        server = {
            **(json_data or {}).get("server", {}),
            **given(security_groups=groups, user_data=user_data),
            **given(availability_zone=availability_zone),
        }
        how.setdefault("success", 202)
        how["json"] = {**(json_data or {}), "server": server}
        return self.post(("servers",), **how)

    def servers_put(
        self,
        server_id: Id,
        server_name: str | None = None,
        json_data: Mapping[str, Any] | None = None,
        **how: Unpack[How],
    ) -> Reply:
        """PUT a server's name, or what `json_data` says."""
        how.setdefault("success", {200, 204})
        body = json_data if json_data is not None else {"server": {"name": server_name}}
        how["json"] = body
        return self.put(("servers", server_id), **how)

    def servers_delete(self, server_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a server."""
        how.setdefault("success", 204)
        return self.delete(("servers", server_id), **how)

    def servers_metadata_get(
        self, server_id: Id, key: str | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a server's metadata, or one of them."""
        return self.get(_path("servers", server_id, "metadata", key), **how)

    def servers_metadata_post(
        self, server_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """POST metadata; others stay."""
        how.setdefault("success", {200, 201, 202})
        how["json"] = json_data
        return self.post(("servers", server_id, "metadata"), **how)

    def servers_metadata_put(
        self, server_id: Id, key: str | None, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT one of the metadata, or without a key all (OpenStack)."""
        how.setdefault("success", {200, 201, 204})
        how["json"] = json_data
        return self.put(_path("servers", server_id, "metadata", key), **how)

    def servers_metadata_delete(self, server_id: Id, key: str, **how: Unpack[How]) -> Reply:
        """DELETE one of the metadata."""
        how.setdefault("success", 204)
        return self.delete(("servers", server_id, "metadata", key), **how)

    def servers_action_post(
        self, server_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """POST an action: `{NAME: ARGUMENTS}`."""
        how.setdefault("success", {200, 202, 204})
        how["json"] = json_data
        return self.post(("servers", server_id, "action"), **how)

    def servers_ips_get(
        self,
        server_id: Id,
        network_id: Id | None = None,
        changes_since: str | None = None,
        **how: Unpack[How],
    ) -> Reply:
        """GET a server's addresses; 304 says that nothing changed."""
        how.setdefault("success", {200, 304})
        how["params"] = {**(how.get("params") or {}), "changes-since": changes_since}
        return self.get(_path("servers", server_id, "ips", network_id), **how)

    # ---- images and flavours

    def images_get(  # noqa: PLR0913, PLR0917  # the service's filters
        self,
        image_id: str = "",
        detail: bool = False,
        changes_since: str | None = None,
        server_name: str | None = None,
        name: str | None = None,
        status: str | None = None,
        marker: str | None = None,
        limit: int | None = None,
        type: str | None = None,  # noqa: A002  # the service's word
        **how: Unpack[How],
    ) -> Reply:
        """GET one page of images, or one image; filters count without an id only."""
        if not detail and image_id:
            return self.get(("images", image_id), **how)
        how["params"] = {
            **(how.get("params") or {}),
            "changes-since": changes_since,
            **given(server=server_name, name=name, status=status, marker=marker),
            **given(limit=limit, type=type),
        }
        return self.get(("images", "detail") if detail else ("images",), **how)

    def images_delete(self, image_id: str, **how: Unpack[How]) -> Reply:
        """DELETE an image."""
        how.setdefault("success", 204)
        return self.delete(("images", image_id), **how)

    def images_metadata_get(
        self, image_id: str, key: str | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET an image's metadata, or one of them."""
        return self.get(_path("images", image_id, "metadata", key), **how)

    def images_metadata_post(
        self, image_id: str, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """POST metadata of an image; others stay."""
        how.setdefault("success", {200, 201})
        how["json"] = json_data
        return self.post(("images", image_id, "metadata"), **how)

    def images_metadata_put(
        self, image_id: str, key: str | None, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT one of an image's metadata, or without a key all."""
        how.setdefault("success", {200, 201})
        how["json"] = json_data
        return self.put(_path("images", image_id, "metadata", key), **how)

    def images_metadata_delete(self, image_id: str, key: str, **how: Unpack[How]) -> Reply:
        """DELETE one of an image's metadata."""
        how.setdefault("success", 204)
        return self.delete(("images", image_id, "metadata", key), **how)

    def flavors_get(  # the service's filters
        self,
        flavor_id: Id = "",
        detail: bool = False,
        changes_since: str | None = None,
        minDisk: int | None = None,  # noqa: N803  # the service's word
        minRam: int | None = None,  # noqa: N803  # the service's word
        marker: Id | None = None,
        limit: int | None = None,
        **how: Unpack[How],
    ) -> Reply:
        """GET one page of flavours, or one; `minDisk` in GiB, `minRam` in MiB."""
        if not detail and flavor_id != "":
            return self.get(("flavors", flavor_id), **how)
        how["params"] = {
            **(how.get("params") or {}),
            "changes-since": changes_since,
            **given(minDisk=minDisk, minRam=minRam, marker=marker, limit=limit),
        }
        return self.get(("flavors", "detail") if detail else ("flavors",), **how)

    # ---- floating IPs, as compute services had them

    def floating_ip_pools_get(self, **how: Unpack[How]) -> Reply:
        """GET the pools."""
        return self.get(("os-floating-ip-pools",), **how)

    def floating_ips_get(self, ip: Id = "", **how: Unpack[How]) -> Reply:
        """GET the floating IPs, or one."""
        return self.get(_path("os-floating-ips", ip), **how)

    def floating_ips_post(
        self, json_data: Mapping[str, Any], ip: Id = "", **how: Unpack[How]
    ) -> Reply:
        """POST a floating IP."""
        how.setdefault("success", {200, 201})
        how["json"] = json_data
        return self.post(_path("os-floating-ips", ip), **how)

    def floating_ips_delete(self, ip: Id = "", **how: Unpack[How]) -> Reply:
        """DELETE a floating IP."""
        how.setdefault("success", {200, 202, 204})
        return self.delete(_path("os-floating-ips", ip), **how)

    # ---- keys

    def keypairs_get(self, key_name: str | None = None, **how: Unpack[How]) -> Reply:
        """GET the keys, or one."""
        return self.get(_path("os-keypairs", key_name), **how)

    def keypairs_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a key."""
        how.setdefault("success", {200, 201})
        how["json"] = json_data
        return self.post(("os-keypairs",), **how)

    def keypairs_delete(self, key_name: str, **how: Unpack[How]) -> Reply:
        """DELETE a key."""
        how.setdefault("success", {200, 202, 204})
        return self.delete(("os-keypairs", key_name), **how)

    # ---- tags

    def servers_tag_exists(self, server_id: Id, tag: str, **how: Unpack[How]) -> Reply:
        """GET a tag: 204 when the server has it, else 404."""
        return self._tags("GET", {204, 404}, how, server_id, tag)

    def servers_tag_add(self, server_id: Id, tag: str, **how: Unpack[How]) -> Reply:
        """PUT a tag: 201, or 204 when the server has it already."""
        return self._tags("PUT", {201, 204}, how, server_id, tag)

    def servers_tag_delete(self, server_id: Id, tag: str, **how: Unpack[How]) -> Reply:
        """DELETE a tag."""
        return self._tags("DELETE", {204}, how, server_id, tag)

    def servers_tags_get(self, server_id: Id, **how: Unpack[How]) -> Reply:
        """GET a server's tags."""
        return self._tags("GET", {200}, how, server_id)

    def servers_tags_replace(
        self, server_id: Id, tags: Collection[str], **how: Unpack[How]
    ) -> Reply:
        """PUT tags; others go."""
        how["json"] = {"tags": list(tags)}
        return self._tags("PUT", {200}, how, server_id)

    def servers_tags_delete(self, server_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE all tags."""
        return self._tags("DELETE", {204}, how, server_id)

    def _tags(
        self, verb: str, success: set[int], how: How, server_id: Id, tag: str | None = None
    ) -> Reply:
        how.setdefault("success", success)
        how["headers"] = {**(self._since(_TAGS) or {}), **(how.get("headers") or {})}
        return self.request(verb, _path("servers", server_id, "tags", tag), **how)


def _path(*parts: Id | None) -> tuple[Id | None, ...]:
    """The segments; the last is optional, and left out when it is None or ""."""
    return parts if parts[-1] is not None and parts[-1] != "" else parts[:-1]
