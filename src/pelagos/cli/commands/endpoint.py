"""`pelagos endpoint list` and `cloud services`: where a cloud's services are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, like
from pelagos.cli.cloud.identity import IdentityCommand
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_endpoint_commands = CommandTree("endpoint", "Where the services of a cloud are")
_cloud_commands = CommandTree("cloud")


@command(_endpoint_commands)
class EndpointList(IdentityCommand):
    """List the addresses in the catalogue of a cloud; of a Synnefo without a login."""

    shows = True
    lists = True
    keys = ("interface", "version")
    arguments = {
        **CLOUD,
        "name": ValueArgument(
            "only services of this name; * stands for anything", "--name", metavar="PATTERN"
        ),
        "type": ValueArgument("only services of this type, as compute", "--type"),
        "all": FlagArgument("those for administrators and for services, too", "--all"),
    }
    examples = ("pelagos endpoint list", "pelagos endpoint list --type object-store -o value")

    def main(self) -> None:
        """Print them."""
        rows = list(self._of_astakos() if self.is_synnefo else self._of_keystone())
        if self["type"]:
            rows = like(rows, "type", self["type"])
        if self["name"]:
            rows = like(rows, "name", self["name"])
        columns = [Column("name"), Column("type"), Column("region"), Column("url")]
        if self["all"] and not self.is_synnefo:
            columns.insert(2, Column("interface"))
        self.context.output.show_list(rows, columns, empty="the catalogue has none")

    def _of_keystone(self) -> Iterator[dict[str, Any]]:
        for one in self.cloud.access.catalogue.endpoints:
            if self["all"] or one.interface == self.cloud.settings.interface:
                yield {
                    "name": one.name,
                    "type": one.service_type,
                    "interface": one.interface,
                    "region": one.region,
                    "url": one.url,
                }

    def _of_astakos(self) -> Iterator[dict[str, Any]]:
        known = self.cloud.astakos.get_endpoints()["access"].get("serviceCatalog") or []
        for service in known:
            for one in service.get("endpoints") or []:
                yield {
                    "name": service.get("name"),
                    "type": service.get("type"),
                    "region": one.get("region"),
                    "version": one.get("versionId"),
                    "url": one.get("publicURL"),
                }


@command(_cloud_commands)
class CloudServices(IdentityCommand):
    """List what the web page of a Synnefo offers; see also `pelagos endpoint list`."""

    shows = True
    lists = True
    keys = ("id", "icon", "verbose_name", "order", "cloudbar", "dashboard")
    arguments = CLOUD
    operands = {"cloud": Operand("its name; the same as --cloud", complete="cloud")}

    def main(self, cloud: str = "") -> None:
        """Print them."""
        from pelagos.cli.cloud.command import open_cloud

        if cloud:
            self.cloud = open_cloud(self.context, cloud)
        self.only_synnefo("services of a web page", "see: pelagos endpoint list")
        columns = (Column("name"), Column("url"))
        self.context.output.show_list(self.cloud.astakos.get_ui_services(), columns)
