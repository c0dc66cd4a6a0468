"""The check of machines on demand: can they be made, and is each as it should be?"""

from __future__ import annotations

from pathlib import Path

from pelagos.plane.capacity.ledger import Ledger
from pelagos.slap.capacity import Overview
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import NotFoundError

#: States of a capacity in which something is wrong with it.
_BAD = frozenset({"failing", "off"})
_WELL = frozenset({"ok", "machine-making", "machine-booting", "machine-idle", "machine-leaving"})


def look_at_machines(client: SlapClient, file: Path) -> tuple[bool, str, str]:
    """Whether all is well, what was seen, and how to mend it.

    Args:
        client: who asks the master.
        file: where the machines are written down that were made.

    Raises:
        SlapError: the master does not tell.
        PelagosError: the file cannot be read.
    """
    try:
        found = client.capacity()
    except NotFoundError:
        if not Ledger(file).book.machines:
            return True, "there are none any more, and none are made", ""
        return (
            False,
            "the plane made machines, and has no capacity any more that looks after them",
            "bring [capacity.named.NAME] back, with max_machines = 0 where no more are to be made",
        )
    return judged(found)


def judged(found: Overview) -> tuple[bool, str, str]:
    """The same of what a master told. Pure."""
    troubles = [one.cause for one in found.capacities if one.state in _BAD]
    troubles += [one.cause for one in found.machines if one.cause.code not in _WELL]
    if troubles:
        more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
        return False, troubles[0].message + more, troubles[0].hint or "pelagos capacity list"
    count = len(found.machines)
    places = ", ".join(one.name for one in found.capacities)
    return True, f"{count} machine{'' if count == 1 else 's'}; more may come from {places}", ""
