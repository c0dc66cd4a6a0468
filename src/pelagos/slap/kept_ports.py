"""What the agent and the recipe `pelagos:free-port` agree on: where ports are, and who is told."""

from __future__ import annotations

#: Below the range from which systems take ports for outgoing connections.
FIRST_PORT, LAST_PORT = 10_000, 32_000
#: Name of the agent's list in a partition's `.slapgrid`: `first PORT`, then a line
#: `PORT IP PARTITION` for each port that another partition keeps.
LIST = "ports"
EVERY_IP = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
