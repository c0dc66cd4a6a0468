"""Who sends a message."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_FIELDS = ("name", "type", "pid", "host", "user", "vhost")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        return str(os.getuid())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Six facts about a component; every value is text on the wire.

    What is left out is filled in when it is asked for, so that a forked child reports its own
    process id. A missing name or type is the text `None`, as it always was on the wire.

    >>> Fingerprint("resizer", "daemon", 7, "sea", "ann", "/").as_tuple()
    ('resizer', 'daemon', '7', 'sea', 'ann', '/')
    """

    name: object = None
    type: object = None
    pid: object = None
    host: object = None
    user: object = None
    vhost: object = None

    def given(self) -> dict[str, str]:
        """Only what was given, as text."""
        values = {field: getattr(self, field) for field in _FIELDS}
        return {field: str(value) for field, value in values.items() if value is not None}

    @classmethod
    def of(cls, facts: object) -> Fingerprint:
        """What was given as a fingerprint: one of these, a mapping, or what has `as_dict`.

        Raises:
            TypeError: it is none of them, or says something else than the six facts.
        """
        if isinstance(facts, cls):
            return facts
        if hasattr(facts, "as_dict"):
            facts = facts.as_dict()
        if not isinstance(facts, Mapping):
            raise TypeError(f"a fingerprint is a mapping or has as_dict(), not {facts!r}")
        unknown = [key for key in facts if key not in _FIELDS]
        if unknown:
            raise TypeError(f"a fingerprint has no {unknown[0]!r}, but {', '.join(_FIELDS)}")
        return cls(**facts)

    def as_dict(self) -> dict[str, str]:
        """The fingerprint as it stands in a message, in the order of the wire."""
        return {
            "name": str(self.name),
            "type": str(self.type),
            "pid": str(os.getpid() if self.pid is None else self.pid),
            "host": str(socket.gethostname() if self.host is None else self.host),
            "user": _user() if self.user is None else str(self.user),
            "vhost": str(
                os.environ.get("POSTAGE_VHOST") or "/" if self.vhost is None else self.vhost
            ),
        }

    def as_tuple(self) -> tuple[str, ...]:
        """The six values in the order name, type, pid, host, user, vhost."""
        facts = self.as_dict()
        return tuple(facts[field] for field in _FIELDS)
