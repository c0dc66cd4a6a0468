"""The agent of one computer: builds, configures, keeps services running, says how it is.

It knows its master through `slap.client` alone. The way in is `Agent`.
"""

from __future__ import annotations

from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.loop import Agent
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.status import AgentStatus, RunningStep, read_status

__all__ = ["Agent", "AgentError", "AgentSettings", "AgentStatus", "RunningStep", "read_status"]
