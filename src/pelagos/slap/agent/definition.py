"""Read the definition file of a SlapOS node: partitions that somebody else laid out. Pure.

Sections: [computer] with `address` (IP/netmask) and `software_user`; [partition_0] … with
`pathname`, `address` (several apart by spaces), `user`, `network_interface` and
`capability_list`. See `node format -i`.
"""

from __future__ import annotations

import configparser
import ipaddress
import re
from dataclasses import replace

from pelagos.core.spelling import hint as spelled
from pelagos.slap.agent.format import LOOPBACK, FormatRefused, FormatWish, Slot
from pelagos.slap.model import Address

_PARTITION = re.compile(r"partition_(\d+)")
_OF_COMPUTER = {"address": 0, "software_user": 0}
_OF_PARTITION = dict.fromkeys(
    ("address", "user", "pathname", "network_interface", "capability_list", "ipv6_range"), 0
)


def read_definition(text: str, where: str) -> FormatWish:
    """What a definition file wishes.

    Args:
        text: of the file.
        where: what to blame.

    Raises:
        FormatRefused: it cannot be read, or names something that there is not; says which.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, where)
    except configparser.Error as error:
        message = str(error).replace("\n", " ")
        raise FormatRefused(f"{where} cannot be read: {message}", hint="mend that line") from error
    numbered = {}
    for name in parser.sections():
        found = _PARTITION.fullmatch(name)
        if found:
            numbered[int(found[1])] = _slot(parser[name], where)
        elif name != "computer":
            raise FormatRefused(
                f"{where}: there is no section [{name}]",
                hint="write [computer], [partition_0], [partition_1] and so on",
            )
    if not numbered:
        raise FormatRefused(f"{where} has no partition", hint="write a section [partition_0]")
    computer = parser["computer"] if parser.has_section("computer") else {}
    _check_keys(computer, _OF_COMPUTER, "computer", where)
    wish = FormatWish(
        slots=tuple(numbered[number] for number in sorted(numbered)),
        software_user=computer.get("software_user", ""),
    )
    if not computer.get("address"):
        return wish
    own = _address(computer["address"], LOOPBACK.interface, where, "computer")
    return replace(wish, address=own)


def _slot(section: configparser.SectionProxy, where: str) -> Slot:
    _check_keys(section, _OF_PARTITION, section.name, where)
    if not section.get("pathname"):
        raise FormatRefused(
            f"{where}: [{section.name}] has no pathname", hint="name the folder of the partition"
        )
    if section.get("ipv6_range"):
        raise FormatRefused(
            f"{where}: [{section.name}] wants an ipv6_range, but partitions have addresses",
            hint="list those that it needs under `address`",
        )
    interface = section.get("network_interface", LOOPBACK.interface)
    return Slot(
        name=section["pathname"],
        user=section.get("user", ""),
        addresses=tuple(
            _address(word, interface, where, section.name)
            for word in section.get("address", "").split()
        ),
        capabilities=tuple(section.get("capability_list", "").split()),
    )


def _check_keys(section: object, known: dict[str, int], name: str, where: str) -> None:
    for key in section:  # type: ignore[attr-defined]  # a section, or an empty mapping
        if key not in known:
            raise FormatRefused(
                f"{where}: unknown key {key} in [{name}]", hint=spelled(key, known)
            )


def _address(text: str, interface: str, where: str, section: str) -> Address:
    try:
        found = ipaddress.ip_interface(text)
    except ValueError as error:
        raise FormatRefused(
            f"{where}: {text!r} in [{section}] is no address: {error}",
            hint="write IP/netmask, as 10.0.0.1/255.255.255.255",
        ) from error
    return Address(interface, str(found.ip), str(found.netmask))
