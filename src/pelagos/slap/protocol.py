"""What travels between clients, agents and a master: the nouns of `model` as bytes, and back.

Pure, for both sides of the wire. Calls are named by the constants below; each is one segment of
the URL's path. Reads are GET with a query, writes are POST with a form. The documents of
computers, partitions and instances are in `documents`, which this module shows as its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pelagos.core import wire
from pelagos.slap import marshal
from pelagos.slap.documents import (
    decode_computer,
    decode_instance,
    decode_partition,
    encode_computer,
    encode_instance,
    encode_partition,
    merge_parameters,
)
from pelagos.slap.errors import BadRequest, MarshalError
from pelagos.slap.model import (
    Address,
    Cause,
    ComputerFormat,
    InstanceRequest,
    InstanceState,
    InstanceStatus,
    PartitionFormat,
)

__all__ = [
    "access_status",
    "cause_from_text",
    "cause_to_text",
    "decode_computer",
    "decode_format",
    "decode_instance",
    "decode_parameters",
    "decode_partition",
    "decode_request",
    "encode_computer",
    "encode_format",
    "encode_instance",
    "encode_parameters",
    "encode_partition",
    "encode_request",
    "flatten_text",
    "merge_parameters",
    "optional_field",
    "partition_field",
    "text_field",
]

FETCH_COMPUTER = "getFullComputerInformation"
#: Names the run of the agent that asks; ours, and of no other master.
AGENT_HEADER = "X-Pelagos-Agent"
FETCH_COMPUTER_OLD = "getComputerInformation"
FETCH_PARTITION = "registerComputerPartition"
FORMAT_COMPUTER = "loadComputerConfigurationFromXML"
HATEOAS_URL = "getHateoasUrl"
REQUEST = "requestComputerPartition"
SUPPLY = "supplySupply"
RELEASE_BUILDING = "buildingSoftwareRelease"
RELEASE_AVAILABLE = "availableSoftwareRelease"
RELEASE_DESTROYED = "destroyedSoftwareRelease"
RELEASE_ERROR = "softwareReleaseError"
PARTITION_STARTED = "startedComputerPartition"
PARTITION_STOPPED = "stoppedComputerPartition"
PARTITION_DESTROYED = "destroyedComputerPartition"
PARTITION_ERROR = "softwareInstanceError"
PARTITION_BANG = "softwareInstanceBang"
PUBLISH = "setComputerPartitionConnectionXml"

#: Bytes that the parameters of one instance may have, marshalled.
PARAMETERS_LIMIT = 1024 * 1024
#: Characters of a reference, title, software type, computer or partition name.
NAME_LIMIT = 200
#: Characters of a software release's URL.
URL_LIMIT = 2000
#: Characters of a report's text that an access status keeps: its end says most.
STATUS_TEXT_LIMIT = 400

#: Control characters, ends of lines, and what no document can carry.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


# ---- form fields --------------------------------------------------------------------------------


def text_field(form: Mapping[str, Any], name: str, *, limit: int = NAME_LIMIT) -> str:
    """A form field that must be there: one line of text that any document can carry.

    Raises:
        BadRequest: absent, empty, longer than `limit` characters, or with control characters.
    """
    value = optional_field(form, name, limit=limit)
    if value is None:
        raise BadRequest(
            f"the field {name} is missing or empty",
            status=400,
            hint=f"send {name} with the request, as a form field or in the query",
        )
    return value


def optional_field(form: Mapping[str, Any], name: str, *, limit: int = NAME_LIMIT) -> str | None:
    """A form field that may be absent, also as the text "None" that the ancestor's client sends.

    Raises:
        BadRequest: as `text_field`.
    """
    value = _text_of(form, name)
    if not value or value.lower() == "none":
        return None
    if len(value) > limit:
        raise BadRequest(
            f"the field {name} has {len(value):,} characters; at most {limit:,} are taken",
            status=400,
            hint="choose a shorter one",
        )
    if _CONTROL.search(value):
        raise BadRequest(
            f"the field {name} has a control character: {value[:40]!r}",
            status=400,
            hint="leave line ends, tabs and other control characters out",
        )
    return value


def partition_field(form: Mapping[str, str], name: str = "computer_partition_id") -> str:
    """A form field that names a partition; agents make a folder of that name.

    Raises:
        BadRequest: as `text_field`, or a name that is not one plain file name.
    """
    return _partition_name(text_field(form, name))


def _partition_name(value: str) -> str:
    if "/" in value or "\\" in value or value.startswith("."):
        raise BadRequest(
            f"{value!r} cannot be the name of a partition",
            status=400,
            hint="use letters, digits, '-' and '_', e.g. slappart0",
        )
    return value


# ---- parameters and causes ----------------------------------------------------------------------


def encode_parameters(parameters: Mapping[str, Any]) -> str:
    """Parameters as a form field carries them, e.g. partition_parameter_xml."""
    return marshal.dumps(parameters).decode("ascii")


def decode_parameters(
    text: str | bytes, *, limit: int = PARAMETERS_LIMIT, what: str = "the parameters"
) -> dict[str, Any]:
    """Parameters from a form field.

    Args:
        text: the marshalled mapping.
        limit: bytes that are read at the most.
        what: how an error names them.

    Raises:
        MarshalError: not a marshalled mapping with text as keys; says `what`.
    """
    try:
        value = marshal.loads(text, limit=limit)
    except MarshalError as error:
        raise MarshalError(f"{what}: {error}", status=400, hint=error.hint) from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise MarshalError(f"{what}: not a dictionary with text as keys", status=400)
    return value


def flatten_text(value: object) -> str | None:
    """A parameter's value as masters keep it: everything becomes text, and no text becomes None.

    >>> [flatten_text(value) for value in ("x", True, 1.5, [1, 2], None, "")]
    ['x', 'True', '1.5', '[1, 2]', 'None', None]
    """
    return (value if isinstance(value, str) else str(value)) or None


def cause_to_text(cause: Cause) -> str:
    """A cause as the form field `cause` carries it, beside what foreign masters read."""
    return wire.encode(cause).decode()


def cause_from_text(text: str | None) -> Cause | None:
    """The cause in a form field, or None without one.

    Raises:
        BadRequest: not a cause.
    """
    if not text:
        return None
    try:
        return wire.decode(text, Cause, limit=PARAMETERS_LIMIT)
    except wire.WireError as error:
        raise BadRequest(f"the field cause: {error}", status=400) from error


def access_status(status: InstanceStatus, text: str = "") -> str | None:
    """The last report as SLAP text, which tells the ancestor's agent whether to report again.

    Args:
        status: what was seen.
        text: the error; of a long one the end is kept, of control characters only spaces.
    """
    match status:
        case InstanceStatus.WAITING:
            return None
        case InstanceStatus.ERROR:
            plain = _CONTROL.sub(" ", text.strip())
            return f"#error while instanciating: {plain[-STATUS_TEXT_LIMIT:]}"
        case _:
            return f"#access Instance correctly {status}"


# ---- requestComputerPartition -------------------------------------------------------------------


def encode_request(request: InstanceRequest) -> dict[str, str]:
    """The form of a request."""
    form = {
        "software_release": request.release_url,
        "software_type": request.software_type,
        "partition_reference": request.reference,
        "partition_parameter_xml": encode_parameters(request.parameters),
        "filter_xml": encode_parameters(request.filters),
        "shared_xml": marshal.dumps(request.shared).decode("ascii"),
        "state": marshal.dumps(request.state).decode("ascii"),
    }
    if request.requester is not None:
        form["computer_id"], form["computer_partition_id"] = request.requester
    return form


def decode_request(form: Mapping[str, str]) -> InstanceRequest:
    """The request in a form; only software_release and partition_reference must be there.

    Raises:
        BadRequest: a field is missing or says what cannot be; names it.
        MarshalError: a marshalled field cannot be read; names it.
    """
    computer_id = optional_field(form, "computer_id")
    partition_id = optional_field(form, "computer_partition_id")
    if (computer_id is None) != (partition_id is None):
        raise BadRequest(
            "computer_id and computer_partition_id belong together: both or neither",
            status=400,
            hint="send both for a request of an instance, neither for one of a person",
        )
    return InstanceRequest(
        reference=text_field(form, "partition_reference"),
        release_url=text_field(form, "software_release", limit=URL_LIMIT),
        software_type=optional_field(form, "software_type") or "default",
        parameters=_mapping_field(form, "partition_parameter_xml"),
        filters=_mapping_field(form, "filter_xml"),
        shared=_shared_field(form),
        state=_state_field(form),
        requester=(computer_id, partition_id) if computer_id and partition_id else None,
    )


def _mapping_field(form: Mapping[str, str], name: str) -> dict[str, Any]:
    text = form.get(name)
    return decode_parameters(text, what=f"the field {name}") if text else {}


def _scalar_field(form: Mapping[str, str], name: str) -> Any:
    text = form.get(name)
    if not text:
        return None
    try:
        return marshal.loads(text, limit=PARAMETERS_LIMIT)
    except MarshalError as error:
        raise MarshalError(f"the field {name}: {error}", status=400) from error


def _shared_field(form: Mapping[str, str]) -> bool:
    value = _scalar_field(form, "shared_xml")
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadRequest(
        f"the field shared_xml is {value!r}, not a boolean",
        status=400,
        hint="marshal True or False, or leave the field out",
    )


def _state_field(form: Mapping[str, str]) -> InstanceState | None:
    value = _scalar_field(form, "state")
    if value is None:
        return None
    try:
        return InstanceState(value)
    except ValueError as error:
        raise BadRequest(
            f"{value!r} is not a state of an instance",
            status=400,
            hint="use started, stopped or destroyed",
        ) from error


# ---- loadComputerConfigurationFromXML -----------------------------------------------------------


def encode_format(computer: ComputerFormat) -> str:
    """A computer and its partitions as the form field `xml` carries them."""
    document: dict[str, Any] = {
        "reference": computer.computer_id,
        "address": computer.address,
        "netmask": computer.netmask,
        "partition_list": [_encode_slot(partition) for partition in computer.partitions],
    }
    if computer.properties is not None:
        document["properties"] = dict(computer.properties)  # ours
    return encode_parameters(document)


def _encode_slot(partition: PartitionFormat) -> dict[str, Any]:
    tap = partition.addresses[0].interface if partition.addresses else ""
    addresses = []
    for item in partition.addresses:
        entry = {"addr": item.address, "netmask": item.netmask}
        if item.interface != tap:
            entry["interface"] = item.interface  # ours; other masters take the tap's name
        addresses.append(entry)
    slot = {
        "reference": partition.partition_id,
        "address_list": addresses,
        "tap": {"name": tap},
    }
    if partition.capabilities:
        slot["capability_list"] = list(partition.capabilities)
    return slot


def decode_format(text: str | bytes) -> ComputerFormat:
    """The computer in the form field `xml`; keys that no master needs are passed over.

    Raises:
        BadRequest: a name is missing, given twice or impossible; says which.
        MarshalError: the field cannot be read.
    """
    document = decode_parameters(text, limit=marshal.DEFAULT_LIMIT, what="the field xml")
    entries = _typed(document.get("partition_list", []), list, "partition_list")
    partitions = tuple(_decode_slot(_typed(entry, dict, "a partition")) for entry in entries)
    names = [partition.partition_id for partition in partitions]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(
            f"the partition {twice!r} is listed twice",
            status=400,
            hint="give each partition of the computer a name of its own",
        )
    return ComputerFormat(
        computer_id=text_field(document, "reference"),
        partitions=partitions,
        address=_text_of(document, "address"),
        netmask=_text_of(document, "netmask"),
        properties=_decode_properties(document.get("properties")),
    )


def _decode_properties(value: Any) -> dict[str, str] | None:
    """What a computer says of itself; None when it says nothing."""
    if value is None:
        return None
    sent = {str(key): item for key, item in _typed(value, dict, "properties").items()}
    # Numbers become text, as in filters; what is empty is not there.
    flat = {key: flatten_text(item) for key, item in sent.items() if item is not None}
    for key, text in flat.items():
        text_field({"the name of a property": key}, "the name of a property")
        optional_field({key: text}, key)
    return {key: text for key, text in flat.items() if text}


def _capabilities(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    sent = _typed(entry.get("capability_list") or [], list, f"the capability_list of {name}")
    return tuple(text_field({"capability": item}, "capability") for item in sent)


def _decode_slot(entry: Mapping[str, Any]) -> PartitionFormat:
    name = _partition_name(text_field(entry, "reference"))
    tap = entry.get("tap") or {}
    interface = _text_of(_typed(tap, dict, f"the tap of {name}"), "name")
    addresses = _typed(entry.get("address_list", []), list, f"the addresses of {name}")
    return PartitionFormat(
        partition_id=name,
        capabilities=_capabilities(entry, name),
        addresses=tuple(
            Address(
                interface=_text_of(address, "interface") or interface,
                address=text_field(address, "addr"),
                netmask=_text_of(address, "netmask"),
            )
            for address in (_typed(item, dict, f"an address of {name}") for item in addresses)
        ),
    )


def _typed(value: Any, kind: type, what: str) -> Any:
    if isinstance(value, kind):
        return value
    raise BadRequest(
        f"{what} is of the type {type(value).__name__}; {kind.__name__} belongs there", status=400
    )


def _text_of(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return "" if value is None else str(_typed(value, str, f"the field {name}"))
