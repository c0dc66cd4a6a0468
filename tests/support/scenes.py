"""What the pages take for granted, and what stands at a test for the names in them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.desk import Desk
from support.page import ROOT
from support.ports import free_ports
from support.worlds import (
    World,
    a_cloud,
    a_cloud_and_a_database,
    a_database,
    a_synnefo,
    the_clients_of_openstack,
)

#: Ports that pages name; each test gets free ones for them.
PORTS = ("5672", "5673", "5000", "8443", "8774", "9489", "9498", "9499")


#: A box listens where the page says that it does by itself.
_USUAL = {r"pelagos box up(?!.*--port)": "pelagos box up --port 8774"}


@dataclass(frozen=True)
class Scene:
    """What one page takes for granted.

    Attributes:
        before: commands that its reader has typed already.
        files: files that its reader has, by their path.
        replaced: patterns of what the page writes, and what that stands for.
        filled: what the page writes, and the pattern that finds what is meant in former output.
        typed: how a command begins, and what is typed into it.
        ready: how a command that lasts begins, and the command that works once it is of use.
        environment: variables of its reader.
        world: starts what else there is, and says what of it the page sees.
    """

    before: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    world: Callable[[pytest.FixtureRequest], World] = lambda _: World()

    def opened(self, folder: Path, request: pytest.FixtureRequest) -> Callable[[str], Desk]:
        """What makes its desks below a folder."""
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        ports["9100"] = str(two_ports())
        world = self.world(request)
        replaced = {**_USUAL, **self.replaced, **world.replaced}
        replaced |= {rf"\b{port}\b": free for port, free in ports.items()}

        def desk(name: str) -> Desk:
            made = Desk(
                folder / (name or "home"), replaced, self.filled, {**self.typed, **world.typed},
                self.ready, {**self.environment, **world.environments.get(name, {})},
            )  # fmt: skip
            for path, text in {**self.files, **world.files}.items():
                made.write(path, text)
            return made

        return desk


def two_ports() -> int:
    """The first of two neighbours that are free, for the metrics of two processes."""
    for port in range(10_000 + os.getpid() % 20_000, 32_768):  # not where the system gives ports
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port
    raise OSError("no two ports are free")


def scene_of(page: str) -> Scene:
    """The scene of a page."""
    return SCENES.get(page, Scene())


#: A plane, and its address and token for programs.
_ADDRESS = """
import json, pathlib
data = pathlib.Path.home() / ".local/share/pelagos"
token = (data / "token").read_text().strip()
url = json.loads((data / "plane.json").read_text())["master_url"]
print(url.replace("://", f"://x:{token}@"))
"""
_PLANE = (
    "pelagos up",
    "export RELEASE=$PWD/examples/hello/software.cfg",
    "export COMPUTER=$(pelagos computer list -o value | cut -f1)",
    "export MASTER_URL=$(python address.py)",
)
A_PLANE = Scene(before=("pelagos up",))
A_BOX = Scene(
    before=(
        "pelagos box up --folder ~/box --port 8774 --build-time 0.2s",
        "export OS_CLIENT_CONFIG_FILE=~/box/clouds.yaml PELAGOS_CLOUD=box",
        "export ONE_XMLRPC=http://127.0.0.1:8774/RPC2 ONE_AUTH=~/box/one_auth",
        "cat ~/box/one_auth",
    )
)
_JOIN = {"pelagos-join.eyJ1cmwiOiJodHRwczov…": r"pelagos-join\.\S+"}

#: A public key of SSH.
_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#: A module of commands for kamaki's command line.
_GRPS = """
from kamaki.cli import command
from kamaki.cli.argument import ValueArgument
from kamaki.cli.command_tree import CommandTree
from kamaki.cli.commands import _command_init

mygrp_cmds = CommandTree("mygrp", "My group")
_commands = [mygrp_cmds]


@command(mygrp_cmds)
class mygrp_list_all(_command_init):
    "List all"

    arguments = {"match": ValueArgument("what matches", "--match")}

    def main(self):
        print(self["match"])
"""

SCENES: Mapping[str, Scene] = {
    "docs/how-to/add-a-computer.md": Scene(
        replaced={r"0\.0\.0\.0": "127.0.0.1"},
        filled={**_JOIN, "SERIAL": r"\b[0-9a-f]{16,}\b"},
        environment={"PELAGOS_MASTER_HTTPS": "true"},
    ),
    "docs/how-to/add-a-directory-source.md": Scene(),
    "docs/how-to/back-up-a-plane.md": Scene(before=("pelagos up",), world=a_cloud_and_a_database),
    "docs/how-to/cloud-in-a-box.md": Scene(world=the_clients_of_openstack),
    "docs/how-to/clouds-from-a-program.md": Scene(world=a_cloud),
    "docs/how-to/cut-a-computer.md": Scene(
        before=("pelagos up",), filled={"TOKEN": r"pelagos-join\.\S+"}
    ),
    "docs/how-to/from-kamaki.md": Scene(
        files={
            "program.py": "from kamaki.clients.pithos import PithosClient\n",
            "its/module.py": "from kamaki.clients.cyclades import CycladesClient\n",
            "/home/ada/grps.py": _GRPS,
        },
    ),
    "docs/how-to/from-slapos.md": Scene(before=_PLANE, files={"address.py": _ADDRESS}),
    "docs/how-to/from-xivo-dird.md": Scene(
        before=("pelagos up --part master",),
        files={
            "/etc/xivo-dird/config.yml": "services: {lookup: {default: {sources: [phones]}}}\n",
            "/etc/xivo-dird/sources.d/phones.yml": (
                "type: csv\nname: phones\nfile: /srv/phones.csv\nsearched_columns: [name]\n"
            ),
            "/srv/phones.csv": "name,phone\nGretel,2041\n",
        },
    ),
    "docs/how-to/grow-to-postgresql.md": Scene(
        before=("pelagos up",),
        replaced={"THE-PASSWORD": "a-password"},
        typed={"createuser": "a-password\na-password\n"},
        world=a_database,
    ),
    "docs/how-to/keep-files-in-a-cloud.md": Scene(
        files={
            "sea.jpg": "waves",
            "album/one.jpg": "1",
            "album/two.jpg": "2",
            "src/main.py": "",
        },
        filled={"VERSION": r"(?m)^(\d+)\b"},
        world=a_synnefo,
    ),
    "docs/how-to/machines-on-demand.md": Scene(
        replaced={r"0\.0\.0\.0": "127.0.0.1", "debian-12": "box-linux"},
        files={"/srv/db/software.cfg": "[buildout]\nparts =\n"},
        filled={"pelagos-north-3fa2c1-7": r"pelagos-north-\w+-\d+"},
        world=a_cloud,
    ),
    "docs/how-to/run-processors.md": Scene(
        ready={
            "python crew.py": (
                "pelagos bus send switch --exchange events --key lights --json '\"off\"' "
                "--bus amqp://guest:guest@127.0.0.1:5672/"
            )
        }
    ),
    "docs/how-to/share-with-tenants.md": Scene(
        before=(
            "pelagos up",
            "pelagos person add bob --tenant",
            "pelagos --config ~/bob/config.toml join pelagos-join.eyJ1cmwiOiJodHRwczov…",
            "pelagos person add carl --tenant",
            "pelagos --config ~/carl/config.toml join pelagos-join.eyJ1cmwiOiJodHRwczov…",
        ),
        filled=_JOIN,
        environment={"PELAGOS_MASTER_HTTPS": "true"},
    ),
    "docs/how-to/share-built-releases.md": Scene(
        files={"slappart3/.keep": ""}, replaced={"…/slappart3": "slappart3"}
    ),
    "docs/how-to/use-as-a-library.md": Scene(before=_PLANE, files={"address.py": _ADDRESS}),
    "docs/how-to/use-opennebula.md": Scene(
        before=(*A_BOX.before, "pelagos one template instantiate tiny --name kept --wait"),
        files={"tiny.txt": 'NAME="small"\nCPU="1"\nMEMORY="128"\n', "changes.txt": "A=1\n"},
        ready={"pelagos one vm list --watch": "true"},
        replaced={
            "node01": "node01.box",
            "snapshotcreate 7": "snapshotcreate 0",
            "update 3": "update 0",
        },
    ),
    "docs/how-to/use-the-directory.md": Scene(
        files={
            ".config/pelagos/config.toml": (
                '[directory.settings.sources.phones]\ntype = "csv"\nfile = "/srv/phones.csv"\n'
                'unique_column = "ref"\nsearched_columns = ["first", "last"]\n'
                'first_matched_columns = ["tel"]\n'
                "[directory.settings.sources.phones.format_columns]\n"
                'name = "{first} {last}"\nreverse = "{first} {last}"\nphone = "{tel}"\n'
            ),
            "/srv/phones.csv": "ref,first,last,tel\n17,Gretel,Okafor,2041\n",
            "friends.csv": "firstname,number\nIda,2042\n",
            "clients.csv": "name,number\nNils,2043\n",
        },
        before=("pelagos up",),
        filled={"ID": r"[0-9a-f]{8}-[0-9a-f-]{27}"},
    ),
    "docs/how-to/use-tls.md": Scene(
        replaced={r"0\.0\.0\.0": "127.0.0.1"},
        environment={"PELAGOS_MASTER_HTTPS": "true"},
    ),
    "docs/tutorial/second-computer.md": Scene(
        replaced={r"0\.0\.0\.0": "127.0.0.1"},
        filled=_JOIN,
        environment={"PELAGOS_MASTER_HTTPS": "true"},
    ),
    "docs/how-to/wire-daemons.md": Scene(
        ready={"pelagos bus run": "pelagos bus send hello --queue resizer"}
    ),
    "docs/how-to/work-with-a-cloud.md": Scene(
        files={".ssh/id_ed25519.pub": f"ssh-ed25519 {_KEY} ada\n"},
        world=a_cloud,
    ),
    "docs/how-to/write-a-software-release.md": A_PLANE,
    "docs/reference/opennebula.md": Scene(
        before=A_BOX.before,
        replaced={
            "http://localhost:2633": "http://127.0.0.1:8774",
            "one/share/doc/xsd": str(ROOT / "tests/data/opennebula/xsd"),
        },
        filled={"oneadmin:password": r"oneadmin:\S+"},
    ),
}
