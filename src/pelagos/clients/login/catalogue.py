"""What services a cloud has, and where; from the catalogue of Keystone or of Astakos. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pelagos.clients.base.dialect import Dialect, dialect_of
from pelagos.clients.errors import CloudNotConfigured, WrongAnswer
from pelagos.core import spelling

#: Other names of a type, the best first; what stands for version 2 of block storage is gone.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "volume": ("block-storage", "volumev3", "block-store", "volume"),
    "network": ("network", "networking"),
    "object-store": ("object-store", "object-storage"),
    "account": ("account",),
}
_ALIASES_OF = {alias: names for names in _ALIASES.values() for alias in names}

#: What an OpenStack's address lacks when no version is in it.
_VERSIONS: Mapping[str, str] = {
    "compute": "v2.1",
    "identity": "v3",
    "image": "v2",
    "network": "v2.0",
    "volume": "v3",
    "block-storage": "v3",
}
_VERSION = re.compile(r"v\d+(\.\d+)*\Z")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of one service."""

    service_type: str
    name: str
    url: str
    interface: str = "public"
    region: str | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The endpoints of a cloud."""

    endpoints: tuple[Endpoint, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """The family of the cloud, by the names of its services."""
        return dialect_of(one.name for one in self.endpoints)

    def find(
        self, service_type: str, *, interface: str = "public", region: str | None = None
    ) -> Endpoint:
        """The endpoint of a service, by its type or another name of that type.

        Raises:
            CloudNotConfigured: there is none, or there are some in several regions.
        """
        wanted = service_type.lower()
        for kind in (wanted, *(one for one in _ALIASES_OF.get(wanted, ()) if one != wanted)):
            found = [one for one in self.endpoints if one.service_type.lower() == kind]
            here = [
                one
                for one in found
                if one.interface == interface and (region is None or one.region == region)
            ]
            if here:
                return _only(here, service_type)
            if found:
                raise _elsewhere(found, service_type, interface, region)
        known = sorted({one.service_type for one in self.endpoints})
        raise CloudNotConfigured(
            f"the cloud's catalogue has no service of type {service_type}",
            hint=spelling.hint(service_type, known)
            or f"it has {', '.join(known)}; an address of your own can be configured",
        )

    def url(
        self, service_type: str, *, interface: str = "public", region: str | None = None
    ) -> str:
        """The address of a service with its version in it.

        Raises:
            CloudNotConfigured: as for `find`.
        """
        found = self.find(service_type, interface=interface, region=region)
        return versioned(found.url, service_type, found.version, self.dialect)


def versioned(url: str, service_type: str, version: str, dialect: Dialect) -> str:
    """An address with the version that it lacks.

    >>> versioned("http://h/network", "network", "", "openstack")
    'http://h/network/v2.0'
    >>> versioned("http://h/cyclades/image/", "image", "v1.0", "synnefo")
    'http://h/cyclades/image/v1.0'
    """
    bare = url.rstrip("/")
    if any(_VERSION.match(one) for one in urlsplit(bare).path.split("/")):
        return bare
    lacking = version if dialect == "synnefo" else _VERSIONS.get(service_type, "")
    return f"{bare}/{lacking}" if lacking else bare


def from_keystone(catalog: Any) -> Catalogue:
    """The catalogue in a token of Keystone v3; entries that are none are passed over.

    Raises:
        WrongAnswer: it is no list.
    """
    return Catalogue(
        tuple(
            Endpoint(
                _text(service.get("type")),
                _text(service.get("name")),
                url,
                _text(endpoint.get("interface")) or "public",
                _text(endpoint.get("region_id") or endpoint.get("region")) or None,
            )
            for service in _tables(catalog)
            for endpoint in _tables(service.get("endpoints") or [])
            if (url := _text(endpoint.get("url")))
        )
    )


def from_astakos(catalog: Any) -> Catalogue:
    """The catalogue in an answer of Astakos; entries that are none are passed over.

    Raises:
        WrongAnswer: it is no list.
    """
    return Catalogue(
        tuple(
            Endpoint(
                _text(service.get("type")),
                _text(service.get("name")),
                url,
                "public",
                _text(endpoint.get("region")) or None,
                _text(endpoint.get("versionId")),
            )
            for service in _tables(catalog)
            for endpoint in _tables(service.get("endpoints") or [])
            if (url := _text(endpoint.get("publicURL")))
        )
    )


def _only(found: list[Endpoint], service_type: str) -> Endpoint:
    regions = sorted({one.region or "" for one in found})
    if len(regions) > 1:
        raise CloudNotConfigured(
            f"the cloud has {service_type} in several regions: {', '.join(regions)}",
            hint="say which: `region` of the cloud, or OS_REGION_NAME",
        )
    return found[0]


def _elsewhere(
    found: list[Endpoint], service_type: str, interface: str, region: str | None
) -> CloudNotConfigured:
    places = sorted({f"{one.interface} in {one.region or 'no region'}" for one in found})
    return CloudNotConfigured(
        f"the cloud has no {interface} address of {service_type}"
        + (f" in the region {region}" if region else ""),
        hint=f"it has: {', '.join(places)}",
    )


def _tables(value: Any) -> Iterable[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise WrongAnswer(
            "the catalogue of the cloud is no list of services",
            hint="check that auth_url is the address of Keystone or Astakos",
        )
    return (one for one in value if isinstance(one, Mapping))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
