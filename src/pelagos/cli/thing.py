"""A thing that a person calls by name: what to say of one that is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.slap.client import SlapClient
    from pelagos.slap.errors import NotFoundError


def no_such_thing(master: SlapClient, thing: str) -> NotFoundError:
    """The error about a name that the master does not know; it names the nearest that it does."""
    from pelagos.slap.errors import NotFoundError

    names = [one.reference for one in master.services()]
    names += [one.computer_id for one in master.computers()]
    names += [one.url for one in master.releases()]
    near = nearest(thing, names)
    hint = f"did you mean {near}?" if near else "see: pelagos service list"
    message = f"there is no service, computer or software release {thing}"
    return NotFoundError(message, status=404, hint=hint)
