"""`pelagos server create` and `rebuild`: servers made, and made anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.command import CLOUD, CloudCommand, Record, find_id, not_both
from pelagos.cli.cloud.servers import SETTLED, label, wait_status
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import FLAVOR, IMAGE, NETWORK, PORT, SERVER, VOLUME
from pelagos.cli.cloud.waiting import WAIT
from pelagos.cli.commands.server import WHICH, server_head
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server")

_MOST = 1000
_FILE_HINT = "write LOCAL, or LOCAL,PATH[,OWNER[,GROUP[,MODE]]], the mode in octal: 0600"


@command(_server_commands)
class ServerCreate(CloudCommand):
    """Make a server, or several at once.

    The password of a server's administrator, where the cloud makes one, is only in this answer.
    """

    shows = True
    arguments = {
        **CLOUD,
        "flavor": ValueArgument(
            "its flavour, by id or name", "--flavor", metavar="FLAVOR", complete="cloud:flavor"
        ),
        "image": ValueArgument(
            "its image, by id or name", "--image", metavar="IMAGE", complete="cloud:image"
        ),
        "volume": ValueArgument(
            "start from this volume instead of an image",
            "--volume",
            metavar="VOLUME",
            complete="cloud:volume",
        ),
        "network": RepeatableArgument(
            "a network that it is on, by id or name, with an address if you like: NET or "
            "NET,10.0.0.5",
            "--network",
            metavar="NET[,IP]",
        ),
        "port": RepeatableArgument(
            "a port that it gets, by id or name", "--port", complete="cloud:port"
        ),
        "no_network": FlagArgument("on no network at all", "--no-network"),
        "key": RepeatableArgument(
            "a key that may log in, by name", "--key", metavar="KEY", complete="cloud:keypair"
        ),
        "group": RepeatableArgument("a security group, by name", "-g", "--security-group"),
        "user_data": ValueArgument(
            "file that it runs first; - reads it from standard input",
            "-u",
            "--user-data",
            metavar="FILE",
            complete="file",
        ),
        "metadata": KeyValueArgument("a text that is kept with it", "-m", "--metadata"),
        "file": RepeatableArgument(
            "a file that it begins with: LOCAL[,PATH[,OWNER[,GROUP[,MODE]]]]",
            "-p",
            "--personality",
            metavar="SPEC",
            complete="file",
        ),
        "tag": RepeatableArgument("a label", "--tag", metavar="TAG"),
        "zone": ValueArgument("availability zone (OpenStack)", "--zone"),
        "project": ValueArgument(
            "id of the project that it is charged to (Synnefo)",
            "--project",
            complete="cloud:project-id",
        ),
        "count": IntArgument(
            "so many, called NAME-1, NAME-2 and so on",
            "--count",
            least=1,
            most=_MOST,
        ),
        **WAIT,
    }
    required = ("flavor", ["image", "volume"])
    operands = {"name": Operand("name of the new server")}
    examples = (
        "pelagos server create web --flavor small --image debian-12 --key ada --wait",
        "pelagos server create node --count 3 --flavor small --image debian",
    )

    def main(self, name: str) -> None:
        """Make and print it."""
        terms = self._terms()
        if not self["count"]:
            made = self._finished(self._made(name, terms))
            show_record(self, made, server_head(self, made))
            return
        names = [f"{name}-{number}" for number in range(1, self["count"] + 1)]
        made_ones: list[Record] = []
        try:
            made_ones.extend(
                self._made(one, terms) for one in names
            )  # keeps those before a failure
            if self["wait"]:
                made_ones[:] = [self._finished(one) for one in made_ones]
        finally:
            columns = (Column("id"), Column("name"), Column("status"), Column("adminPass", "pass"))
            self.context.output.show_list(made_ones, columns)

    def _made(self, name: str, terms: Mapping[str, Any]) -> Record:
        compute: Any = self.cloud.compute
        made = compute.create_server(name, **terms)
        if "status" in made and "name" in made:
            return dict(made)
        # OpenStack answers with id and password alone.
        return {**compute.get_server_details(made["id"]), **made}

    def _finished(self, made: Record) -> Record:
        if not self["wait"]:
            return made
        secret = {"adminPass": made["adminPass"]} if made.get("adminPass") else {}
        return {**wait_status(self, made, "ACTIVE"), **secret}

    # ---- what it is made of

    def _terms(self) -> dict[str, Any]:
        """What `create_server` is told, all names resolved, before anything is made."""
        not_both(self, "image", "volume")
        is_synnefo = self.cloud.dialect == "synnefo"
        terms: dict[str, Any] = {
            "user_data": self._user_data(),
            "personality": [_new_file(one) for one in self["file"]],
            "metadata": self["metadata"] or None,
            "tags": self["tag"] or None,
            "flavor_id": find_id(self.cloud, FLAVOR, self["flavor"]),
            "image_id": self["image"] and find_id(self.cloud, IMAGE, self["image"]),
            "networks": self._networks(),
        }
        return terms | (self._of_synnefo() if is_synnefo else self._of_openstack())

    def _of_synnefo(self) -> dict[str, Any]:
        for option in ("zone", "group", "volume"):
            if self[option]:
                name = self.arguments[option].name
                raise UsageError(f"{name}: a Synnefo's new servers have no such thing")
        return {"key_names": self["key"] or None, "project_id": self["project"]}

    def _of_openstack(self) -> dict[str, Any]:
        if self["project"]:
            raise UsageError(
                "--project: an OpenStack charges the project of the login",
                hint="configure a cloud with that project, and choose it with --cloud",
            )
        if len(self["key"]) > 1:
            raise UsageError(
                "--key: a server of OpenStack takes one", hint="add others by --user-data"
            )
        terms: dict[str, Any] = {
            "key_name": next(iter(self["key"]), None),
            "security_group": self["group"] or None,
            "availability_zone": self["zone"],
        }
        if self["volume"]:
            terms["block_device_mapping_v2"] = [
                {
                    "uuid": find_id(self.cloud, VOLUME, self["volume"]),
                    "source_type": "volume",
                    "destination_type": "volume",
                    "boot_index": 0,
                    "delete_on_termination": False,
                }
            ]
        return terms

    def _networks(self) -> list[dict[str, Any]] | None:
        not_both(self, "no_network", "network")
        not_both(self, "no_network", "port")
        if self["no_network"]:
            return []
        wanted: list[dict[str, Any]] = []
        for text in self["network"]:
            name, _, address = text.partition(",")
            fixed = {"fixed_ip": address} if address else {}
            wanted.append({"uuid": find_id(self.cloud, NETWORK, name), **fixed})
        wanted += [{"port": find_id(self.cloud, PORT, one)} for one in self["port"]]
        return wanted or None

    def _user_data(self) -> str | bytes | None:
        if not self["user_data"]:
            return None
        if self["user_data"] == "-":
            return self.context.stdin.read()
        return read_bytes(self["user_data"], "--user-data")


@command(_server_commands)
class ServerRebuild(CloudCommand):
    """Make a server anew from an image: its disk is lost, its name and addresses stay."""

    shows = True
    arguments = {
        **CLOUD,
        "image": ValueArgument(
            "another image; default: the one that it has", "--image", complete="cloud:image"
        ),
        "yes": FlagArgument("what is on its disk may go", "--yes"),
        **WAIT,
    }
    operands = {"server": WHICH}
    examples = ("pelagos server rebuild web --yes --wait",)

    def main(self, server: str) -> None:
        """Make it anew."""
        if not self["yes"]:
            raise UsageError(
                "all that is on the server's disk would be lost", hint="with --yes it is done"
            )
        found = self.find(SERVER, server)
        image = self["image"] and find_id(self.cloud, IMAGE, self["image"])
        made: Record = self.cloud.compute.rebuild_server(str(found["id"]), image_id=image)
        if self["wait"]:
            secret = {"adminPass": made["adminPass"]} if made.get("adminPass") else {}
            made = {**wait_status(self, found, *SETTLED), **secret}
        else:
            self.context.say(f"{label(found)} is being made anew")
        show_record(self, made, server_head(self, made))


def read_bytes(path: str, option: str) -> bytes:
    """The bytes of a file that the command line names.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{option}: cannot read {path}: {error.strerror}") from error


def _new_file(spec: str) -> dict[str, Any]:
    """A file that a new server begins with, of LOCAL[,PATH[,OWNER[,GROUP[,MODE]]]]."""
    import base64

    local, *rest = spec.split(",")
    names = ("path", "owner", "group", "mode")
    if not local or len(rest) > len(names):
        raise UsageError(f"--personality: {spec!r} cannot be read", hint=_FILE_HINT)
    said: dict[str, Any] = {name: text for name, text in zip(names, rest, strict=False) if text}
    if "mode" in said:
        try:
            said["mode"] = int(said["mode"], 8)
        except ValueError:
            raise UsageError(
                f"--personality: {said['mode']!r} is no mode in octal", hint=_FILE_HINT
            ) from None
    content = base64.b64encode(read_bytes(local, "--personality")).decode()
    return {"path": f"/{Path(local).name}", **said, "contents": content}
