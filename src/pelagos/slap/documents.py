"""Computers, partitions and instances as marshalled documents, and back.

Written directly as text, because an agent's fetch of a whole computer is what a master does most.
The attributes are those of the production master; what the stand-alone proxy leaves out or names
otherwise is read as well. Pure; part of `protocol`, which is the place to import from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from pelagos.slap import marshal
from pelagos.slap.errors import MarshalError
from pelagos.slap.marshal import MarshalObject, Writer, escape
from pelagos.slap.model import (
    Address,
    Computer,
    Instance,
    InstanceState,
    Partition,
    Release,
    SupplyState,
)

#: Bytes of an answer that are read: a computer with ten thousand busy partitions fits.
ANSWER_LIMIT = 64 * 1024 * 1024

#: Keys of a partition's `_parameter_dict` that are not the requester's, and win over his.
RESERVED = frozenset(
    {
        "full_address_list",
        "full_ip_list",
        "instance_title",
        "ip_list",
        "root_instance_short_title",
        "root_instance_title",
        "slap_computer_id",
        "slap_computer_partition_id",
        "slap_software_release_url",
        "slap_software_type",
        "slave_instance_list",
        "timestamp",
    }
)

_MICROSECOND = Decimal("0.000001")
_COMPUTER = f'" module="{marshal.MODULE}" class="Computer">'
_PARTITION = f'" module="{marshal.MODULE}" class="ComputerPartition">'
_RELEASE = f'" module="{marshal.MODULE}" class="SoftwareRelease">'


# ---- writing ------------------------------------------------------------------------------------


def encode_computer(computer: Computer) -> bytes:
    """The answer to getFullComputerInformation."""
    writer = Writer()
    writer.next_id = 5
    name = f"<string>{escape(computer.computer_id)}</string>"
    partitions = "".join([_write_partition(writer, slot) for slot in computer.partitions])
    partition_list = f">{partitions}</list>" if partitions else "/>"
    mark = _take(writer)
    releases = "".join([_write_release(writer, release) for release in computer.releases])
    release_list = f">{releases}</list>" if releases else "/>"
    return (
        f'<marshal><object id="i2{_COMPUTER}<tuple>{name}</tuple>'
        f'<dictionary id="i3"><string>_computer_id</string>{name}'
        f'<string>_computer_partition_list</string><list id="i4"{partition_list}'
        f'<string>_software_release_list</string><list id="i{mark}"{release_list}'
        "</dictionary></object></marshal>"
    ).encode("ascii")


def encode_partition(partition: Partition) -> bytes:
    """The answer to registerComputerPartition; netmasks and a free slot's addresses stay out."""
    return f"<marshal>{_write_partition(Writer(), partition)}</marshal>".encode("ascii")


def encode_instance(instance: Instance) -> bytes:
    """The answer to requestComputerPartition, complete also for a shared instance."""
    return marshal.dumps(
        MarshalObject(
            "SoftwareInstance",
            (),
            {
                "_connection_dict": dict(instance.connection),
                "_filter_dict": dict(instance.filters),
                "_instance_guid": instance.guid,
                "_parameter_dict": dict(instance.parameters),
                "_requested_state": str(instance.requested_state),
                "full_ip_list": [],
                "instance_title": instance.title,
                "ip_list": _ip_list(instance.addresses),
                "root_instance_short_title": "",
                "root_instance_title": instance.root_title,
                "slap_computer_id": instance.computer_id,
                "slap_computer_partition_id": instance.partition_id,
                "slap_software_release_url": instance.release_url,
                "slap_software_type": instance.software_type,
                "slave_instance_list": [dict(shared) for shared in instance.shared_instances],
                "timestamp": instance.timestamp,
            },
        )
    )


def _take(writer: Writer) -> int:
    number = writer.next_id
    writer.next_id = number + 1
    return number


def _ip_list(addresses: Iterable[Address]) -> list[tuple[str, str]]:
    return [(item.interface, item.address) for item in addresses]


def _write_partition(writer: Writer, slot: Partition) -> str:
    clean = _cleaner(slot)
    mark = writer.next_id
    writer.next_id = mark + 2
    computer, name = clean(slot.computer_id), clean(slot.partition_id)
    guid = status = content = parameters = ""
    release = "<none/>"
    if slot.access_status is not None:
        status = f"<string>_access_status</string><string>{clean(slot.access_status)}</string>"
    if slot.instance_guid is not None:
        guid = f"<string>_instance_guid</string><string>{clean(slot.instance_guid)}</string>"
    if slot.release_url is not None:
        connection = _write_mapping(writer, slot.connection, clean)
        filters = _write_mapping(writer, slot.filters, clean)
        content = (
            f"<string>_connection_dict</string>{connection}<string>_filter_dict</string>{filters}"
        )
        merged = _write_mapping(writer, _merge(slot), clean)
        parameters = f"<string>_parameter_dict</string>{merged}"
        release = _write_document(writer, slot.release_url, slot.computer_id)
    return (
        f'<object id="i{mark}{_PARTITION}'
        f"<tuple><string>{computer}</string><string>{name}</string><none/></tuple>"
        f'<dictionary id="i{mark + 1}">{status}'
        f"<string>_computer_id</string><string>{computer}</string>{content}{guid}"
        f"<string>_need_modification</string><int>{slot.release_url is not None:d}</int>"
        f"{parameters}<string>_partition_id</string><string>{name}</string>"
        "<string>_request_dict</string><none/><string>_requested_state</string>"
        f"<string>{clean(slot.requested_state)}</string>"
        f"<string>_software_release_document</string>{release}</dictionary></object>"
    )


def _cleaner(slot: Partition) -> Callable[[str], str]:
    """What makes a text of this partition fit for a document: nothing, nearly always.

    One look at all texts together is much cheaper than one at each.
    """
    named = (slot.computer_id, slot.partition_id, slot.requested_state, slot.software_type)
    titles = (slot.instance_title, slot.root_instance_title)
    maybe = (slot.release_url or "", slot.instance_guid or "", slot.access_status or "")
    texts = [*named, *titles, *maybe]
    for mapping in (slot.parameters, slot.connection, slot.filters):
        if mapping:
            texts += mapping
            texts += [value for value in mapping.values() if type(value) is str]
    for item in slot.addresses:
        texts.append(item.interface)
        texts.append(item.address)
    return escape if marshal.needs_care("".join(texts)) else str


class _Listing(tuple[Any, ...]):
    """Addresses, or shared instances, that become a list of the document."""

    __slots__ = ()


def _merge(slot: Partition) -> dict[str, Any]:
    """The parameters with the reserved keys that SLAP mixes among them."""
    merged = {
        **slot.parameters,
        "full_ip_list": _Listing(),
        "instance_title": slot.instance_title,
        "ip_list": _Listing(slot.addresses),
        "root_instance_short_title": "",
        "root_instance_title": slot.root_instance_title,
        "slap_computer_id": slot.computer_id,
        "slap_computer_partition_id": slot.partition_id,
        "slap_software_release_url": slot.release_url,
        "slap_software_type": slot.software_type,
        "slave_instance_list": _Listing(slot.shared_instances),
        "timestamp": slot.timestamp,
    }
    merged.pop("full_address_list", None)
    if slot.timestamp is None:
        del merged["timestamp"]
    return merged


def merge_parameters(slot: Partition) -> dict[str, Any]:
    """A busy partition's parameters as old programs see them: with the reserved keys."""
    merged = _merge(slot)
    merged["full_ip_list"] = []
    merged["ip_list"] = _ip_list(slot.addresses)
    merged["slave_instance_list"] = [dict(shared) for shared in slot.shared_instances]
    return merged


def _write_mapping(writer: Writer, mapping: Mapping[str, Any], clean: Callable[[str], str]) -> str:
    mark = _take(writer)
    if not mapping:
        return f'<dictionary id="i{mark}"/>'
    parts = [f'<dictionary id="i{mark}">']
    for key in sorted(mapping):
        value = mapping[key]
        if type(value) is str:
            text = f"<string>{clean(value)}</string>"
        elif type(value) is _Listing:
            text = _write_list(writer, value, clean)
        else:
            text = writer.write(value)
        parts.append(f"<string>{clean(key)}</string>{text}")
    parts.append("</dictionary>")
    return "".join(parts)


def _write_list(writer: Writer, values: _Listing, clean: Callable[[str], str]) -> str:
    mark = _take(writer)
    inside = "".join(
        [
            f"<tuple><string>{clean(value.interface)}</string>"
            f"<string>{clean(value.address)}</string></tuple>"
            if type(value) is Address
            else writer.write(dict(value))
            for value in values
        ]
    )
    return f'<list id="i{mark}">{inside}</list>' if inside else f'<list id="i{mark}"/>'


def _write_document(
    writer: Writer, url: str, computer_id: str, state: str = "", unheard: str = ""
) -> str:
    mark = writer.next_id
    writer.next_id = mark + 3
    computer, release = escape(computer_id), escape(url)
    return (
        f'<object id="i{mark}{_RELEASE}'
        f"<tuple><string>{release}</string><string>{computer}</string></tuple>"
        f'<dictionary id="i{mark + 1}"><string>_computer_guid</string><string>{computer}</string>'
        f'{state}<string>_software_instance_list</string><list id="i{mark + 2}"/>'
        f"<string>_software_release</string><string>{release}</string>{unheard}"
        "</dictionary></object>"
    )


def _write_release(writer: Writer, release: Release) -> str:
    state = f"<string>_requested_state</string><string>{release.requested_state}</string>"
    unheard = ""
    if release.unheard_since is not None:  # ours alone: other agents do not look for it
        unheard = f"<string>_unheard_since</string><int>{release.unheard_since}</int>"
    return _write_document(writer, release.url, release.computer_id, state, unheard)


# ---- reading ------------------------------------------------------------------------------------


def decode_computer(data: bytes) -> Computer:
    """The computer in an answer to getFullComputerInformation.

    Raises:
        MarshalError: not such a document.
    """
    fields = _fields(marshal.loads(data, limit=ANSWER_LIMIT), "Computer", ("_computer_id",))
    computer_id = _get(fields, "_computer_id", str, "")
    return Computer(
        computer_id=computer_id,
        partitions=tuple(map(_read_partition, _get(fields, "_computer_partition_list", list, []))),
        releases=tuple(
            _read_release(release, computer_id)
            for release in _get(fields, "_software_release_list", list, [])
        ),
    )


def decode_partition(data: bytes) -> Partition:
    """The partition in an answer to registerComputerPartition.

    Raises:
        MarshalError: not such a document.
    """
    return _read_partition(marshal.loads(data, limit=ANSWER_LIMIT))


def decode_instance(data: bytes) -> Instance:
    """The instance in an answer to requestComputerPartition.

    Raises:
        MarshalError: not such a document.
    """
    fields = _fields(marshal.loads(data, limit=ANSWER_LIMIT), "SoftwareInstance", ())
    parameters = dict(_get(fields, "_parameter_dict", dict, {}))
    inner = parameters.pop("timestamp", None)  # where the proxy puts it
    state = _get(fields, "_requested_state", str, InstanceState.STARTED)
    if state not in set(InstanceState):
        raise MarshalError(
            f"the answer has an instance in the state {state!r}, which SLAP does not know"
        )
    return Instance(
        guid=_get(fields, "_instance_guid", str, ""),
        title=_get(fields, "instance_title", str, ""),
        root_title=_get(fields, "root_instance_title", str, ""),
        computer_id=_get(fields, "slap_computer_id", str, ""),
        partition_id=_get(fields, "slap_computer_partition_id", str, ""),
        release_url=_get(fields, "slap_software_release_url", str, ""),
        software_type=_get(fields, "slap_software_type", str, ""),
        requested_state=InstanceState(state),
        parameters=parameters,
        connection=_get(fields, "_connection_dict", dict, {}),
        filters=_get(fields, "_filter_dict", dict, {}),
        addresses=_read_addresses(fields),
        shared_instances=_read_shared(fields),
        timestamp=_microseconds(fields.get("timestamp", inner)) or 0,
    )


def _fields(value: Any, class_name: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of an object, under those that its constructor was given."""
    if not isinstance(value, MarshalObject) or value.class_name != class_name:
        kind = value.class_name if isinstance(value, MarshalObject) else type(value).__name__
        raise MarshalError(f"the answer holds a {kind} where a {class_name} belongs")
    return {**dict(zip(names, value.args, strict=False)), **value.attributes}


def _get(fields: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise MarshalError(
            f"the answer's {name} is of the type {type(value).__name__}, not {kind.__name__}"
        )
    return value


def _read_partition(value: Any) -> Partition:
    fields = _fields(value, "ComputerPartition", ("_computer_id", "_partition_id"))
    merged = _get(fields, "_parameter_dict", dict, {})
    document = fields.get("_software_release_document")
    computer_id = _get(fields, "_computer_id", str, "")
    return Partition(
        computer_id=computer_id,
        partition_id=_get(fields, "_partition_id", str, ""),
        requested_state=_get(fields, "_requested_state", str, InstanceState.DESTROYED.value),
        release_url=None if document is None else _read_release(document, computer_id).url,
        instance_guid=_get(fields, "_instance_guid", str, None),
        instance_title=_get(merged, "instance_title", str, ""),
        root_instance_title=_get(merged, "root_instance_title", str, ""),
        software_type=_get(merged, "slap_software_type", str, ""),
        parameters={key: item for key, item in merged.items() if key not in RESERVED},
        connection=_get(fields, "_connection_dict", dict, {}),
        filters=_get(fields, "_filter_dict", dict, {}),
        addresses=_read_addresses(merged),
        shared_instances=_read_shared(merged),
        timestamp=_microseconds(merged.get("timestamp")),
        access_status=_get(fields, "_access_status", str, None),
    )


def _read_release(value: Any, computer_id: str) -> Release:
    fields = _fields(value, "SoftwareRelease", ("_software_release", "_computer_guid"))
    state = _get(fields, "_requested_state", str, SupplyState.AVAILABLE)
    if state not in set(SupplyState):
        raise MarshalError(
            f"the answer has a release in the state {state!r}, which SLAP does not know"
        )
    return Release(
        url=_get(fields, "_software_release", str, ""),
        computer_id=_get(fields, "_computer_guid", str, computer_id),
        requested_state=SupplyState(state),
        unheard_since=_get(fields, "_unheard_since", int, None),
    )


def _read_addresses(fields: Mapping[str, Any]) -> tuple[Address, ...]:
    found = []
    for item in _get(fields, "ip_list", list, []):
        match item:
            case (str() as interface, str() as address, *_):
                found.append(Address(interface, address))
            case _:
                raise MarshalError(
                    f"the answer's ip_list holds {str(item)[:80]!r}, not an address"
                )
    return tuple(found)


def _read_shared(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    entries = _get(fields, "slave_instance_list", list, [])
    if not all(isinstance(entry, dict) for entry in entries):
        raise MarshalError("the answer's slave_instance_list holds what is not a dictionary")
    return tuple(entries)


def _microseconds(value: Any) -> int | None:
    """A timestamp of either master: an integer is microseconds, text is seconds."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        return int(Decimal(str(value)).quantize(_MICROSECOND, ROUND_DOWN) * 1_000_000)
    except InvalidOperation as error:  # no number, or one that no clock shows
        raise MarshalError(f"the answer's timestamp is {str(value)[:40]!r}") from error
