"""A master's HATEOAS interface as the library asks it: search, then traverse what was found.

Some of the ancestor's calls (`getOpenOrderDict`, `getInformation`, `registerToken`…) are answered
there only. The links that a master gives are followed as they are; the token goes to the address
that the master itself named, and nowhere else.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit

from pelagos.core import wire
from pelagos.core.http.client import split_credentials
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import MarshalError, NotFoundError, SlapError
from pelagos.slap.instance_xml import xml_parameters

_VIEW = "slaposjs_view"
_HOPS = 5
_READ = frozenset({"StringField", "EmailField", "IntegerField", "FloatField", "TextAreaField"})
_EXPRESSION = re.compile(r"\{([?&]?)([^}]*)\}")
_TREES = 'portal_type:"Instance Tree" AND validation_state:validated'
_COMPUTERS = 'portal_type:"Compute Node" AND validation_state:validated'


class Information:
    """What is known of an instance or a computer: attributes that begin with an underscore.

    `_title`, `_software_release_url`, `_parameter_dict`, `_connection_dict`, `_requested_state` of
    an instance; `_reference` and `_title` of a computer; whatever else the master says.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update({f"_{name}": value for name, value in values.items()})

    def __repr__(self) -> str:
        return f"Information({sorted(self.__dict__)})"


class Navigator:
    """Asks one HATEOAS interface.

    Args:
        client: the master that names the interface, and who asks.
        rest_url: address of the interface; None asks the master for it.
        open_client: connects to another address with the same credentials, when the interface is
            not at the master's own.
    """

    def __init__(
        self, client: SlapClient, rest_url: str | None, open_client: Callable[[str], SlapClient]
    ) -> None:
        self._client = client
        self._rest_url = rest_url
        self._open = open_client

    def _walk(self) -> _Walk:
        return _Walk(self._client, self._rest_url, self._open)

    def trees(self) -> dict[str, Information]:
        """The caller's instance trees by their title."""
        rows = self._walk().search(_TREES, ("title", "url_string"))
        return {
            str(row["title"]): Information(
                {key: value for key, value in row.items() if key not in ("_links", "url_string")}
                | {"software_release_url": row.get("url_string")}
            )
            for row in rows
        }

    def tree(self, title: str) -> dict[str, Any]:
        """The document of one tree.

        Raises:
            NotFoundError: there is none of that title.
        """
        return self._walk().one(f'{_TREES} AND title:="{_quoted(title)}"', "title", title)

    def computers(self) -> dict[str, Information]:
        """The computers that the caller sees, by their title."""
        rows = self._walk().search(_COMPUTERS, ("title", "reference"))
        return {
            str(row["title"]): Information(
                {key: value for key, value in row.items() if key != "_links"}
            )
            for row in rows
        }

    def computer(self, computer_id: str) -> dict[str, Any]:
        """The document of one computer.

        Raises:
            NotFoundError: there is none of that id.
        """
        query = f'{_COMPUTERS} AND reference:="{_quoted(computer_id)}"'
        return self._walk().one(query, "reference", computer_id)

    def computer_token(self) -> str:
        """A token with which one computer can join."""
        walk = self._walk()
        try:
            base = walk.root["_links"]["self"]["href"]
        except (KeyError, TypeError) as error:
            raise NotFoundError("this master gives no tokens for computers") from error
        answer = walk.get(f"{base.rstrip('/')}/computer_module/Base_getComputerToken")
        return str(answer["access_token"])


class _Walk:
    """One operation: where the interface is, and its root, are asked for once."""

    def __init__(
        self, client: SlapClient, rest_url: str | None, open_client: Callable[[str], SlapClient]
    ) -> None:
        self._client = client
        self._rest_url = rest_url
        self._open = open_client

    def one(self, query: str, name: str, wanted: str) -> dict[str, Any]:
        """The document of the one row of a search.

        Raises:
            NotFoundError: there is none.
        """
        for row in self.search(query, (name, "relative_url")):
            if row.get(name) == wanted:
                variables = {"relative_url": str(row["relative_url"]), "view": _VIEW}
                document = self.get(expand(self._link("traverse"), variables))
                return _fields(document)
        raise NotFoundError(f"the master shows nothing whose {name} is {wanted}", status=404)

    def search(self, query: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of a search.

        Raises:
            MarshalError: the answer has none.
        """
        variables = {"query": query, "select_list": wanted, "limit": "10000"}
        answer = self.get(expand(self._link("raw_search"), variables))
        try:
            rows: list[dict[str, Any]] = answer["_embedded"]["contents"]
        except (KeyError, TypeError) as error:
            raise MarshalError("the answer to a search has no rows") from error
        return rows

    def _link(self, name: str) -> str:
        try:
            return str(self.root["_links"][name]["href"])
        except (KeyError, TypeError) as error:
            raise MarshalError(f"the master's HATEOAS root has no link {name!r}") from error

    @cached_property
    def root(self) -> dict[str, Any]:
        """What the interface begins with: its links."""
        return self.get(self.base)

    @cached_property
    def base(self) -> str:
        """Where the interface is."""
        found = self._rest_url or self._client.hateoas_url()
        if not found:
            raise SlapError(
                "the master has no HATEOAS interface, or does not say where it is",
                hint="pass its address as slapgrid_rest_uri to initializeConnection",
            )
        return found

    def get(self, url: str) -> dict[str, Any]:
        """The JSON object at a URL that the interface named, also when it has moved."""
        for _ in range(_HOPS):
            found = self._step(url)
            if not isinstance(found, str):
                return found
            url = urljoin(urljoin(self.base, url), found)
        raise SlapError(f"the HATEOAS interface points from one place to the next: {url}")

    def _step(self, url: str) -> dict[str, Any] | str:
        """What is there: a JSON object, or the address where it is now."""
        base = self.base
        bare, _ = split_credentials(urljoin(base, url))
        named, home = split_credentials(base)[0], self._client.url
        if bare.startswith(home):
            client, path = self._client, bare[len(home) :]
        elif urlsplit(bare)[:2] == urlsplit(named)[:2]:
            parts = urlsplit(bare)
            client = self._open(urlunsplit((*urlsplit(base)[:2], "", "", "")))
            path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        else:
            raise SlapError(f"the HATEOAS interface points to another server, {bare}")
        path, _, query = path.partition("?")
        return client.read_json(path, dict(parse_qsl(query, keep_blank_values=True)))


def needed(navigator: Navigator | None) -> Navigator:
    """The navigator of an object that has one.

    Raises:
        SlapError: the object was made without one.
    """
    if navigator is None:
        raise SlapError(
            "this object does not know the master's HATEOAS interface",
            hint="get it from a slap() that is connected",
        )
    return navigator


def expand(template: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """A URL from a template of RFC 6570, as far as masters use it: {x}, {?x,y} and {&x,y}.

    >>> expand("/s?q={q}{&list,limit}", {"q": 'a:"b"', "list": ["x", "y"]})
    '/s?q=a%3A%22b%22&list=x,y'
    """

    def one(match: re.Match[str]) -> str:
        known = [(name, values[name]) for name in match[2].split(",") if name in values]
        if not match[1]:
            return ",".join(_encoded(value) for _, value in known)
        pairs = "&".join(f"{name}={_encoded(value)}" for name, value in known)
        return f"{match[1]}{pairs}" if pairs else ""

    return _EXPRESSION.sub(one, template)


def _encoded(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return quote(value, safe="")
    return ",".join(quote(item, safe="") for item in value)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of a document shows, by the names of its fields."""
    try:
        found: dict[str, Any] = {"portal_type": document["_links"]["type"]["name"]}
        for name, field in document["_embedded"]["_view"].items():
            shown = name.removeprefix("my_").removeprefix("your_")
            if shown != name and field["type"] in _READ:
                found[shown] = field.get("default")
    except (KeyError, TypeError, AttributeError) as error:
        raise MarshalError("a document of the HATEOAS interface has no form") from error
    return found


def instance_information(fields: Mapping[str, Any]) -> Information:
    """The attributes of an instance that the ancestor's programs read."""
    parameters = xml_parameters(fields.get("text_content") or "")
    if set(parameters) == {"_"}:
        with contextlib.suppress(wire.WireError):
            parameters["_"] = wire.decode(str(parameters["_"]))
    return Information(
        {
            **fields,
            "parameter_dict": parameters,
            "requested_state": fields.get("slap_state"),
            "connection_dict": fields.get("connection_parameter_list"),
            "software_release_url": fields.get("url_string"),
        }
    )
