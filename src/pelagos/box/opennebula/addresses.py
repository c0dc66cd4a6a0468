"""Address ranges of a network and who holds their addresses; pure.

A range is a mapping of its attributes, with `leases`: the holder by the index of the address, as
`[kind, id]` with the kinds "VM", "NET" (a reservation) and "HOLD".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.markup import cdata, element

Range = dict[str, Any]
_LEASES = "leases"
_HOLDERS = {"HOLD": "VM", "NET": "VNET"}  # what they are called where they are not called so
_PREFIXES = (("ULA_PREFIX", "IP6_ULA"), ("GLOBAL_PREFIX", "IP6_GLOBAL"))


def made(vector: Mapping[str, str], number: int) -> Range:
    """A range from the vector that somebody sent.

    Raises:
        Failure: it has no type, size or address that can be used.
    """
    kind = vector.get("TYPE", "").upper()
    size = vector.get("SIZE", "")
    if kind not in {"IP4", "IP6", "IP4_6", "ETHER"}:
        raise Failure(Code.INTERNAL, "Unknown or missing address range TYPE.")
    if not size.isdigit() or not int(size):
        raise Failure(Code.INTERNAL, "Wrong SIZE for address range.")
    kept: Range = {"AR_ID": str(number), "TYPE": kind, "SIZE": str(int(size)), _LEASES: {}}
    kept |= {"NEXT_INDEX": "0", "SHARED": vector.get("SHARED", "NO")}
    if "IP4" in kind:
        try:
            first = ipaddress.IPv4Address(vector.get("IP", ""))
        except ValueError as error:
            raise Failure(Code.INTERNAL, "Wrong or empty IP attribute") from error
        kept["IP"] = str(first)
    kept["MAC"] = vector.get("MAC") or _mac_of(kept.get("IP", f"10.0.{number}.1"))
    kept |= {key: value for key, value in vector.items() if key not in kept and key != "ALLOCATED"}
    return kept


def take(ranges: Iterable[Range], holder: tuple[str, int], ip: str = "") -> dict[str, str]:
    """The next free address, or that one: AR_ID, MAC and what else it has.

    Raises:
        Failure: there is none.
    """
    for one in ranges:
        taken = one[_LEASES]
        for index in range(int(one["SIZE"])):
            if str(index) in taken or (ip and address(one, index).get("IP") != ip):
                continue
            taken[str(index)] = list(holder)
            one["NEXT_INDEX"] = str(index + 1)
            return {"AR_ID": one["AR_ID"], **address(one, index)}
    raise Failure(
        Code.INTERNAL, f"IP/MAC {ip} not in use or free" if ip else "No free addresses left"
    )


def release(ranges: Iterable[Range], holder: tuple[str, int], ip: str = "") -> bool:
    """Free the addresses of a holder, or that one; whether there was any."""
    found = False
    for one in ranges:
        for index, who in list(one[_LEASES].items()):
            if who == list(holder) and (not ip or address(one, int(index)).get("IP") == ip):
                del one[_LEASES][index]
                found = True
    return found


def address(one: Range, index: int) -> dict[str, str]:
    """MAC and IP addresses at a place of a range."""
    mac = int(one["MAC"].replace(":", ""), 16) + index
    found = {"MAC": ":".join(f"{mac:012x}"[at : at + 2] for at in range(0, 12, 2))}
    if "IP" in one:
        found["IP"] = str(ipaddress.IPv4Address(one["IP"]) + index)
    for prefix, name in _PREFIXES:
        if one.get(prefix):
            found[name] = _with_host(one[prefix], found["MAC"])
    return found


def used(ranges: Iterable[Range]) -> int:
    """How many addresses are held."""
    return sum(len(one[_LEASES]) for one in ranges)


def machines(ranges: Iterable[Range]) -> list[int]:
    """The machines that hold one."""
    return sorted({who[1] for one in ranges for who in one[_LEASES].values() if who[0] == "VM"})


def written(ranges: Iterable[Range], *, with_leases: bool) -> str:
    """The ranges as elements."""
    return "".join(element("AR", _range(one, with_leases=with_leases)) for one in ranges)


def _range(one: Range, *, with_leases: bool) -> str:
    text = "".join(cdata(key, one[key]) for key in sorted(one) if key != _LEASES)
    if not with_leases:
        return text
    last = address(one, int(one["SIZE"]) - 1)
    first = address(one, 0)
    text += cdata("MAC_END", last["MAC"])
    text += cdata("IP_END", last["IP"]) if "IP" in last else ""
    for _, name in _PREFIXES:
        if name in first:
            text += cdata(name, first[name]) + cdata(f"{name}_END", last[name])
    leases = "".join(
        element(
            "LEASE",
            "".join(cdata(key, value) for key, value in sorted(address(one, int(index)).items()))
            + cdata(_HOLDERS.get(who[0], who[0]), who[1]),
        )
        for index, who in sorted(one[_LEASES].items(), key=lambda item: int(item[0]))
    )
    return text + element("USED_LEASES", len(one[_LEASES])) + element("LEASES", leases)


def _mac_of(ip: str) -> str:
    return "02:00:" + ":".join(f"{int(part):02x}" for part in ip.split("."))


def _with_host(prefix: str, mac: str) -> str:
    """The address of the prefix that a MAC gives (EUI-64)."""
    parts = [int(part, 16) for part in mac.split(":")]
    host = bytes([parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]])
    net = int(ipaddress.IPv6Address(prefix)) >> 64 << 64
    return str(ipaddress.IPv6Address(net | int.from_bytes(host)))
