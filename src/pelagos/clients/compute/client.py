"""The client of a compute service: servers, flavours, images, keys, addresses, tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from pelagos.clients.base.bilingual import given, needed
from pelagos.clients.compute.attached import Attached
from pelagos.clients.compute.listing import fill, whole_list

if TYPE_CHECKING:  # a program pays for the types of answers only where it names them
    from pelagos.clients.compute.types import (
        ComputeImage,
        Flavor,
        FloatingIp,
        Id,
        Keypair,
        KeypairEntry,
    )


class ComputeClient(Attached):
    """A compute service of OpenStack; also Synnefo's, for what the two have in common.

    >>> from pelagos.core.http import FakeTransport, Response
    >>> body = b'{"flavors": [{"id": "1", "name": "small"}]}'
    >>> cloud = FakeTransport({"GET /compute/v2.1/flavors": Response(200, {}, body)})
    >>> client = ComputeClient("http://cloud/compute/v2.1", "token", http=cloud)
    >>> client.list_flavors()[0]["name"]
    'small'
    """

    # ---- flavours

    def list_flavors(self, detail: bool | None = None) -> list[Flavor]:
        """The flavours, from all pages; with `detail` what they are made of."""
        path = ("flavors", "detail") if detail else ("flavors",)
        return cast("list[Flavor]", whole_list(self, path, "flavors"))

    def get_flavor_details(self, flavor_id: Id) -> Flavor:
        """A flavour's record."""
        return cast("Flavor", self.flavors_get(flavor_id).record("flavor"))

    # ---- images, as the compute service has them

    def list_images(
        self, detail: bool = False, response_headers: MutableMapping[str, Any] | None = None
    ) -> list[ComputeImage]:
        """The images, from all pages; their metadata with `detail`."""
        path = ("images", "detail") if detail else ("images",)
        found = whole_list(self, path, "images", response_headers=response_headers)
        return cast("list[ComputeImage]", found)

    def get_image_details(self, image_id: str, **_more: Any) -> ComputeImage:
        """An image's record; what else the ancestor took here changes nothing."""
        return cast("ComputeImage", self.images_get(image_id).record("image"))

    def delete_image(self, image_id: str) -> Mapping[str, str]:
        """Remove an image; the answer's header fields."""
        return self.images_delete(image_id).headers

    def get_image_metadata(
        self,
        image_id: str,
        key: str = "",
        response_headers: MutableMapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """An image's metadata; with a key, only that one."""
        reply = self.images_metadata_get(image_id, key or None)
        fill(response_headers, reply)
        return cast("dict[str, str]", reply.record("meta" if key else "metadata"))

    def create_image_metadata(self, image_id: str, key: str, val: str) -> dict[str, str]:
        """Set one of an image's metadata; it."""
        reply = self.images_metadata_put(image_id, key, json_data={"meta": {key: val}})
        return cast("dict[str, str]", reply.record("meta"))

    def update_image_metadata(
        self,
        image_id: str,
        response_headers: MutableMapping[str, Any] | None = None,
        **metadata: str,
    ) -> dict[str, str]:
        """Set some of an image's metadata, others stay; what the service says that they are."""
        reply = self.images_metadata_post(image_id, json_data={"metadata": metadata})
        fill(response_headers, reply)
        return cast("dict[str, str]", reply.record("metadata"))

    def delete_image_metadata(self, image_id: str, key: str) -> Mapping[str, str]:
        """Remove one of an image's metadata; the answer's header fields."""
        return self.images_metadata_delete(image_id, key).headers

    # ---- floating IPs, as compute services had them; the tenant is the token's

    def get_floating_ip_pools(self, tenant_id: str | None = None) -> dict[str, Any]:  # noqa: ARG002  # the ancestor's
        """`{"floating_ip_pools": […]}`."""
        return cast("dict[str, Any]", self.floating_ip_pools_get().json)

    def get_floating_ips(self, tenant_id: str | None = None) -> dict[str, list[FloatingIp]]:  # noqa: ARG002  # the ancestor's
        """`{"floating_ips": […]}`."""
        return cast("dict[str, list[FloatingIp]]", self.floating_ips_get().json)

    def alloc_floating_ip(
        self,
        tenant_id: str | None = None,  # noqa: ARG002  # the ancestor's
        pool: str | None = None,
        *,
        address: str | None = None,
    ) -> FloatingIp:
        """Take a floating IP, from a pool or a certain one; its record.

        Without a pool it is OpenStack's first, which is asked for: its own choice need not exist.
        """
        if pool is None and not self.is_synnefo:
            pools = self.floating_ip_pools_get().listing("floating_ip_pools")
            pool = next((needed(one, "name") for one in pools), None)
        body = given(pool=pool, address=address)
        return cast("FloatingIp", self.floating_ips_post(json_data=body).record("floating_ip"))

    def get_floating_ip(self, tenant_id: Id, fip_id: Id | None = None) -> FloatingIp:
        """A floating IP's record; with one argument, that is its id."""
        wanted = tenant_id if fip_id is None else fip_id
        return cast("FloatingIp", self.floating_ips_get(wanted).record("floating_ip"))

    def delete_floating_ip(self, tenant_id: Id, fip_id: Id | None = None) -> Mapping[str, str]:
        """Give a floating IP back; with one argument, that is its id."""
        return self.floating_ips_delete(tenant_id if fip_id is None else fip_id).headers

    def attach_floating_ip(self, server_id: Id, address: str) -> Mapping[str, str]:
        """Lead a floating IP to a server; the answer's header fields."""
        return self._act(server_id, "addFloatingIp", {"address": address}).headers

    def detach_floating_ip(self, server_id: Id, address: str) -> Mapping[str, str]:
        """Lead a floating IP to the server no longer; the answer's header fields."""
        return self._act(server_id, "removeFloatingIp", {"address": address}).headers

    # ---- keys

    def list_keypairs(self) -> list[KeypairEntry]:
        """The keys, each `{"keypair": …}`."""
        return cast("list[KeypairEntry]", whole_list(self, ("os-keypairs",), "keypairs"))

    def get_keypair_details(self, key_name: str) -> Keypair:
        """A key's record."""
        return cast("Keypair", self.keypairs_get(key_name).record("keypair"))

    def create_key(self, key_name: str | None = None, public_key: str | None = None) -> Keypair:
        """Register a public key, or have a pair made: then `private_key` is in the answer."""
        body = {"keypair": given(name=key_name, public_key=public_key)}
        return cast("Keypair", self.keypairs_post(json_data=body).record("keypair"))

    def delete_keypair(self, key_name: str) -> Mapping[str, str]:
        """Remove a key; the answer's header fields."""
        return self.keypairs_delete(key_name).headers

    # ---- tags

    def check_tag_exists(self, server_id: Id, tag: str) -> bool:
        """Whether a server has a tag; a server that does not exist has none."""
        return self.servers_tag_exists(server_id, tag).status == 204  # noqa: PLR2004  # no content

    def add_tag(self, server_id: Id, tag: str) -> Mapping[str, str]:
        """Give a server a tag, also if it has it; the answer's header fields."""
        return self.servers_tag_add(server_id, tag).headers

    def delete_tag(self, server_id: Id, tag: str) -> int:
        """Take a tag from a server; the status, 204."""
        return self.servers_tag_delete(server_id, tag).status

    def list_tags(self, server_id: Id) -> Any:
        """A server's tags."""
        return self.servers_tags_get(server_id).member("tags")

    def replace_tags(self, server_id: Id, tags: Collection[str]) -> Any:
        """Give a server these tags and no others; they."""
        return self.servers_tags_replace(server_id, tags).member("tags")

    def delete_tags(self, server_id: Id) -> int:
        """Take all tags from a server; the status, 204."""
        return self.servers_tags_delete(server_id).status
