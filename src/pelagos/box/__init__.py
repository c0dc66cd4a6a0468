"""A cloud in one process: for tests, and for whoever has no account elsewhere.

>>> from pelagos.box import Box
>>> with Box() as box:
...     person = box.person("demo")
...     box.auth_url.endswith("/identity/v3"), person.project
(True, 'demo')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # not for a cycle: naming a box does not pay for a web server
    from pelagos.box.box import Box, Person
    from pelagos.box.errors import BoxError

__all__ = ["Box", "BoxError", "Person"]

_HOMES = {
    "Box": "pelagos.box.box",
    "BoxError": "pelagos.box.errors",
    "Person": "pelagos.box.box",
}


def __getattr__(name: str) -> Any:
    import importlib  # noqa: PLC0415

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
