"""How servers of Nova are made: what is asked for is checked, then ordered."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from pelagos.box import fields
from pelagos.box.compute.allowance import MOST_AT_ONCE
from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet, Order
from pelagos.box.compute.groups import HOSTS, Group
from pelagos.box.compute.nova.bodies import CREATE
from pelagos.box.compute.nova.call import Call, Routes
from pelagos.box.compute.nova.views import ZONE
from pelagos.box.compute.server import Server
from pelagos.box.errors import Refused
from pelagos.box.neighbours import DiskWish, ImageFacts, Wish
from pelagos.box.web import Answer, json_answer

_LETTERS = string.ascii_letters + string.digits
_PASSWORD_LETTERS = 12
_GIB = 1024**3


class Creating:
    """POST servers."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the place in the router."""
        routes.add("POST", "/servers", self._create)

    def _create(self, call: Call) -> Answer:
        body = CREATE.check(call)
        told = body["server"]
        hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
        least, most = _counts(told)
        password = told.get("adminPass") or new_password()
        reservation = f"r-{secrets.token_hex(4)}"
        with self._fleet.database.change():
            order = self._order(call, told, hints)
            count = self._affordable(call, order, least, most)
            made = [
                self._fleet.create(
                    order_of(
                        order,
                        password=password,
                        name=told["name"] if most == 1 else f"{told['name']}-{number + 1}",
                        facts={
                            **order.facts,
                            "launch_index": number,
                            "reservation_id": reservation,
                        },
                    )
                )
                for number in range(count)
            ]
        if told.get("return_reservation_id"):
            return json_answer({"reservation_id": reservation}, 202)
        return self._told(call, made[0], told, password)

    @staticmethod
    def _told(call: Call, server: Server, told: Mapping[str, Any], password: str) -> Answer:
        shown = {
            "id": server.id,
            "links": call.links("servers", server.id),
            "OS-DCF:diskConfig": server.facts["disk_config"],
            "security_groups": told.get("security_groups") or [{"name": "default"}],
            "adminPass": password,
        }
        return json_answer({"server": shown}, 202, Location=call.url("servers", server.id))

    def _affordable(self, call: Call, order: Order, least: int, most: int) -> int:
        """How many can be had, at least `least`."""
        allowance = self._fleet.allowance
        limit = allowance.nova(call.project_id)["metadata_items"]
        if 0 <= limit < len(order.metadata):
            raise Refused(403, f"Maximum number of metadata items exceeds {limit}")
        count = max(min(most, allowance.room_nova(call.project_id, order.flavor)), least)
        allowance.check_nova(call.project_id, order.flavor, count, count)
        if count > MOST_AT_ONCE:
            message = f"Quota exceeded for instances: Requested {count}, at most {MOST_AT_ONCE}"
            raise Refused(403, message)
        return count

    def _order(self, call: Call, told: Mapping[str, Any], hints: Mapping[str, Any]) -> Order:
        flavor = self._flavor(call, str(told["flavorRef"]))
        disks = self._disks(told)
        image = self._image(call, told, disks, flavor)
        host, pinned = self._host(call, told)
        facts: dict[str, Any] = {
            "disk_config": told.get("OS-DCF:diskConfig", "MANUAL"),
            "user_data": told.get("user_data"),
            "config_drive": told.get("config_drive", False),
            "access_v4": told.get("accessIPv4", ""),
            "access_v6": told.get("accessIPv6", ""),
            "description": told.get("description", told["name"] if not call.since(19) else None),
            "hostname": told.get("hostname"),
            "certificates": told.get("trusted_image_certificates"),
            "pinned_zone": pinned,
            **self._key(call, told.get("key_name")),
            **_personality(call, self._fleet, told),
        }
        groups = tuple(dict.fromkeys(one["name"] for one in told.get("security_groups", ())))
        return Order(
            call.project_id,
            call.user_id,
            told["name"],
            flavor,
            image,
            call.request_id,
            metadata=told.get("metadata", {}),
            tags=tuple(dict.fromkeys(told.get("tags", ()))),
            wishes=_wishes(told.get("networks")),
            disks=disks,
            security_groups=groups or ("default",),
            group=self._group(call, hints.get("group")),
            host=host,
            facts=facts,
        )

    def _flavor(self, call: Call, key: str) -> Flavor:
        flavor = self._fleet.flavors.by_id(key)
        if flavor is None or not (flavor.may_use(call.project_id) or call.is_admin):
            raise Refused(400, f"Flavor {key} could not be found.")
        return flavor

    def _image(
        self, call: Call, told: Mapping[str, Any], disks: tuple[DiskWish, ...], flavor: Flavor
    ) -> ImageFacts | None:
        image_id = told.get("imageRef", "")
        roots = [one for one in disks if one.is_root]
        for one in told.get("block_device_mapping_v2") or ():
            if one.get("source_type") == "image" and one.get("boot_index") == 0:
                image_id = image_id or one.get("uuid", "")
        if not image_id:
            if not roots:
                raise Refused(400, "Invalid imageRef provided.")
            return None
        image = self._fleet.image(image_id, call.project_id, is_admin=call.is_admin)
        if image is None:
            raise Refused(400, f"Image {image_id} could not be found.")
        _check_image(image, flavor, has_own_disk=not roots)
        return image if not roots else None

    def _disks(self, told: Mapping[str, Any]) -> tuple[DiskWish, ...]:
        asked = told.get("block_device_mapping_v2")
        if told.get("block_device_mapping"):
            if asked:
                raise Refused(400, "Using different block_device_mapping syntaxes is not allowed"
                              " in the same request.")  # fmt: skip
            raise Refused(400, "block_device_mapping is not taken here, but its second version is")
        wishes = []
        for one in asked or ():
            wish = _disk(one)
            if wish is not None:
                wishes.append(wish)
        if wishes and self._fleet.neighbours.volumes is None:
            raise Refused(400, "Block Device Mapping is Invalid: there are no volumes here.")
        return tuple(wishes)

    def _host(self, call: Call, told: Mapping[str, Any]) -> tuple[str, str | None]:
        zone, _, host = told.get("availability_zone", "").partition(":")
        if zone not in {"", ZONE}:
            raise Refused(400, "The requested availability zone is not available")
        host = told.get("host") or told.get("hypervisor_hostname") or host
        if host:
            call.need_admin("os_compute_api:servers:create:forced_host")
            if host not in HOSTS:
                raise Refused(400, f"Compute host {host} could not be found.")
        return host, zone or None

    def _key(self, call: Call, name: str | None) -> dict[str, Any]:
        if name is None:
            return {"key_name": None}
        found = self._fleet.keys.named(call.user_id, name)
        if found is None:
            raise Refused(400, "Invalid key_name provided.")
        return {"key_name": name, "public_key": found.public_key}

    def _group(self, call: Call, key: Any) -> Group | None:
        if key is None:
            return None
        told = key[0] if isinstance(key, list) and key else key
        found = self._fleet.groups.find(str(told), call.project_id)
        if found is None:
            raise Refused(400, f"Instance group {told} could not be found.")
        limit = self._fleet.allowance.nova(call.project_id)["server_group_members"]
        if 0 <= limit <= len(self._fleet.groups.members(found)):
            raise Refused(403, "Quota exceeded, too many servers in group")
        return found


def order_of(order: Order, **changes: Any) -> Order:
    """An order with some of it otherwise."""
    values = {name: getattr(order, name) for name in Order.__dataclass_fields__}
    return Order(**{**values, **changes})


def new_password() -> str:
    """One that is made up."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LETTERS))


def _check_image(image: ImageFacts, flavor: Flavor, *, has_own_disk: bool) -> None:
    if image.status != "active":
        raise Refused(400, f"Image {image.id} is not active.")
    if image.min_ram_mib > flavor.ram_mib:
        raise Refused(400, "Flavor's memory is too small for requested image.")
    room = flavor.disk_gib
    if has_own_disk and room and (image.min_disk_gib > room or image.size > room * _GIB):
        raise Refused(400, "Flavor's disk is too small for requested image.")


def _counts(told: Mapping[str, Any]) -> tuple[int, int]:
    least = told.get("min_count", 1)
    most = told.get("max_count", least)
    if least > most:
        raise Refused(400, "min_count must be <= max_count")
    if most > 1 and any(one.get("fixed_ip") or one.get("port") for one in told.get(
        "networks") or () if isinstance(one, dict)):  # fmt: skip
        raise Refused(400, "Invalid fixed IP Address in request: it may be given to one instance")
    return least, most


def _wishes(networks: Any) -> tuple[Wish, ...] | None:
    if networks is None or networks == "auto":
        return None
    if networks == "none":
        return ()
    wishes = []
    for one in networks:
        network, port = one.get("uuid") or "", one.get("port") or ""
        if not network and not port:
            raise Refused(400, "Bad networks format: a uuid or a port is missing")
        if network and not port and not fields.is_uuid(network):
            message = f"Bad networks format: network uuid is not in proper format ({network})"
            raise Refused(400, message)
        wishes.append(
            Wish(
                network_id="" if port else network,
                port_id=port,
                fixed_ip=one.get("fixed_ip") or "",
                tag=one.get("tag") or "",
            )
        )
    return tuple(wishes) or None


def _disk(told: Mapping[str, Any]) -> DiskWish | None:
    """A disk that has to be a volume; None for one that is the host's."""
    source = told.get("source_type") or ("volume" if told.get("volume_id") else "blank")
    target = told.get("destination_type") or ("volume" if source in {"volume", "snapshot"} else "")
    is_root = told.get("boot_index") == 0
    named = told.get("uuid") or told.get("volume_id") or told.get("image_id") or ""
    if source != "blank" and not named:
        raise Refused(400, "Block Device Mapping is Invalid: Missing source_type or uuid.")
    if target != "volume":
        if source in {"volume", "snapshot"}:
            raise Refused(
                400, "Block Device Mapping is Invalid: Mapping to local is not supported with"
                " volumes.",
            )  # fmt: skip
        return None
    size = told.get("volume_size") or None
    if source in {"blank", "image"} and size is None:
        raise Refused(400, "Block Device Mapping is Invalid: Images with destination_type 'volume'"
                      " need to have a non-zero size specified")  # fmt: skip
    return DiskWish(
        source,
        named,
        size,
        told.get("volume_type") or "",
        told.get("device_name") or "",
        is_root=is_root,
        ends_with_server=bool(told.get("delete_on_termination")),
        tag=told.get("tag") or "",
    )


def _personality(call: Call, fleet: Fleet, told: Mapping[str, Any]) -> dict[str, Any]:
    files = told.get("personality") or ()
    limits = fleet.allowance.nova(call.project_id)
    if len(files) > limits["injected_files"] >= 0:
        raise Refused(403, "Personality file limit exceeded")
    most = limits["injected_file_content_bytes"]
    if any(len(one["contents"]) * 3 // 4 > most >= 0 for one in files):
        raise Refused(403, "Personality content limit exceeded")
    return {"files": [one.get("path", "") for one in files]} if files else {}
