"""A thing that a person calls by name: what to say of one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.slap.client import SlapClient
    from pelagos.slap.errors import NotFoundError


def no_such_thing(
    master: SlapClient, thing: str, sources: Iterable[str] | None = None
) -> NotFoundError:
    """The error about a name that nobody knows; it names the nearest that somebody does.

    Args:
        sources: names of the directory's sources, when one of them could have been meant.
    """
    from pelagos.slap.errors import NotFoundError

    names = [one.reference for one in master.services()]
    names += [one.computer_id for one in master.computers()]
    names += [one.url for one in master.releases()]
    names += sources or ()
    near = nearest(thing, names)
    hint = f"did you mean {near}?" if near else "see: pelagos service list"
    kinds = "service, computer or software release"
    if sources is not None:
        kinds = "service, computer, software release or source of the directory"
    message = f"there is no {kinds} {thing}"
    return NotFoundError(message, status=404, hint=hint)
