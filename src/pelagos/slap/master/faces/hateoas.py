"""The HATEOAS interface, as far as SlapOS' programs use it: the root, searches, documents, tokens.

Its links are absolute and start with the address that the caller used, see `caller.own_url`.
What it shows is what the caller may see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.core import wire
from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.instance_xml import parameters_xml
from pelagos.slap.master.auth import Identity, Kind
from pelagos.slap.master.faces.call import JSON, Answer, Call, Route
from pelagos.slap.master.faces.caller import rest_url
from pelagos.slap.master.service import Service
from pelagos.slap.master.store import StoredComputer, StoredInstance

Row = dict[str, Any]

_TREES = "instance_tree_module"
_INSTANCES = "software_instance_module"
_COMPUTERS = "compute_node_module"
_TOKEN = "Base_getComputerToken"  # noqa: S105  # the name of a call
_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}

#: A search is a conjunction: NAME:VALUE, NAME:="VALUE", NAME:("VALUE", "VALUE").
_TERM = re.compile(
    r"""\s*(?P<name>\w+):(?P<exact>=?)
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|\((?P<several>[^)]*)\)|(?P<word>[^\s"()]+))\s*""",
    re.VERBOSE,
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_AND = re.compile(r"\s*AND\s", re.IGNORECASE)


class HateoasFace:
    """One method per kind of address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._searches: Mapping[
            frozenset[str], tuple[frozenset[str], Callable[[Terms, Call], list[Row]]]
        ] = {
            frozenset({"Instance Tree"}): (frozenset({"title"}), self._trees),
            frozenset({"Compute Node"}): (frozenset({"title", "reference"}), self._computers),
            frozenset({"Software Instance", "Slave Instance"}): (
                frozenset({"default_specialise_title"}),
                self._instances,
            ),
            frozenset({"Software Installation"}): (
                frozenset({"default_aggregate_reference"}),
                self._installations,
            ),
        }

    def routes(self) -> list[Route]:
        """Where each address is answered."""
        return [
            Route("hateoas", "GET", "/hateoas", self.answer),
            Route("hateoas", "GET", "/hateoas/", self.answer),
            Route(_TOKEN, "GET", f"/hateoas/computer_module/{_TOKEN}", self.computer_token),
            Route("hateoas", "GET", "/hateoas/<path:relative_url>", self.document),
        ]

    def answer(self, call: Call) -> Answer:
        """The root, or what its links ask for with `mode`."""
        match call.fields.get("mode", ""):
            case "" | "root":
                return _json(self._root(call))
            case "search":
                return _json({"_embedded": {"contents": self._search(call)}})
            case "traverse":
                return self.document(call)
            case mode:
                raise BadRequest(
                    f"{mode[:40]!r} is not a mode", status=400, hint="use search or traverse"
                )

    def document(self, call: Call) -> Answer:
        """An instance, a tree or a computer by its relative address."""
        address = protocol.text_field(call.fields, "relative_url", limit=protocol.URL_LIMIT)
        module, _, name = address.strip("/").partition("/")
        if module in (_TREES, _INSTANCES):
            return _json(self._instance(self._service.instance_by_guid(name, call.identity)))
        if module == _COMPUTERS:
            for row in self._service.known_computers(call.identity):
                if row.computer_id == name:
                    return _json(self._computer(row, call.identity))
        raise NotFoundError(
            f"there is no document {module}/{name}",
            status=404,
            hint="follow the relative_url of a search",
        )

    def computer_token(self, call: Call) -> Answer:
        """A token with which one computer registers itself."""
        return _json({"access_token": self._service.computer_token(call.identity)})

    # ---- the root ----------------------------------------------------------------------------

    def _root(self, call: Call) -> dict[str, Any]:
        url = rest_url(call.environ)
        search = f"{url}?mode=search&query={{query}}&select_list={{select_list}}"
        traverse = f"{url}?mode=traverse&relative_url={{relative_url}}&view={{view}}"
        links = {
            "self": {"href": url.rstrip("/")},
            "raw_search": {"href": search},
            "traverse": {"href": traverse},
        }
        me = self._me(call.identity)
        if me is not None:
            links["me"] = {"href": f"urn:jio:get:{me}"}
        return {"_links": links}

    def _me(self, identity: Identity) -> str | None:
        if identity.kind is Kind.COMPUTER:
            return f"{_COMPUTERS}/{identity.name}"
        if identity.computer_id is None or identity.partition_id is None:
            return None
        where = identity.computer_id, identity.partition_id
        return f"{_INSTANCES}/{self._service.instance_in(*where, identity).guid}"

    # ---- searches ----------------------------------------------------------------------------

    def _search(self, call: Call) -> list[Row]:
        query = protocol.text_field(call.fields, "query", limit=protocol.URL_LIMIT)
        terms = Terms.parse(query)
        names, find = self._searches.get(terms.kinds, (frozenset[str](), None))
        if find is None or terms.others - names:
            raise BadRequest(
                f"this search is not understood: {query[:200]}",
                status=400,
                hint='search e.g. for portal_type:"Instance Tree" AND validation_state:validated',
            )
        return find(terms, call)

    def _trees(self, terms: Terms, call: Call) -> list[Row]:
        found = self._service.trees(call.identity, terms.values.get("title"))
        if "title" in terms.values:
            found = found[:1]  # programs take two of one title for a fault of the master
        return [self._tree_row(row) for row in found]

    def _tree_row(self, row: StoredInstance) -> Row:
        return {
            "title": row.title,
            "reference": row.guid,
            "relative_url": f"{_TREES}/{row.guid}",
            "url_string": row.release_url,
            "portal_type": "Instance Tree",
            "slap_state": str(row.requested_state),
        }

    def _instances(self, terms: Terms, call: Call) -> list[Row]:
        title = terms.values.get("default_specialise_title", "")
        return [
            {
                "uid": row.guid,
                "title": row.title,
                "relative_url": f"{_INSTANCES}/{row.guid}",
                "portal_type": _kind(row),
                "url_string": row.release_url,
                "text_content": parameters_xml(row.parameters),
                "getConnectionXmlAsDict": dict(row.connection),
                "SoftwareInstance_getNewsDict": self._service.status_of(row),
            }
            for row in self._service.tree_members(title, call.identity)
        ]

    def _computers(self, terms: Terms, call: Call) -> list[Row]:
        wanted = terms.values
        return [
            {
                "title": _title(row),
                "reference": row.computer_id,
                "relative_url": f"{_COMPUTERS}/{row.computer_id}",
                "portal_type": "Compute Node",
            }
            for row in self._service.known_computers(call.identity)
            if wanted.get("reference", row.computer_id) == row.computer_id
            and wanted.get("title", _title(row)) == _title(row)
        ]

    def _installations(self, terms: Terms, call: Call) -> list[Row]:
        computer_id = terms.values.get("default_aggregate_reference")
        known = [row.computer_id for row in self._service.known_computers(call.identity)]
        return [
            {
                "uid": f"{supply.computer_id} {supply.url}",
                "relative_url": f"software_installation_module/{supply.key}",
                "portal_type": "Software Installation",
                "url_string": supply.url,
                "SoftwareInstallation_getNewsDict": self._service.installation_status(
                    supply.computer_id, supply.url, call.identity
                ),
            }
            for each in known
            if computer_id in (None, each)
            for supply in self._service.supplies_on(each, call.identity)
        ]

    # ---- documents ---------------------------------------------------------------------------

    def _instance(self, row: StoredInstance) -> dict[str, Any]:
        published = [
            {"connection_key": name, "connection_value": "" if value is None else value}
            for name, value in sorted(row.connection.items())
        ]
        fields = {
            "my_title": row.title,
            "my_reference": row.title,
            "my_slap_state": str(row.requested_state),
            "my_text_content": parameters_xml(row.parameters),
            "my_connection_parameter_list": published,
            "my_url_string": row.release_url,
            "my_source_reference": row.software_type,
            "my_root_slave": int(row.shared),
            "my_news": {"instance": self._news(row)},
        }
        kind = "Instance Tree" if row.root_key is None else _kind(row)
        return _form(kind, "InstanceTree_viewAsHateoas", fields)

    def _news(self, row: StoredInstance) -> list[dict[str, Any]]:
        status = self._service.status_of(row)
        return [] if status.get("no_data") else [status]  # what was not heard is no error

    def _computer(self, row: StoredComputer, identity: Identity) -> dict[str, Any]:
        partitions = {
            seat.partition_id: self._service.status_of(seat)
            for seat in self._service.instances_on(row.computer_id, identity)
        }
        news = {
            "computer": self._service.computer_status(row.computer_id, identity),
            "partition": partitions,
        }
        fields = {"my_title": _title(row), "my_reference": row.computer_id, "my_news": news}
        return _form("Compute Node", "ComputeNode_viewAsHateoas", fields)


class Terms:
    """A search, taken apart.

    Attributes:
        kinds: the portal types that are asked for.
        values: name -> value of the other terms.
    """

    def __init__(self, kinds: frozenset[str], values: Mapping[str, str]) -> None:
        self.kinds = kinds
        self.values = values

    @property
    def others(self) -> frozenset[str]:
        """Names of the terms beside the portal type and the state, which all here have."""
        return frozenset(self.values)

    @classmethod
    def parse(cls, query: str) -> Terms:
        """The terms of a conjunction; none of a search of another form.

        >>> found = Terms.parse('portal_type:"A" AND validation_state:validated AND title:="x"')
        >>> sorted(found.kinds), found.values
        (['A'], {'title': 'x'})
        """
        kinds: frozenset[str] = frozenset()
        values: dict[str, str] = {}
        at = 0
        while at < len(query):
            term = _TERM.match(query, at)
            if term is None:
                return cls(frozenset(), {})
            name, several = term["name"], term["several"]
            quoted = term["quoted"]
            value = term["word"] if quoted is None else _unescaped(quoted)
            if name == "portal_type":
                kinds = frozenset(
                    [value] if several is None else map(_unescaped, _QUOTED.findall(several))
                )
            elif (name, value) != ("validation_state", "validated"):
                values[name] = value or ""
            at = term.end()
            joint = _AND.match(query, at)
            if joint is None and at < len(query):
                return cls(frozenset(), {})
            at = at if joint is None else joint.end()
        return cls(kinds, values)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _kind(row: StoredInstance) -> str:
    return "Slave Instance" if row.shared else "Software Instance"


def _title(row: StoredComputer) -> str:
    return row.title or row.computer_id


def _form(kind: str, form_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    view: dict[str, Any] = {
        "form_id": {"type": "StringField", "key": "form_id", "default": form_id}
    }
    for name, value in fields.items():
        shape = "IntegerField" if isinstance(value, int) else "StringField"
        view[name] = {"type": shape, "key": f"field_{name}", "default": value}
    return {"_embedded": {"_view": view}, "_links": {"type": {"name": kind}}}


def _json(value: Mapping[str, Any]) -> Answer:
    return Answer(wire.encode(value), JSON, 200, _PRIVATE)
