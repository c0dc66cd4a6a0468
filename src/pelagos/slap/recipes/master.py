"""The talk of a recipe with the master: which partition this is, and one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pelagos.slap.recipes.base import Options, Sections, user_error


def connection_of(buildout: Sections) -> Options:
    """What the agent told the instance about itself and its master."""
    return buildout["slap-connection"]


def client_of(buildout: Sections) -> Any:
    """A client of the master with the partition's own token."""
    from pelagos.core.http import ClientTls  # noqa: PLC0415 - it costs time
    from pelagos.slap.client import SlapClient  # noqa: PLC0415 - as above

    told = connection_of(buildout)
    authority = told.get("authority-file")
    tls = ClientTls(authority=Path(authority)) if authority else None
    return SlapClient(told["server-url"], timeout=30.0, tls=tls)


def asked(call: Callable[[], Any]) -> Any:
    """The master's answer; a failure becomes one line of the buildout's log."""
    from pelagos.core.errors import PelagosError  # noqa: PLC0415 - as above

    try:
        return call()
    except PelagosError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise user_error(f"The master does not answer as needed: {error.message}{hint}") from error
