"""Who serves a shared instance: reads what could, and lets `allocate` choose."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.slap.master import causes, visibility
from pelagos.slap.master.allocate import Host, choose_host, refuse_filters
from pelagos.slap.master.store import NewInstance, Reader, StoredComputer, StoredInstance
from pelagos.slap.model import Cause


def find_host(
    reader: Reader, shared: StoredInstance | NewInstance, now: float
) -> StoredInstance | Cause:
    """The instance that shall serve a shared one, or why there is none.

    The cause is `no-shared-host` when nothing that was requested could ever serve it.
    """
    operators = reader.operators()
    known = {item.computer_id: item for item in reader.computers()} if shared.filters else {}
    own_keys = {key for item in known.values() for key in item.properties}
    refused = refuse_filters(shared.filters, now, own_keys, shared=True)
    if refused is not None:
        return refused
    found = {
        item.key: item
        for item in reader.hosts(shared.release_url, shared.software_type)
        if _may_serve(item, shared.owner, operators)
    }
    missed: Cause | None = None
    if found:
        hosts = [_host(reader, item, known) for item in found.values()]
        chosen = choose_host(shared.filters, hosts, now)
        if isinstance(chosen, Host):
            return found[chosen.key]
        missed = chosen
    if missed is None or "instance_guid" in shared.filters:
        for item in hosts_to_be(reader, shared):
            # The owner of the shared instance reads this, who may not be the host's.
            title = item.title if item.owner == shared.owner else None
            return causes.waiting_for_host(shared.title, title, now)
    return missed or causes.no_shared_host(
        f"no instance of {shared.release_url} (type {shared.software_type}) is there to serve "
        "this shared instance",
        now,
        url=shared.release_url,
    )


def hosts_to_be(reader: Reader, shared: StoredInstance | NewInstance) -> list[StoredInstance]:
    """Instances that could serve a shared one as soon as they have a place."""
    operators, guid = reader.operators(), shared.filters.get("instance_guid")
    return [
        item
        for item in reader.hosts_to_be(shared.release_url, shared.software_type)
        if _may_serve(item, shared.owner, operators) and guid in (None, item.guid)
    ]


def _may_serve(item: StoredInstance, owner: str, operators: frozenset[str]) -> bool:
    served = visibility.may_be_served(owner, item, operators)
    return served and not item.is_destroying and not item.shared


def _host(reader: Reader, item: StoredInstance, known: Mapping[str, StoredComputer]) -> Host:
    computer_id = item.computer_id or ""
    computer = known.get(computer_id) or reader.computer(computer_id)
    return Host(
        item.key,
        item.guid,
        computer_id,
        len(reader.shared_of_host(item.key)),
        computer is not None and computer.draining,
        {} if computer is None else computer.properties,
    )
