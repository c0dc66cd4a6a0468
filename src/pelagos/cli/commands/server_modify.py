"""`pelagos server modify`: what a server is called, and what is kept with it."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, KeyValueArgument, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, not_both
from pelagos.cli.cloud.servers import label
from pelagos.cli.cloud.things import SERVER
from pelagos.cli.commands.server import WHICH
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server")

_PROFILES = ("ENABLED", "DISABLED", "PROTECTED")


@command(_server_commands)
class ServerModify(CloudCommand):
    """Change name, metadata, tags of a server; or password, firewall, project."""

    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name"),
        "set": KeyValueArgument("set this in its metadata", "--metadata-set"),
        "del": RepeatableArgument(
            "take this out of its metadata", "--metadata-del", metavar="KEY"
        ),
        "tag": RepeatableArgument("give it this label", "--tag-add", metavar="TAG"),
        "untag": RepeatableArgument("take this label off", "--tag-del", metavar="TAG"),
        "retag": RepeatableArgument(
            "give it these labels and no others", "--tag-replace", metavar="TAG"
        ),
        "untag_all": FlagArgument("take all labels off", "--tags-del"),
        "password": FlagArgument(
            "set the administrator's password; asked for, or read from standard input",
            "--password",
        ),
        "firewall": ValueArgument(
            "ENABLED, DISABLED or PROTECTED (Synnefo)",
            "--firewall",
            metavar="PROFILE",
            choices=_PROFILES,
        ),
        "port": ValueArgument("at this port; default: its first", "--firewall-port"),
        "project": ValueArgument(
            "charge it to this project, by id (Synnefo)", "--project", complete="cloud:project-id"
        ),
    }
    required = [name for name in arguments if name not in {"cloud", "port"}]
    operands = {"server": WHICH}
    examples = (
        "pelagos server modify web --name www --metadata-set role=front",
        "pelagos server modify web --tag-add blue --tag-del green",
    )

    def main(self, server: str) -> None:
        """Change it."""
        for other in ("tag", "untag", "untag_all"):
            not_both(self, "retag", other)
        self._check_family()
        found = self.find(SERVER, server)
        which = str(found["id"])
        self._rename(which)
        self._metadata(which)
        self._tags(which)
        self._of_synnefo(which)
        self.context.say(f"{label(found)} is changed")

    def _check_family(self) -> None:
        """Refuse before anything is changed what the cloud's family does not have."""
        for option in ("firewall", "project"):
            if self[option] and self.cloud.dialect != "synnefo":
                raise UsageError(
                    f"--{option}: an OpenStack has no such thing",
                    hint="use security groups and projects there",
                )

    def _rename(self, which: str) -> None:
        compute = self.cloud.compute
        if self["password"]:
            from pelagos.cli.secrets import ask_secret

            secret = ask_secret(self.context, "new password: ")
            compute.change_admin_password(which, secret)
        if self["name"]:
            compute.update_server_name(which, self["name"])

    def _metadata(self, which: str) -> None:
        compute = self.cloud.compute
        if self["set"]:
            compute.servers_metadata_post(which, json_data={"metadata": self["set"]})
        for key in self["del"]:
            compute.delete_server_metadata(which, key)

    def _tags(self, which: str) -> None:
        compute = self.cloud.compute
        if self["untag_all"]:
            compute.delete_tags(which)
        if self["retag"]:
            compute.replace_tags(which, self["retag"])
        for tag in self["tag"]:
            compute.add_tag(which, tag)
        for tag in self["untag"]:
            compute.delete_tag(which, tag)

    def _of_synnefo(self, which: str) -> None:
        compute: Any = self.cloud.compute
        if self["firewall"]:
            compute.set_firewall_profile(which, self["firewall"], self["port"])
        if self["project"]:
            compute.reassign_server(which, self["project"])
