"""The buildout profiles that the agent writes, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pelagos.slap.agent.builders.base import Run
from pelagos.slap.agent.settings import AgentSettings

_RELEASE = """\
# Written by the Pelagos agent.
[buildout]
extends = {url}
"""

_TAIL = """

# ---- written by the Pelagos agent ----
[buildout]
directory = {folder}
bin-directory = {folder}/sbin
offline = true

[slap-connection]
{connection}
[slap_connection]
{legacy}
[storage-configuration]
storage-home =

[network-information]
global-ipv4-network =
"""


def release_profile(url: str, settings: AgentSettings) -> str:
    """The profile that builds a release."""
    return _RELEASE.format(url=url) + _parts_options(settings)


def _parts_options(settings: AgentSettings) -> str:
    """What recipes that share parts ask for; zc.buildout warns of options that nobody used."""
    lists = {
        "shared-part-list": settings.shared_parts,
        "build-time-part-list": settings.build_time_parts,
    }
    return "".join(f"{name} ={_lines(folders)}\n" for name, folders in lists.items() if folders)


def _lines(folders: Sequence[Path]) -> str:
    return "".join(f"\n  {folder}" for folder in folders)


def instance_tail(run: Run, settings: AgentSettings) -> str:
    """What is appended to the profile of an instance: where it is, and whom it asks."""
    told = run.connection
    values = {
        "computer-id": told.computer_id,
        "partition-id": told.partition_id,
        "server-url": told.server_url,
        "software-release-url": told.release_url,
        "requested-state": told.requested_state,
        "key-file": told.key_file,
        "cert-file": told.cert_file,
        "authority-file": told.authority_file,
    }
    lines = {key: " ".join(value.split()).replace("${", "$${") for key, value in values.items()}
    lines["shared-part-list"] = _lines(settings.shared_parts)
    lines["build-time-part-list"] = _lines(settings.build_time_parts)
    return _TAIL.format(
        folder=run.folder,
        connection="".join(f"{key} = {value}\n" for key, value in lines.items()),
        legacy="".join(f"{key.replace('-', '_')} = {value}\n" for key, value in lines.items()),
    )
