"""The software products of the configuration: names that stand for the URLs of releases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.core.errors import ConfigError


def products(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Name -> URLs of the product's releases, the best first.

    Args:
        table: of the configuration; a product with one release may have it as plain text.

    Raises:
        ConfigError: a product has something else.

    >>> products({"web": ["/web-2.cfg", "/web-1.cfg"], "db": "/db.cfg"})
    {'web': ('/web-2.cfg', '/web-1.cfg'), 'db': ('/db.cfg',)}
    """
    return {name: _releases(name, value) for name, value in table.items()}


def _releases(name: str, value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if isinstance(found, list) and found and all(isinstance(url, str) and url for url in found):
        return tuple(found)
    raise ConfigError(
        f"master.products.{name} is {value!r}, not the URLs of its releases",
        hint=f'write {name} = ["https://HOST/NEWEST/software.cfg", "…/OLDER/software.cfg"]',
    )
