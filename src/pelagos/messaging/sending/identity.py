"""Who sends: the facts of this process, and over them what was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.sending.ids import this_process


class Identity:
    """The facts that stand in a message, as text; found out once, and anew in a forked child.

    Args:
        given: what is not to be found out; it may say more than the six facts.

    >>> Identity({"name": "resizer"}).facts()["name"]
    'resizer'
    """

    __slots__ = ("_facts", "_given", "_process")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {key: str(value) for key, value in given.items()}
        self._facts: dict[str, str] = {}
        self._process: object = None

    def facts(self) -> dict[str, str]:
        """All of them; not to be changed."""
        if self._process is not this_process():
            self._facts = Fingerprint().as_dict() | self._given
            self._process = this_process()
        return self._facts


def given_facts(fingerprint: object) -> dict[str, Any]:
    """What a fingerprint says: one of ours, a mapping or what has `as_dict`; None: nothing."""
    if isinstance(fingerprint, Mapping):
        return dict(fingerprint)
    return {} if fingerprint is None else dict(Fingerprint.of(fingerprint).given())
