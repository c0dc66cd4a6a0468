"""The one decision of all ways into the plane. Pure: what is claimed and what is known in."""

from __future__ import annotations

from enum import Enum, auto


class Claim(Enum):
    """With what right somebody takes a name."""

    NEW = auto()  # by a one-time token, with a name in it or without
    AGAIN = auto()  # by a one-time token for the one who has that name already
    OWN = auto()  # as one who has proved who he is, and means what belongs to him


class Way(Enum):
    """What becomes of him."""

    CREATE = auto()  # the name is free: somebody new
    ADMIT = auto()  # the one who has the name
    REFUSE = auto()


def decide(claim: Claim, *, is_known: bool) -> Way:
    """How one comes in.

    >>> decide(Claim.NEW, is_known=True), decide(Claim.AGAIN, is_known=True)
    (<Way.REFUSE: 3>, <Way.ADMIT: 2>)
    """
    if is_known:
        return Way.REFUSE if claim is Claim.NEW else Way.ADMIT
    return Way.REFUSE if claim is Claim.AGAIN else Way.CREATE
