"""Why a thing is in the state it is in: what the master says, and what this computer knows.

The master sees a silent computer from outside only. On that computer itself the agent's lock and
status file tell whether it is down or cannot reach the master: what a person there needs to hear.
"""

from __future__ import annotations

from dataclasses import replace

from pelagos.plane.bus import trouble
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.membership import how_to_start
from pelagos.plane.sections import BusConfig
from pelagos.plane.settings import Part
from pelagos.slap.agent import read_status
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import MasterUnreachable
from pelagos.slap.model import Cause, Explanation

#: Seconds that the bus may take to answer.
_PATIENCE = 1.0
#: Causes that mean "the agent was not heard of": what is known here may say more.
_SILENT = frozenset({"computer-silent", "never-seen", "waiting-for-agent"})


def explain(
    client: SlapClient,
    folder: DataFolder,
    name: str,
    kind: str | None = None,
    bus: BusConfig | None = None,
) -> Explanation:
    """The state, cause and next step of a service, computer or release.

    Args:
        kind: "service", "computer" or "release"; None finds out.
        bus: where master and agents talk: what waits for an agent is slower while it is away.

    Raises:
        NotFoundError: the master knows nothing of this name.
        MasterUnreachable: the master does not answer, and nothing is known of this name here.
    """
    local = folder.endpoints().computer_id
    try:
        explanation = client.explain(name, kind)
    except MasterUnreachable:
        here = local_cause(folder)
        if here is None or name != local:
            raise
        return Explanation("computer", name, "unknown", here)
    if explanation.cause.code not in _SILENT:
        return explanation
    explanation = replace(explanation, chain=(*explanation.chain, *_bus_away(bus, folder)))
    here = local_cause(folder)
    if here is None or not local or not _concerns(client, explanation, local):
        return explanation
    return replace(explanation, cause=here, chain=(explanation.cause, *explanation.chain))


def _bus_away(bus: BusConfig | None, folder: DataFolder) -> tuple[Cause, ...]:
    error = None if bus is None else trouble(bus, folder.path, timeout=_PATIENCE)
    if error is None:
        return ()
    return (
        Cause(
            "bus-away",
            f"the bus cannot be reached from here, so agents are not woken, they poll: {error}",
            hint="pelagos doctor",
            seen_by="this command",
        ),
    )


def local_cause(folder: DataFolder) -> Cause | None:
    """What keeps this computer's agent from its work, None when nothing is known to."""
    endpoints = folder.endpoints()
    if not endpoints.computer_id:
        return None
    said = read_status(folder.node)
    if folder.running(Part.AGENT) is None:
        return _agent_down(folder, endpoints.computer_id, said[1] if said else 0.0)
    return said[0].cause if said and said[0].cause.code != "ok" else None


def _agent_down(folder: DataFolder, computer_id: str, since: float) -> Cause:
    return Cause(
        code="agent-down",
        message=f"the agent of {computer_id} does not run; its services keep running, unchanged",
        hint=f"{how_to_start(folder)} --data {folder.path}",
        since=since,
        seen_by=f"this command, on {computer_id}",
    )


def _concerns(client: SlapClient, explanation: Explanation, local: str) -> bool:
    """Whether the thing waits for the computer that this command runs on."""
    if explanation.kind == "computer":
        return explanation.name == local
    if explanation.kind == "service":
        return client.service(explanation.name).computer_id == local
    return any(r.computer_id == local and r.url == explanation.name for r in client.releases())
