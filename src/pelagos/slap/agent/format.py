"""Decide how a computer is cut into partitions: what exists, what is wished → steps. Pure.

`formatter` looks at the computer and carries the steps out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.slap.agent.layout import PARTITION_PREFIX, Layout
from pelagos.slap.model import Address, ComputerFormat, PartitionFormat

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
LOOPBACK = Address("lo", "127.0.0.1", "255.0.0.0")


class FormatRefused(PelagosError):
    """The computer cannot or must not be cut as wished; nothing was changed."""


# ---- what is wished, what was made, what is there -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """One partition.

    Attributes:
        user: who owns it; empty: whoever runs the agent.
        addresses: those that only this partition uses; none: it shares the computer's.
        capabilities: it is kept for requests that name one of these.
    """

    name: str
    user: str = ""
    addresses: tuple[Address, ...] = ()
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormatWish:
    """How the computer is to be cut.

    Attributes:
        slots: the partitions; what `networks` gives them is added.
        software_user: who owns the built software; empty: whoever runs the agent.
        networks: each partition gets one address of each.
        interface: where these addresses are added.
        address: the computer's own, for partitions without any.
    """

    slots: tuple[Slot, ...]
    software_user: str = ""
    networks: tuple[Network, ...] = ()
    interface: str = "lo"
    address: Address = LOOPBACK
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """What formatting made, as `format.json` keeps it.

    Attributes:
        users_made: users that formatting added to the system.
        addresses_made: addresses that formatting added to interfaces.
        source: the definition file that it came from; empty: the configuration.
    """

    slots: tuple[Slot, ...]
    software_user: str = ""
    address: Address = LOOPBACK
    properties: Mapping[str, str] = field(default_factory=dict)
    users_made: tuple[str, ...] = ()
    addresses_made: tuple[Address, ...] = ()
    source: str = ""

    def announcement(self, computer_id: str) -> ComputerFormat:
        """What the master hears of it."""
        return ComputerFormat(
            computer_id=computer_id,
            partitions=tuple(
                PartitionFormat(slot.name, slot.addresses or (self.address,), slot.capabilities)
                for slot in self.slots
            ),
            address=self.address.address,
            netmask=self.address.netmask,
            properties=self.properties,
        )


@dataclass(frozen=True, slots=True)
class UserSeen:
    """A user of the system."""

    uid: int
    home: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """A folder: its owner's name and its mode."""

    owner: str
    mode: int


@dataclass(frozen=True, slots=True)
class FormatSeen:
    """The computer as it is.

    Attributes:
        me: the user who runs this.
        users: those that were asked for and exist.
        folders: those that were asked for and exist.
        addresses: all of this computer, by interface; empty when nothing needs them.
        busy: partitions with an instance.
        resources: what `.slapos-resource` holds, by partition.
        closed: folders on the way to the files or to the interpreter that others may not enter.
    """

    me: str
    former: Format | None = None
    users: Mapping[str, UserSeen] = field(default_factory=dict)
    folders: Mapping[Path, FolderSeen] = field(default_factory=dict)
    addresses: frozenset[tuple[str, str]] = frozenset()
    busy: frozenset[str] = frozenset()
    resources: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[Path, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether users and addresses may be changed."""
        return self.me == "root"


# ---- steps --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FormatStep:
    """One thing to do.

    Attributes:
        kind: make-user, join-group, make-folder, hand-over, set-mode, add-address, drop-address,
            write-resource or remove-folder.
        subject: the user, the path, or the address with its interface.
        owner: for folders: whose; empty: whoever runs this.
        value: the home, the group, the mode in octal digits, or the text of the file.
    """

    kind: str
    subject: str
    owner: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class FormatPlan:
    """The steps in their order, and what is noted when they are done."""

    steps: tuple[FormatStep, ...]
    result: Format


def cut(
    count: int,
    *,
    prefix: str = PARTITION_PREFIX,
    user_prefix: str = "",
    capabilities: tuple[str, ...] = (),
) -> tuple[Slot, ...]:
    """Partitions that are numbered from 0, each with a user of its own if a prefix names them."""
    return tuple(
        Slot(
            f"{prefix}{number}",
            user=f"{user_prefix}{number}" if user_prefix else "",
            capabilities=capabilities,
        )
        for number in range(count)
    )


def make_format_plan(wish: FormatWish, seen: FormatSeen, layout: Layout) -> FormatPlan:
    """What to do, nothing of it done yet.

    Raises:
        FormatRefused: it cannot be done, or would hurt an instance that is there.
    """
    _check_names(wish)
    _check_shrinking(wish, seen)
    _check_users(wish, seen, layout)
    former = seen.former or Format(())
    slots = tuple(_addressed(wish, seen, former))
    steps = (
        *_user_steps(wish, seen, layout),
        *_folder_steps(wish, seen, layout),
        *_address_steps(wish, slots, seen, former),
        *_resource_steps(slots, wish, seen, layout),
    )
    made = {step.subject for step in steps if step.kind == "make-user"}
    result = Format(
        slots=slots,
        software_user=wish.software_user,
        address=wish.address,
        properties=dict(wish.properties),
        users_made=tuple(sorted({*former.users_made, *made})),
        addresses_made=_of_networks(wish, slots),
    )
    return FormatPlan(steps, result)


# ---- refusals -----------------------------------------------------------------------------------


def _check_names(wish: FormatWish) -> None:
    names = [slot.name for slot in wish.slots]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise FormatRefused(
                f"{name[:80]!r} cannot name a partition"
                + (": it stands twice" if _NAME.fullmatch(name) else ""),
                hint="use letters, digits, dot, dash and underscore, each name once",
            )
    for user in {wish.software_user, *(slot.user for slot in wish.slots)} - {""}:
        if not _USER.fullmatch(user):
            raise FormatRefused(
                f"{user[:80]!r} cannot be the name of a user",
                hint="use small letters, digits, dash and underscore, 32 characters at the most",
            )


def _check_shrinking(wish: FormatWish, seen: FormatSeen) -> None:
    lost = sorted(seen.busy - {slot.name for slot in wish.slots})
    if lost:
        raise FormatRefused(
            f"{', '.join(lost)} would no longer be a partition, but holds an instance",
            hint="destroy those instances first (pelagos computer info shows them), or keep as "
            "many partitions as before",
        )


def _check_users(wish: FormatWish, seen: FormatSeen, layout: Layout) -> None:
    former = seen.former or Format(())
    wished = {slot.user: slot.name for slot in wish.slots if slot.user}
    if not wished:
        if any(slot.user for slot in former.slots):
            raise FormatRefused(
                "this computer was formatted with a user for each partition",
                hint="keep `users = true` in [node], or undo it first: pelagos node unformat",
            )
        return
    if set(wished) == {seen.me}:
        return
    if not seen.is_root:
        raise FormatRefused(
            "only root can give each partition a user of its own",
            hint="run this as root, or set `users = false` in [node]",
        )
    if not wish.software_user:
        raise FormatRefused(
            "partitions have users of their own, but nobody is named who builds the software, so "
            "it would be built as root",
            hint="name a user with `software_user` in [node], or in [computer] of the definition",
        )
    for user, name in {**wished, wish.software_user: ""}.items():
        home = layout.instance / name if name else layout.software
        _check_user(user, str(home), seen, former, is_named=user == wish.software_user)
    if seen.closed:
        raise FormatRefused(
            f"the users of the partitions could not enter {', '.join(map(str, seen.closed))}",
            hint="put `root` of [node] and the interpreter of Pelagos where every user may read, "
            "such as /srv and /opt",
        )


def _check_user(user: str, home: str, seen: FormatSeen, former: Format, *, is_named: bool) -> None:
    known = seen.users.get(user)
    if known is None:
        return
    if known.uid == 0:
        raise FormatRefused(
            f"{user} is root, so nothing may run as that user", hint="name another user"
        )
    is_ours = user in former.users_made or any(user == slot.user for slot in former.slots)
    if not is_ours and known.home != home and not is_named:
        raise FormatRefused(
            f"there is a user {user} already, and it is not this computer's: its home is "
            f"{known.home}",
            hint="choose other names with `user_prefix` in [node]",
        )


# ---- users and folders --------------------------------------------------------------------------


def _user_steps(wish: FormatWish, seen: FormatSeen, layout: Layout) -> Iterator[FormatStep]:
    if not seen.is_root:
        return
    software = wish.software_user
    if software and software not in seen.users:
        yield FormatStep("make-user", software, value=str(layout.software))
    done = set()
    for slot in wish.slots:
        if not slot.user or slot.user in done or slot.user == seen.me:
            continue
        done.add(slot.user)
        known = seen.users.get(slot.user)
        if known is None:
            yield FormatStep("make-user", slot.user, value=str(layout.instance / slot.name))
        if software and software != slot.user and (not known or software not in known.groups):
            yield FormatStep("join-group", slot.user, value=software)


def _folder_steps(wish: FormatWish, seen: FormatSeen, layout: Layout) -> Iterator[FormatStep]:
    has_users = bool(wish.software_user)
    wanted = [
        (layout.root, 0o711 if has_users else None, ""),
        (layout.software, 0o755, wish.software_user),
        (layout.instance, 0o755, ""),
        *((layout.instance / slot.name, 0o750, slot.user) for slot in wish.slots),
    ]
    for path, mode, owner in wanted:
        found = seen.folders.get(path)
        if found is None:
            yield FormatStep("make-folder", str(path), owner, f"{mode or 0o700:o}")
            continue
        if (owner or seen.me) != found.owner and (owner or not has_users) and seen.is_root:
            yield FormatStep("hand-over", str(path), owner or seen.me)
        if mode is not None and found.mode != mode:
            yield FormatStep("set-mode", str(path), owner, f"{mode:o}")
    kept = {slot.name for slot in wish.slots}
    for slot in (seen.former or Format(())).slots:
        if slot.name not in kept and layout.instance / slot.name in seen.folders:
            yield FormatStep("remove-folder", str(layout.instance / slot.name))


# ---- addresses ----------------------------------------------------------------------------------


def _addressed(wish: FormatWish, seen: FormatSeen, former: Format) -> Iterator[Slot]:
    """The slots with an address of each network: the one they had, or the first that is free."""
    before = {slot.name: slot.addresses for slot in former.slots}
    ours = {address.address for address in former.addresses_made}
    held = {
        address.address: slot.name
        for slot in former.slots
        for address in slot.addresses
        if slot.name in {one.name for one in wish.slots}
    }
    taken = {address for _, address in seen.addresses} - ours | set(held)
    for slot in wish.slots:
        given = list(slot.addresses)
        for network in wish.networks:
            address = next(
                (a for a in before.get(slot.name, ()) if _is_in(a.address, network)), None
            ) or _free(network, wish.interface, taken)
            taken.add(address.address)
            given.append(Address(wish.interface, address.address, address.netmask))
        yield Slot(slot.name, slot.user, tuple(given), slot.capabilities)


def _is_in(address: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def _free(network: Network, interface: str, taken: set[str]) -> Address:
    netmask = str(ipaddress.ip_address(2**network.max_prefixlen - 1))
    for host in network.hosts():
        if network.version == 6 and int(host) - int(network.network_address) < 2:  # noqa: PLR2004
            continue  # routers have the first of a network
        if str(host) not in taken:
            return Address(interface, str(host), netmask)
    raise FormatRefused(
        f"the network {network} has no free address left for every partition",
        hint="name a larger network in [node], or fewer partitions",
    )


def _of_networks(wish: FormatWish, slots: tuple[Slot, ...]) -> tuple[Address, ...]:
    return tuple(
        address
        for slot in slots
        for address in slot.addresses
        if address.interface == wish.interface
        and any(_is_in(address.address, network) for network in wish.networks)
    )


def _address_steps(
    wish: FormatWish, slots: tuple[Slot, ...], seen: FormatSeen, former: Format
) -> Iterator[FormatStep]:
    wanted = _of_networks(wish, slots)
    gone = [address for address in former.addresses_made if address not in wanted]
    missing = [a for a in wanted if (a.interface, a.address) not in seen.addresses]
    left = [a for a in gone if (a.interface, a.address) in seen.addresses]
    if (missing or left) and not seen.is_root:
        raise FormatRefused(
            "only root can add and remove addresses",
            hint="run this as root, or leave `network` of [node] empty",
        )
    for address in left:
        yield FormatStep("drop-address", f"{address.address} {address.interface}")
    for address in missing:
        yield FormatStep("add-address", f"{address.address} {address.interface}")


# ---- files --------------------------------------------------------------------------------------


def resource(slot: Slot, address: Address, folder: Path) -> str:
    """What `.slapos-resource` holds: the partition as instances and their recipes read it."""
    addresses = slot.addresses or (address,)
    document = {
        "reference": slot.name,
        "path": str(folder),
        "address_list": [{"addr": a.address, "netmask": a.netmask} for a in addresses],
        "ipv6_range": {},
        "tap": {"name": addresses[0].interface},
        "user": {"name": slot.user, "path": str(folder)},
        "external_storage_list": [],
        "capability_list": list(slot.capabilities),
    }
    return wire.encode(document).decode() + "\n"


def _resource_steps(
    slots: tuple[Slot, ...], wish: FormatWish, seen: FormatSeen, layout: Layout
) -> Iterator[FormatStep]:
    for slot in slots:
        folder = layout.instance / slot.name
        text = resource(slot, wish.address, folder)
        if seen.resources.get(slot.name) != text:
            yield FormatStep("write-resource", str(folder), slot.user, text)
