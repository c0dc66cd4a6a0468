"""The directory: one question to many sources, and an answer that says what each source did.

Admission rule: what asks sources, and what serves their answers. It knows no other part of
Pelagos; sources of the clouds and of the plane are plugins like a stranger's.

The ways in: `Directory` serves, `DirectoryClient` asks. Plugins build on the base classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the client's users must not pay for Flask, so the names are found when used
    from pelagos.directory.app import Directory as Directory
    from pelagos.directory.backends.base import BaseSourcePlugin as BaseSourcePlugin
    from pelagos.directory.client import DirectoryClient as DirectoryClient
    from pelagos.directory.model import SourceResult as SourceResult
    from pelagos.directory.result import make_result_class as make_result_class
    from pelagos.directory.services.base import BaseServicePlugin as BaseServicePlugin
    from pelagos.directory.settings import DirectorySettings as DirectorySettings
    from pelagos.directory.views.base import BaseViewPlugin as BaseViewPlugin
    from pelagos.directory.views.rest import AuthResource as AuthResource
    from pelagos.directory.views.rest import asker as asker
    from pelagos.directory.views.rest import required_acl as required_acl

_HOMES = {
    "AuthResource": "views.rest",
    "BaseServicePlugin": "services.base",
    "BaseSourcePlugin": "backends.base",
    "BaseViewPlugin": "views.base",
    "Directory": "app",
    "DirectoryClient": "client",
    "DirectorySettings": "settings",
    "SourceResult": "model",
    "asker": "views.rest",
    "make_result_class": "result",
    "required_acl": "views.rest",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # a list; the linter sees only literals


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only when a name is used

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
