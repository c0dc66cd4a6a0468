"""Whether the values of settings can be used: what only a start, or a call, would find wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def check_meaning(key: str, value: Any) -> None:
    """See whether the value of a setting can be used; nothing is asked or sent.

    Args:
        key: dotted.
        value: of the setting's type.

    Raises:
        PelagosError: it cannot.
    """
    look = _LOOKS.get(key)
    if look is not None:
        look(value)


def _address(url: str) -> None:
    from pelagos.core.http import HttpClient

    if url:
        HttpClient(url).close()


def _https(wish: str) -> None:
    from pelagos.plane.https import speaks_https

    speaks_https("127.0.0.1", wish)


def _bus(url: str) -> None:
    from pelagos.messaging import connect

    if url:
        connect(url)  # opens nothing yet


def _products(table: Mapping[str, Any]) -> None:
    from pelagos.plane.products import products

    products(table)


def _capacities(table: Mapping[str, Any]) -> None:
    from pelagos.plane.capacity.terms import places

    places(table)


def _directory(settings: Mapping[str, Any]) -> None:
    from pelagos.plane.directory_config import check_settings

    check_settings(settings)


_LOOKS: Mapping[str, Callable[[Any], None]] = {
    "plane.master_url": _address,
    "plane.directory_url": _address,
    "master.public_url": _address,
    "master.https": _https,
    "master.products": _products,
    "bus.url": _bus,
    "capacity.named": _capacities,
    "directory.settings": _directory,
}
