"""The client of a service that both families of clouds have, each in its own dialect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pelagos.clients.base.client import Client
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.errors import Unsupported, WrongAnswer

_VERSION = re.compile(r"v(\d+(?:\.\d+)*)\Z")


class Bilingual(Client):
    """A client that says the same thing to either family of clouds.

    Which one it is, the cloud that made the client knows; else the version in the address tells;
    else it is the family that programs with this class were written for.

    Attributes:
        HOME: the family that is taken for granted when nothing tells.
        API_VERSIONS: per family, what is added to an address without a version.
        TELLING_VERSIONS: versions in an address that only one family has.
    """

    HOME: ClassVar[Dialect] = "openstack"
    API_VERSIONS: ClassVar[Mapping[Dialect, str]] = {}
    TELLING_VERSIONS: ClassVar[Mapping[str, Dialect]] = {}

    def _address(self, url: str, dialect: Dialect | None) -> str:
        bare = super()._address(url, "openstack")  # checked; nothing is added
        found = [_VERSION.match(one) for one in urlsplit(bare).path.split("/")]
        version = next((one[1] for one in found if one), "")
        self._likely = self.TELLING_VERSIONS.get(version) or self.HOME
        added = self.API_VERSIONS[dialect] if dialect else self.DEFAULT_API_VERSION
        return bare if version else f"{bare}/v{added}"

    @property
    def is_synnefo(self) -> bool:
        """Whether the service is one of Synnefo, and not one of OpenStack."""
        return (self.dialect or self._likely) == "synnefo"

    def _since(self, version: str) -> dict[str, str] | None:
        """The header that asks an OpenStack service for a version of its interface."""
        if self.is_synnefo:
            return None
        return {"OpenStack-API-Version": f"{self.service_type} {version}"}

    def _only_on(self, family: Dialect, what: str, hint: str) -> None:
        """Refuse what the cloud's family has no word for; nothing is sent.

        Raises:
            Unsupported: the cloud is of the other family.
        """
        if self.is_synnefo == (family == "synnefo"):
            return
        here = "Synnefo" if self.is_synnefo else "OpenStack"
        raise Unsupported(f"{here} has no {what}", 501, hint=hint)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None, as a request's body or query has them.

    >>> given(name="x", size=None)
    {'name': 'x'}
    """
    return {name: value for name, value in fields.items() if value is not None}


def needed(record: Any, name: str) -> Any:
    """What a record has under a name.

    Raises:
        WrongAnswer: it has nothing there, or is no record.
    """
    if not isinstance(record, dict) or name not in record:
        raise WrongAnswer(f"the service answered with a record without {name!r}")
    return record[name]


def aliased(record: Any, names: Iterable[tuple[str, str]]) -> Any:
    """A record that can be read by either family's name of a field; the same object.

    >>> aliased({"name": "x"}, [("display_name", "name")])
    {'name': 'x', 'display_name': 'x'}
    """
    if isinstance(record, dict):
        for one, other in names:
            if one in record:
                record.setdefault(other, record[one])
            elif other in record:
                record[one] = record[other]
    return record
