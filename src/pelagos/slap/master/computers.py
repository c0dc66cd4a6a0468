"""Computers: their announcement, what their agents are told, their signs of life, their usage."""

from __future__ import annotations

import gzip
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pelagos.slap import marshal, protocol
from pelagos.slap.errors import MarshalError
from pelagos.slap.master import causes, explain
from pelagos.slap.master.auth import Identity, Kind
from pelagos.slap.master.desk import Change, Desk, UseCases
from pelagos.slap.master.errors import StoreError
from pelagos.slap.master.finding import check_changeable, seated, unknown_computer
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.store import (
    Reader,
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredSupply,
)
from pelagos.slap.master.visibility import scope
from pelagos.slap.model import (
    Computer,
    ComputerFormat,
    InstanceState,
    Partition,
    Release,
    ReleaseStatus,
)

log = logging.getLogger(__name__)

#: Below this many bytes compressing an answer gains nothing.
_WORTH_COMPRESSING = 1400


@dataclass(frozen=True)
class Snapshot:
    """A whole computer as bytes, ready to be sent.

    Attributes:
        revision: of the computer when this was made.
        etag: changes with the bytes, and only then; unique over databases.
        body: the marshalled Computer.
    """

    revision: int
    etag: str
    body: bytes

    @cached_property
    def compressed(self) -> bytes | None:
        """The same in gzip, None when that gains nothing; made for the first who reads it."""
        if len(self.body) < _WORTH_COMPRESSING:
            return None
        return gzip.compress(self.body, compresslevel=4, mtime=0)

    @property
    def size(self) -> int:
        """Bytes in memory, about: the compressed body is a tenth of the other."""
        return len(self.body)


class Computers(UseCases):
    """What agents announce and fetch."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._snapshot_bytes = 0
        self._making = threading.Lock()
        self._mended: set[str] = set()  # said so in the log

    # ---- the announcement --------------------------------------------------------------------

    def format_computer(self, announced: ComputerFormat, identity: Identity) -> None:
        """Take a computer's partitions and addresses as its agent announces them.

        A person's announcement creates the computer. Partitions that are gone are no longer
        offered; an instance that sits in one stays until it is destroyed.

        Raises:
            NotFoundError: the computer is unknown, and its agent cannot make it known.
        """
        with self._desk.change(identity) as change:
            check_changeable(change.store, announced.computer_id, change.scope)
            computer = change.store.computer(announced.computer_id)
            if computer is None:
                if identity.kind is not Kind.PERSON:
                    raise unknown_computer(announced.computer_id)
                change.store.add_computer(announced.computer_id, change.now)
                computer = change.store.computer(announced.computer_id)
            if computer is None:  # cannot be: it was just added
                raise unknown_computer(announced.computer_id)
            change.store.set_address(computer.key, announced)
            self._take_properties(change, computer, announced)
            stored = change.store.partitions(computer.key)
            if not _is_announced(stored, announced):
                names = {item.partition_id for item in announced.partitions}
                gone = [item.key for item in stored if item.partition_id not in names]
                change.store.withdraw_partitions(gone)
                known = {item.partition_id: item for item in stored}
                for position, item in enumerate(announced.partitions):
                    former = known.get(item.partition_id)
                    change.store.put_partition(
                        computer.key, position, item, is_known=former is not None
                    )
                change.store.recount(computer.key)
                change.bump(computer.key)
                said = f"announced {len(names)} partitions"
                change.record(
                    "computer.formatted",
                    computer.computer_id,
                    computer.computer_id,
                    causes.plain("ok", said, change.now),
                    where=computer.computer_id,
                )
            change.store.note_seen({computer.computer_id: change.now})
            place_waiting(self._desk, change)

    def _take_properties(
        self, change: Change, computer: StoredComputer, announced: ComputerFormat
    ) -> None:
        """Keep what a computer says of itself; what it does not speak of stays."""
        if announced.properties is None or announced.properties == computer.properties:
            return
        change.store.update_computer(computer.key, properties=dict(announced.properties))
        names = ", ".join(f"{key}={value}" for key, value in sorted(announced.properties.items()))
        said = causes.plain("ok", f"announced {causes.one_line(names) or 'nothing'}", change.now)
        change.record(
            "computer.described",
            computer.computer_id,
            computer.computer_id,
            said,
            where=computer.computer_id,
        )

    def is_of_site(self, computer_id: str) -> bool:
        """Whether a computer belongs to the site, and not to a tenant."""
        with self._desk.store.read() as reader:
            computer = reader.computer(computer_id)
        return computer is not None and not computer.owner

    def seen(self, computer_id: str) -> None:
        """Take a sign of life of a computer's agent; never fails the call that brought it."""
        presence, now = self._desk.presence, self._now()
        settings = self._desk.settings
        if not presence.note(computer_id, now, settings.seen_interval, settings.silent_after):
            return
        seen = presence.unwritten(computer_id, now)
        try:
            with self._desk.change(None) as change:
                computer = change.store.computer(computer_id)
                if computer is None:
                    return
                change.store.note_seen(seen)
                silent_after = self._desk.settings.silent_after
                if explain.is_silent(computer.last_seen, now, silent_after):
                    back = causes.plain("ok", f"the agent of {computer_id} called", now)
                    change.record(
                        "computer.seen", computer_id, computer_id, back, where=computer_id
                    )
                    place_waiting(self._desk, change)
            presence.wrote(seen)
        except StoreError as error:
            log.warning("cannot keep the last sign of life of %s: %s", computer_id, error)
            presence.wrote({computer_id: now})  # in memory it is; do not try again at each call

    # ---- what an agent is told ---------------------------------------------------------------

    def full_computer(self, computer_id: str, identity: Identity | None = None) -> Snapshot:
        """The whole computer for its agent; made once for each revision.

        Raises:
            NotFoundError: the computer is unknown.
            Unauthorized: the identity may not read the wishes of all who sit there.
        """
        self._check_changeable(computer_id, identity)
        revision = self._desk.store.revision(computer_id)
        known = self._snapshots.get(computer_id)
        if known is not None and known.revision == revision:
            return known
        if revision is None:
            raise unknown_computer(computer_id)
        with self._making:  # one thread makes it, the others find it made
            known = self._snapshots.get(computer_id)
            if known is None or known.revision < revision:
                known = self._make_snapshot(computer_id)
                self._keep(computer_id, known)
            return known

    def own_computer(self, computer_id: str, partition_id: str) -> bytes:
        """The computer as one of its instances sees it: its own partition alone.

        Raises:
            NotFoundError: there is no such partition.
        """
        own = self.partition(computer_id, partition_id)
        return protocol.encode_computer(Computer(computer_id, (own,)))

    def partition(
        self, computer_id: str, partition_id: str, identity: Identity | None = None
    ) -> Partition:
        """One partition.

        Raises:
            NotFoundError: there is no such partition, or another's instance is in it.
        """
        with self._desk.store.read() as reader:
            instance = seated(reader, computer_id, partition_id, scope(identity))
            slot = reader.partition(computer_id, partition_id)
            if instance is None or slot is None:
                return Partition(
                    computer_id, partition_id, addresses=() if slot is None else slot.addresses
                )
            return marshal.speakable(_busy(instance, reader.shared_of_host(instance.key)))

    def _make_snapshot(self, computer_id: str) -> Snapshot:
        with self._desk.store.read() as reader:
            stored = reader.computer(computer_id)
            if stored is None:
                raise unknown_computer(computer_id)
            content = _content(reader, stored.key, computer_id)
        return Snapshot(
            revision=stored.revision,
            etag=f'W/"{self._desk.store.name}-{stored.key}-{stored.revision}"',
            body=self._encode(content),
        )

    def _encode(self, content: Computer) -> bytes:
        """The document of a computer, whatever is stored: no value may cost all the others."""
        try:
            return protocol.encode_computer(content)
        except MarshalError as error:
            if content.computer_id not in self._mended:
                self._mended.add(content.computer_id)
                log.warning(
                    "what is stored of %s cannot be sent as it is; U+FFFD stands in its place: %s",
                    content.computer_id,
                    error,
                )
            return protocol.encode_computer(marshal.speakable(content))

    def _keep(self, computer_id: str, snapshot: Snapshot) -> None:
        former = self._snapshots.pop(computer_id, None)
        self._snapshots[computer_id] = snapshot
        self._snapshot_bytes += snapshot.size - (former.size if former else 0)
        while self._snapshot_bytes > self._desk.settings.snapshot_bytes and self._snapshots:
            _, dropped = self._snapshots.popitem(last=False)
            self._snapshot_bytes -= dropped.size


def shared_entries(shared: Sequence[StoredInstance]) -> tuple[Mapping[str, Any], ...]:
    """Shared instances as their host is told of them: the started ones.

    With their parameters comes what was published for them already; of two of a name the host
    sees the parameter, which is the wish.
    """
    return tuple(
        {
            **item.connection,
            **item.parameters,
            "slave_reference": item.guid,
            "slave_title": item.title,
            "slap_software_type": item.software_type,
            "timestamp": item.timestamp,
        }
        for item in shared
        if item.requested_state is InstanceState.STARTED
    )


def _content(reader: Reader, computer_key: int, computer_id: str) -> Computer:
    seats = {item.partition_key: item for item in reader.instances_of_computer(computer_key)}
    served: dict[int | None, list[StoredInstance]] = {}
    for item in reader.shared_of_computer(computer_key):
        served.setdefault(item.host_key, []).append(item)
    partitions = []
    for slot in reader.partitions(computer_key):
        instance = seats.get(slot.key)
        if instance is not None:
            partitions.append(_busy(instance, served.get(instance.key, ())))
        elif slot.offered:
            partitions.append(Partition(computer_id, slot.partition_id, addresses=slot.addresses))
    releases = tuple(
        Release(supply.url, computer_id, supply.requested_state, _unheard_since(supply))
        for supply in reader.supplies_of_computer(computer_key)
    )
    return Computer(computer_id, tuple(partitions), releases)


def _unheard_since(supply: StoredSupply) -> int | None:
    """When a supply began anew, in microseconds, while its agent has said nothing of it."""
    if supply.status is not ReleaseStatus.REQUESTED:
        return None
    return int(supply.cause.since * 1e6)


def _busy(instance: StoredInstance, shared: Sequence[StoredInstance]) -> Partition:
    return Partition(
        computer_id=instance.computer_id or "",
        partition_id=instance.partition_id or "",
        requested_state=instance.requested_state,
        release_url=instance.release_url,
        instance_guid=instance.guid,
        instance_title=instance.title,
        root_instance_title=instance.root_title,
        software_type=instance.software_type,
        parameters=instance.parameters,
        connection=instance.connection,
        filters=instance.filters,
        addresses=instance.addresses,
        shared_instances=shared_entries(shared),
        timestamp=instance.timestamp,
        access_status=access_status(instance),
    )


def access_status(instance: StoredInstance) -> str | None:
    """The last report of an instance as SLAP text."""
    return protocol.access_status(instance.status, instance.cause.message)


def _is_announced(stored: Sequence[StoredPartition], announced: ComputerFormat) -> bool:
    """Whether the partitions are as announced already."""
    offered = [
        (item.partition_id, item.addresses, item.capabilities) for item in stored if item.offered
    ]
    return offered == [
        (item.partition_id, item.addresses, item.capabilities) for item in announced.partitions
    ]
