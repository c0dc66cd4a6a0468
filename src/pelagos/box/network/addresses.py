"""Which addresses a subnet has, gives out, and has left. Pure.

What is wrong is a `Refused` in the words of Neutron.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from pelagos.box.errors import Refused

Ip = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network
Pool = Mapping[str, str]

_V4 = 4
_TINY = {4: 30, 6: 126}


def invalid(message: str) -> Refused:
    """What Neutron says of input that contradicts itself."""
    return Refused(400, f"Invalid input for operation: {message}.", name="InvalidInput")


def default_gateway(cidr: Cidr) -> str:
    """A subnet's first address; in IPv6 that is the one which all its routers share.

    >>> default_gateway(ip_network("10.0.0.0/29")), default_gateway(ip_network("fd00::/64"))
    ('10.0.0.1', 'fd00::')
    """
    is_after = cidr.version == _V4 and cidr.num_addresses > 1
    return str(cidr.network_address + is_after)


def default_pools(cidr: Cidr, gateway: str | None) -> list[dict[str, str]]:
    """All addresses that machines may have, but for the gateway.

    >>> default_pools(ip_network("10.0.0.0/29"), "10.0.0.1")
    [{'start': '10.0.0.2', 'end': '10.0.0.6'}]
    >>> default_pools(ip_network("10.0.0.0/29"), "10.0.0.3")
    [{'start': '10.0.0.1', 'end': '10.0.0.2'}, {'start': '10.0.0.4', 'end': '10.0.0.6'}]
    """
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if cidr.prefixlen <= _TINY[cidr.version]:
        first += 1
        last -= cidr.version == _V4
    without = int(ip_address(gateway)) if gateway and ip_address(gateway) in cidr else -1
    spans = [(first, last)]
    if first <= without <= last:
        spans = [(first, without - 1), (without + 1, last)]
    kind = IPv4Address if cidr.version == _V4 else IPv6Address
    return [{"start": str(kind(one)), "end": str(kind(end))} for one, end in spans if one <= end]


def check_pools(cidr: Cidr, gateway: str | None, pools: Iterable[Pool]) -> None:
    """See whether these addresses may be given out.

    Raises:
        Refused: they may not.
    """
    known: list[tuple[Ip, Ip, str]] = []
    for pool in pools:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        told = f"{start}-{end}"
        if start.version != cidr.version or end.version != cidr.version or int(end) < int(start):
            raise Refused(
                400, f"The allocation pool {told} is not valid.", name="InvalidAllocationPool"
            )
        if start not in cidr or end not in cidr:
            message = f"The allocation pool {told} spans beyond the subnet cidr {cidr}."
            raise Refused(400, message, name="OutOfBoundsAllocationPool")
        for other, finish, name in known:
            if int(start) <= int(finish) and int(other) <= int(end):
                message = f"Found overlapping allocation pools: {name} {told} for subnet {cidr}."
                raise Refused(409, message, name="OverlappingAllocationPools")
        if gateway and int(start) <= int(ip_address(gateway)) <= int(end):
            raise Refused(
                409,
                f"Gateway ip {gateway} conflicts with allocation pool {told}.",
                name="GatewayConflictWithAllocationPools",
            )
        known.append((start, end, told))


def check_gateway(cidr: Cidr, gateway: str) -> None:
    """See whether a router may have this address.

    Raises:
        Refused: it may not.
    """
    address = ip_address(gateway)
    if address.version != cidr.version:
        raise invalid(f"gateway_ip '{gateway}' does not match the ip_version '{cidr.version}'")
    is_edge = address in {cidr.network_address, cidr.broadcast_address}
    if is_edge and cidr.version == _V4 and cidr.prefixlen <= _TINY[_V4]:
        raise invalid("Gateway is not valid on subnet")


def merged(pools: Iterable[Pool]) -> list[dict[str, str]]:
    """Pools in the order of their addresses, neighbours as one.

    >>> merged([{"start": "fd::5", "end": "fd::6"}, {"start": "fd::4", "end": "fd::4"}])
    [{'start': 'fd::4', 'end': 'fd::6'}]
    """
    found: list[dict[str, str]] = []
    for pool in sorted(pools, key=lambda one: int(ip_address(one["start"]))):
        if found and int(ip_address(found[-1]["end"])) + 1 == int(ip_address(pool["start"])):
            found[-1]["end"] = pool["end"]
        else:
            found.append({"start": pool["start"], "end": pool["end"]})
    return found


def free(pools: Iterable[Pool], taken: Collection[str]) -> str | None:
    """The lowest address that nobody has; None when there is none."""
    used = {int(ip_address(one)) for one in taken}
    for pool in pools:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        for number in _numbers(int(start), int(end)):
            if number not in used:
                return str(type(start)(number))
    return None


def _numbers(start: int, end: int) -> Iterator[int]:
    while start <= end:
        yield start
        start += 1


def overlaps(one: str, other: str) -> bool:
    """Whether two CIDRs have addresses in common."""
    first, second = ip_network(one), ip_network(other)
    return first.version == second.version and first.overlaps(second)


def new_mac(begin: str, chance: random.Random) -> str:
    """A MAC address.

    >>> new_mac("fa:16:3e", random.Random(1))
    'fa:16:3e:44:91:20'
    """
    rest = [chance.randrange(256) for _ in range(6 - len(begin.split(":")))]
    return ":".join([begin, *(f"{one:02x}" for one in rest)])
