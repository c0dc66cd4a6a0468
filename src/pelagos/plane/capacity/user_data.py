"""What a new machine is given to run first: cloud-init installs an agent, which joins. Pure.

The one-time token in it is good once and for as long as the machine may take; whoever can read a
machine's user data in the cloud while it boots could join in its place.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from pelagos.core.errors import ConfigError
from pelagos.plane.capacity.terms import CapacityTerms

_FOLDER, _DATA = "/etc/pelagos", "/var/lib/pelagos"
#: What a file in place of ours must have, else no machine would ever join.
_NEEDED = "@TOKEN@"
#: The last character that four digits can name.
_WIDEST = 0xFFFF

_UNIT = """[Unit]
Description=Pelagos agent
Wants=network-online.target
After=network-online.target

[Service]
Environment=PELAGOS_CONFIG={folder}/config.toml PELAGOS_DATA={data}
ExecStart=/bin/sh -c 'exec {command} node run - < {folder}/token'
Restart=always
RestartSec=5
KillMode=process

[Install]
WantedBy=multi-user.target
"""


def agent_config(terms: CapacityTerms, bus_url: str) -> str:
    """The configuration of the agent on the machine, in TOML.

    Args:
        bus_url: of a broker that it can reach; empty: it polls.
    """
    lines = ["[node]", f"partitions = {terms.partitions}"]
    if terms.announced:
        pairs = (f"{_quoted(k)} = {_quoted(v)}" for k, v in sorted(terms.announced.items()))
        lines.append(f"properties = {{{', '.join(pairs)}}}")
    if bus_url:
        lines += ["", "[bus]", f"url = {_quoted(bus_url)}"]
    return "\n".join(lines) + "\n"


def cloud_config(terms: CapacityTerms, token: str, bus_url: str = "") -> str:
    """User data for cloud-init on a machine with systemd."""
    unit = _UNIT.format(folder=_FOLDER, data=_DATA, command=terms.command)
    files = (
        _file(f"{_FOLDER}/token", token + "\n", "0600"),
        _file(f"{_FOLDER}/config.toml", agent_config(terms, bus_url), "0600"),
        _file("/etc/systemd/system/pelagos-agent.service", unit, "0644"),
    )
    start = "systemctl daemon-reload && systemctl enable --now pelagos-agent.service"
    commands = [_quoted(one) for one in (terms.install, start) if one]
    lines = ["#cloud-config", "write_files:", *(f"- {json.dumps(one)}" for one in files)]
    return "\n".join([*lines, "runcmd:", *(f"- {one}" for one in commands), ""])


def filled(template: str, values: Mapping[str, str], where: str) -> str:
    """A site's own user data with what it needs to know.

    Args:
        template: with `@NAME@` and the like.
        values: by name, without the signs.
        where: the file, for the error.

    Raises:
        ConfigError: there is no place for the token.
    """
    if _NEEDED not in template:
        raise ConfigError(
            f"{where} has no {_NEEDED}, so no machine that starts with it could join",
            hint="let it write @TOKEN@ into a file, and run: pelagos node run - < FILE",
        )
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def in_base64(text: str) -> str:
    """A text as one word."""
    return base64.b64encode(text.encode()).decode()


def _quoted(text: str) -> str:
    """A text as both TOML and YAML read it, whatever is in it."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~":
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= _WIDEST else f"\\U{ord(char):08x}"


def _file(path: str, content: str, mode: str) -> dict[str, str]:
    return {
        "path": path,
        "encoding": "b64",
        "content": in_base64(content),
        "permissions": mode,
        "owner": "root:root",
    }
