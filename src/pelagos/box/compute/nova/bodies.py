"""What Nova's requests may say, in each microversion. Pure."""
# ruff: noqa: PLR2004  # the numbers are microversions

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pelagos.box.compute.nova.call import Call
from pelagos.box.fields import (
    Check,
    address,
    anything,
    either,
    encoded,
    flag,
    key,
    listing,
    mapping,
    nothing,
    one_of,
    record,
    text,
    whole,
)

NAME = text(1, 255, stripped=True)
METADATA = mapping(text(0, 255))
#: May not hold `/` or `,`.
TAG = text(1, 60, pattern=r"[^,/]*")
TAGS = listing(TAG, 50)
_PASSWORD = text(0, 255)
_DISK_CONFIG = one_of("AUTO", "MANUAL")
_ACCESS_V4 = either(address(4), one_of(""))
_ACCESS_V6 = either(address(6), one_of(""))
_DESCRIPTION = text(0, 255, nullable=True)
_HOSTNAME = text(2, 63, pattern=r"[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+")
_FQDN = text(1, 255, pattern=r"[a-zA-Z0-9-._]*")
_REF = either(text(1, 255), whole(0))
_CERTIFICATES = either(nothing, listing(text(1, 255), 50, least=1, unique=True))
_USER_DATA = encoded(65_535)
_PERSONALITY = listing(
    record({"path": text(0, 255), "contents": encoded(2**24)}, required=("contents",))
)
_DEVICE = text(1, 255, pattern=r"[a-zA-Z0-9._/-]*")


class Body:
    """A body with versions.

    Args:
        build: the check in a microversion.
        name: what it stands under.
    """

    def __init__(self, name: str, build: Callable[[int], Check]) -> None:
        self._name = name
        self._build = cache(build)

    def check(self, call: Call) -> dict[str, Any]:
        """The body of a request.

        Raises:
            Refused: 400, with what is wrong.
        """
        told: dict[str, Any] = self._build(call.minor)(call.request.document(), self._name)
        return told

    def check_part(self, call: Call, value: Any) -> Any:
        """A part of a body.

        Raises:
            Refused: as `check`.
        """
        return self._build(call.minor)(value, self._name)


def of(checks: dict[str, Check | None]) -> dict[str, Check]:
    """Those that are there in this version."""
    return {name: check for name, check in checks.items() if check is not None}


def _network(minor: int) -> Check:
    items = record(
        of({
            "fixed_ip": address(),
            "port": key(nullable=True),
            "uuid": key() if minor >= 37 else text(0, 255),
            "tag": TAG if 32 <= minor <= 36 or minor >= 42 else None,
        })
    )  # fmt: skip
    words = one_of("none", "auto")
    return either(words, listing(items)) if minor >= 37 else listing(items)


def _device(minor: int) -> Check:
    return record(
        of({
            "virtual_name": text(0, 255), "volume_id": key(), "snapshot_id": key(),
            "volume_size": either(one_of(""), whole(1)), "device_name": _DEVICE,
            "delete_on_termination": flag(), "no_device": anything,
            "connection_info": text(0, 2**24),
            "source_type": one_of("volume", "image", "snapshot", "blank"),
            "uuid": text(1, 255, pattern=r"[a-zA-Z0-9._-]*"), "image_id": key(),
            "destination_type": one_of("local", "volume"), "guest_format": text(0, 255),
            "device_type": text(0, 255), "disk_bus": text(0, 255),
            "boot_index": whole(-1, nullable=True),
            "tag": TAG if minor == 32 or minor >= 42 else None,
            "volume_type": text(0, 255, nullable=True) if minor >= 67 else None,
        })
    )  # fmt: skip


def _create(minor: int) -> Check:
    server = of({
        "name": NAME, "imageRef": either(key(), one_of("")), "flavorRef": _REF,
        "adminPass": _PASSWORD, "metadata": METADATA, "networks": _network(minor),
        "OS-DCF:diskConfig": _DISK_CONFIG, "accessIPv4": _ACCESS_V4, "accessIPv6": _ACCESS_V6,
        "personality": _PERSONALITY if minor < 57 else None, "availability_zone": NAME,
        "block_device_mapping": listing(anything), "config_drive": flag(), "key_name": NAME,
        "block_device_mapping_v2": listing(_device(minor)),
        "min_count": whole(1), "max_count": whole(1), "return_reservation_id": flag(),
        "security_groups": listing(record({"name": NAME})), "user_data": _USER_DATA,
        "description": _DESCRIPTION if minor >= 19 else None,
        "tags": TAGS if minor >= 52 else None,
        "trusted_image_certificates": _CERTIFICATES if minor >= 63 else None,
        "host": _FQDN if minor >= 74 else None,
        "hypervisor_hostname": _FQDN if minor >= 74 else None,
        "hostname": (_FQDN if minor >= 94 else _HOSTNAME) if minor >= 90 else None,
    })  # fmt: skip
    required = ("name", "flavorRef", *(("networks",) if minor >= 37 else ()))
    hints = record({"group": either(key(), listing(key()))}, is_open=True)
    return record(
        {
            "server": record(server, required=required),
            "os:scheduler_hints": hints,
            "OS-SCH-HNT:scheduler_hints": hints,
        },
        required=("server",),
    )


def _update(minor: int) -> Check:
    server = of({
        "name": NAME, "OS-DCF:diskConfig": _DISK_CONFIG, "accessIPv4": _ACCESS_V4,
        "accessIPv6": _ACCESS_V6, "description": _DESCRIPTION if minor >= 19 else None,
        "hostname": (_FQDN if minor >= 94 else _HOSTNAME) if minor >= 90 else None,
    })  # fmt: skip
    return record({"server": record(server)}, required=("server",))


def _rebuild(minor: int) -> Check:
    return record(
        of({
            "name": NAME, "imageRef": key(), "adminPass": _PASSWORD, "metadata": METADATA,
            "preserve_ephemeral": flag(), "OS-DCF:diskConfig": _DISK_CONFIG,
            "accessIPv4": _ACCESS_V4, "accessIPv6": _ACCESS_V6,
            "personality": _PERSONALITY if minor < 57 else None,
            "description": _DESCRIPTION if minor >= 19 else None,
            "key_name": either(nothing, NAME) if minor >= 54 else None,
            "user_data": either(nothing, _USER_DATA) if minor >= 57 else None,
            "trusted_image_certificates": _CERTIFICATES if minor >= 63 else None,
            "hostname": (_FQDN if minor >= 94 else _HOSTNAME) if minor >= 90 else None,
        }),
        required=("imageRef",),
    )  # fmt: skip


_ADDRESS = address()
CREATE = Body("", _create)
UPDATE = Body("", _update)
#: Arguments of actions, by the action's name.
ARGUMENTS: dict[str, Body] = {
    "reboot": Body(
        "reboot",
        lambda _: record(
            {"type": one_of("HARD", "Hard", "hard", "SOFT", "Soft", "soft")}, required=("type",)
        ),
    ),
    "rebuild": Body("rebuild", _rebuild),
    "resize": Body(
        "resize",
        lambda _: record(
            {"flavorRef": _REF, "OS-DCF:diskConfig": _DISK_CONFIG}, required=("flavorRef",)
        ),
    ),
    "createImage": Body(
        "createImage", lambda _: record({"name": NAME, "metadata": METADATA}, required=("name",))
    ),
    "createBackup": Body(
        "createBackup",
        lambda _: record(
            {
                "name": NAME, "backup_type": text(1, 255), "rotation": whole(0),
                "metadata": METADATA,
            },
            required=("name", "backup_type", "rotation"),
        ),
    ),
    "changePassword": Body(
        "changePassword", lambda _: record({"adminPass": _PASSWORD}, required=("adminPass",))
    ),
    "rescue": Body(
        "rescue",
        lambda _: either(nothing, record({"adminPass": _PASSWORD, "rescue_image_ref": key()})),
    ),
    "os-getConsoleOutput": Body(
        "os-getConsoleOutput",
        lambda _: record({"length": either(nothing, whole(-1))}),
    ),
    "lock": Body(
        "lock",
        lambda minor: (
            either(nothing, record({"locked_reason": text(1, 255)})) if minor >= 73 else anything
        ),
    ),
    "unshelve": Body(
        "unshelve",
        lambda minor: (
            either(nothing, record(of({
                "availability_zone": either(nothing, NAME),
                "host": _FQDN if minor >= 91 else None,
            })))
            if minor >= 77
            else nothing
        ),
    ),
    "addSecurityGroup": Body(
        "addSecurityGroup", lambda _: record({"name": NAME}, required=("name",))
    ),
    "removeSecurityGroup": Body(
        "removeSecurityGroup", lambda _: record({"name": NAME}, required=("name",))
    ),
    "addFloatingIp": Body(
        "addFloatingIp",
        lambda _: record(
            {"address": _ADDRESS, "fixed_address": _ADDRESS}, required=("address",)
        ),
    ),
    "removeFloatingIp": Body(
        "removeFloatingIp", lambda _: record({"address": _ADDRESS}, required=("address",))
    ),
    "os-resetState": Body(
        "os-resetState",
        lambda _: record({"state": one_of("active", "error")}, required=("state",)),
    ),
    "os-getVNCConsole": Body(
        "os-getVNCConsole",
        lambda _: record({"type": one_of("novnc", "xvpvnc")}, required=("type",)),
    ),
    "os-getSPICEConsole": Body(
        "os-getSPICEConsole",
        lambda _: record({"type": one_of("spice-html5")}, required=("type",)),
    ),
    "os-getSerialConsole": Body(
        "os-getSerialConsole", lambda _: record({"type": one_of("serial")}, required=("type",))
    ),
}  # fmt: skip
_WITHOUT = (
    "confirmResize", "revertResize", "os-start", "os-stop", "pause", "unpause", "suspend",
    "resume", "unlock", "shelve", "unrescue", "forceDelete", "restore",
    "migrate",
)  # fmt: skip
ARGUMENTS.update({name: Body(name, lambda _: anything) for name in _WITHOUT})
