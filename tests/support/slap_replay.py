"""The recorded exchanges asked anew, of a master of ours: what each answers, as plain trees.

The recordings name instances by ids that their master made up; here the ids of ours stand in
their place, on the way in and out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pelagos.slap import marshal
from pelagos.slap.instance_xml import xml_parameters
from pelagos.slap.marshal import MarshalObject
from pelagos.slap.model import Address, ComputerFormat, PartitionFormat
from support.slap_samples import Sample
from support.slap_site import ADMIN, Site
from support.wsgi import Caller

COMPUTER = "local_computer"

#: Attributes, parameters and fields that only one master has, or makes up itself; see the page
#: on SlapOS for what ours has beside the others.
OWN = frozenset(
    {
        "_access_status", "_filter_dict", "_software_instance_list", "_unheard_since",
        "access_status_message", "connection_xml", "full_address_list", "full_ip_list",
        "processing_timestamp", "root_instance_short_title", "slap_server_url",
        "slave_reference", "slave_title", "timestamp",
    }
)  # fmt: skip
#: Of the answer to a request: what only the production master and ours have there.
_IN_A_REQUEST = frozenset({"instance_title", "root_instance_title", "slave_instance_list"})
#: Of HATEOAS: what a row or form has beside what programs read.
_IN_HATEOAS = frozenset(
    {
        "address", "computer_reference", "form_id", "key", "my_news", "my_title", "netmask",
        "partition_reference", "portal_type", "reference", "relative_url", "requested_by",
        "requested_state", "requester_id", "self", "slap_state", "slave_instance_list",
        "software_release", "software_type", "xml",
    }
)  # fmt: skip
_GUID = re.compile(r"(?P<title>.*)___(?P<root>.*)___(?P<shared>[01])")


class Replay:
    """A master that is asked what another was asked."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._caller = Caller(site.master.app, site.person_token)

    def format(self, count: int) -> None:
        """Give the computer that many partitions."""
        slots = tuple(
            PartitionFormat(f"slappart{number}", (Address("lo", "127.0.0.1", "255.255.255.255"),))
            for number in range(count)
        )
        self._site.service.format_computer(ComputerFormat(COMPUTER, slots), ADMIN)

    def ask(self, recorded: Sample) -> tuple[int, Any]:
        """Status and answer to a recorded request."""
        headers = {}
        hint = recorded.headers.get("authorization", "")
        if hint.startswith("X-SlapPartition"):
            headers["X-SlapPartition"] = hint.partition(" ")[2]
        fields = {name: self._ours(value) for name, value in recorded.fields.items()}
        if recorded.headers.get("content-type") == "application/json":
            sent = json.loads(recorded.sent)
            sent = {name: self._ours(value) for name, value in sent.items()}
            answer = self._caller.ask(recorded.method, recorded.call, headers=headers, json=sent)
        elif recorded.method == "POST":
            answer = self._caller.ask("POST", recorded.call, headers=headers, data=fields)
        else:
            call = self._path(recorded.call)
            answer = self._caller.ask("GET", call, headers=headers, query_string=fields)
        return answer.status_code, answer.data

    def _ours(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("/hateoas/"):
            return self._path(value.removeprefix("/")).removeprefix("hateoas/")
        named = re.fullmatch(r"_(sl\d)", value)
        if named:
            return named[1]
        guid = _GUID.fullmatch(value)
        if guid:
            return self._guid(guid["title"])
        return re.sub(
            f"{COMPUTER}-(slappart\\d)",
            lambda match: self._site.service.instance_in(COMPUTER, match[1], ADMIN).guid,
            value,
        )

    def _path(self, path: str) -> str:
        kind, _, name = path.removeprefix("hateoas/").partition("/")
        if kind == "computers":
            return f"hateoas/compute_node_module/{name}"
        if kind in ("partitions", "shared"):
            return f"hateoas/instance_tree_module/{self._guid(name)}"
        return path

    def _guid(self, title: str) -> str:
        return self._site.service.service(title).guid


def shown(body: bytes) -> Any:
    """An answer as a tree without what a master makes up; text for people is left out."""
    if body.startswith(b'{"error":'):
        return None
    if body.startswith(b"<marshal"):
        return plain(marshal.loads(body))
    if body.startswith((b'{"_embedded"', b'{"_links"')):
        return plain(json.loads(body), OWN | _IN_HATEOAS)
    return plain(json.loads(body)) if body.startswith(b"{") else None


def plain(value: Any, own: frozenset[str] = OWN) -> Any:  # noqa: C901, PLR0911, PLR0912  # by kind
    """A value as plain data, without what is a master's own."""
    match value:
        case MarshalObject():
            attributes = dict(value.attributes)
            if attributes.get("_software_release_document", ...) is None:
                attributes.pop("_instance_guid", None)  # of a free partition: one has it
            if value.class_name == "SoftwareInstance":
                own = own | _IN_A_REQUEST
            return {"class": value.class_name, **plain(attributes, own)}
        case {"type": "success", "title": str()}:
            return {"type": "success"}
        case {"type": str() as kind, "title": str(), "status": status}:
            return {"type": kind, "status": status}
        case Mapping():
            return {
                str(key): plain(item, own)
                for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
                if key not in own
            }
        case [{"title": str()}, *_]:  # in any order
            return sorted((plain(item, own) for item in value), key=lambda item: item["title"])
        case list() | tuple():
            return [plain(item, own) for item in value]
        case str():
            return _text(value)
    return value


def _text(value: str) -> Any:
    if value.startswith(("SOFTINST-", f"{COMPUTER}-slappart")) or _GUID.fullmatch(value):
        return "a guid"
    if value.startswith("<?xml"):
        return xml_parameters(value)
    return re.sub(r"http://[^/]+/hateoas/", "http://host/hateoas/", value)
