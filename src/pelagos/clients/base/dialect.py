"""Which family a cloud belongs to; it decides where the two differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Dialect = Literal["openstack", "synnefo"]

#: Services' names in a catalogue that only Synnefo has begin so.
_SYNNEFO_NAMES = ("astakos_", "cyclades_", "pithos_")


def dialect_of(names: Iterable[str]) -> Dialect:
    """The dialect of a cloud whose catalogue has services with these names.

    >>> dialect_of(["nova", "keystone"]), dialect_of(["astakos_identity"])
    ('openstack', 'synnefo')
    """
    is_synnefo = any(name.startswith(_SYNNEFO_NAMES) for name in names)
    return "synnefo" if is_synnefo else "openstack"
