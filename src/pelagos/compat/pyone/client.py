"""What the server objects of pyone do that ours do not."""

from __future__ import annotations

from typing import Any

from pelagos.compat.pyone.answers import kind_of
from pelagos.one import OneServer
from pelagos.one.errors import OneConfigException

__all__ = ["FormerServer"]

#: Options of the standard library's client that say how it reads; here there is one way.
_OF_XMLRPC = {"allow_none", "encoding", "use_builtin_types", "use_datetime", "verbose"}
_PROTOCOLS = {None, "", "xml-rpc", "xmlrpc"}


class FormerServer(OneServer):
    """A server whose templates are dictionaries, and that takes arguments too many, as the daemon.

    Args:
        protocol: "xml-rpc"; no other one is spoken.
        options: as of OneServer; those of `xmlrpc.client.ServerProxy` that say how an answer is
            read change nothing.

    Raises:
        OneConfigException: no session, an address that cannot be used, or another protocol.
    """

    drops_surplus = True

    def __init__(
        self,
        uri: str | None = None,
        session: str | None = None,
        timeout: float | None = None,
        https_verify: Any = True,
        protocol: str | None = None,
        **options: Any,
    ) -> None:
        check_protocol(protocol)
        kept = {name: value for name, value in options.items() if name not in _OF_XMLRPC}
        super().__init__(uri, session, timeout, https_verify, **{"types": kind_of, **kept})

    def server_retry_interval(self) -> float:
        """Seconds between two looks at what changes."""
        return 1


def check_protocol(protocol: str | None) -> None:
    """Refuse what is not spoken here.

    Raises:
        OneConfigException: with what to do instead.
    """
    if protocol not in _PROTOCOLS:
        raise OneConfigException(
            f"the protocol {protocol!r} is not spoken here",
            hint='leave it out, or say "xml-rpc"; the daemon answers that on port 2633',
        )
