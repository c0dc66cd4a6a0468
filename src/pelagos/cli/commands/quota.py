"""`pelagos quota …`: how much of a cloud you use, and may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import CLOUD
from pelagos.cli.cloud.identity import SYNNEFO_PROJECT, IdentityCommand
from pelagos.cli.cloud.service_token import SERVICE, ServiceCommand
from pelagos.cli.cloud.showing import size
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_quota_commands = CommandTree("quota", "What you use of a cloud, and may use")

_MIB = 1024**2
_GIB = 1024**3

#: (resource, used, limit, bytes of a unit or 0), as Nova and Cinder call them.
_COMPUTE = (
    ("servers", "totalInstancesUsed", "maxTotalInstances", 0),
    ("cores", "totalCoresUsed", "maxTotalCores", 0),
    ("ram", "totalRAMUsed", "maxTotalRAMSize", _MIB),
    ("server groups", "totalServerGroupsUsed", "maxServerGroups", 0),
    ("keypairs", "", "maxTotalKeypairs", 0),
)
_VOLUME = (
    ("volumes", "totalVolumesUsed", "maxTotalVolumes", 0),
    ("snapshots", "totalSnapshotsUsed", "maxTotalSnapshots", 0),
    ("volume storage", "totalGigabytesUsed", "maxTotalVolumeGigabytes", _GIB),
    ("backups", "totalBackupsUsed", "maxTotalBackups", 0),
)


@command(_quota_commands)
class QuotaList(IdentityCommand):
    """List what your project uses and may use; of Synnefo, of each project that you are in.

    Services of an OpenStack that do not answer are named on stderr.
    """

    shows = True
    lists = True
    keys = ("project", "unit", "used", "limit", "left", "pelagos.clients.astakos.types:Quota")
    arguments = {
        **CLOUD,
        "project": ValueArgument(
            "only of this project, by name or id (Synnefo)",
            "--project",
            metavar="PROJECT",
            complete="cloud:project",
        ),
        "resource": ValueArgument(
            "only resources whose names begin so", "--resource", metavar="TEXT"
        ),
    }
    examples = ("pelagos quota list --resource cyclades",)

    def main(self) -> None:
        """Print them."""
        if self["project"]:
            self.only_synnefo("--project", "log in for that project: it is in the configuration")
        rows = list(self._synnefo() if self.is_synnefo else self._openstack())
        wanted = self["resource"] or ""
        shown = [row for row in rows if str(row["resource"]).startswith(wanted)]
        columns = (
            *([Column("project_name", "project")] if self.is_synnefo else []),
            Column("resource"),
            Column("used_text", "used"),
            Column("limit_text", "limit"),
            Column("left_text", "left"),
        )
        empty = f"no resource begins with {wanted}" if wanted else "the cloud tells of no quotas"
        self.context.output.show_list([_worded(row) for row in shown], columns, empty=empty)

    def _synnefo(self) -> Iterator[dict[str, Any]]:
        astakos = self.cloud.astakos
        only = self.find_id(SYNNEFO_PROJECT, self["project"]) if self["project"] else None
        known = astakos.get_resources()
        names = {one["id"]: one["name"] for one in astakos.get_projects()}
        for project, resources in astakos.get_quotas().items():
            if only not in (None, project):
                continue
            for resource, found in sorted(resources.items()):
                limits = [found.get("limit")]
                if found.get("project_limit") is not None:
                    # What the others of the project have used is not left for this member.
                    others = found.get("project_usage", 0) - found.get("usage", 0)
                    limits.append(found["project_limit"] - others)
                yield {
                    "project": project,
                    "project_name": names.get(project, project),
                    "resource": resource,
                    "used": found.get("usage"),
                    "limit": min((one for one in limits if one is not None), default=None),
                    "unit": known.get(resource, {}).get("unit"),
                    **{key: value for key, value in found.items() if key.startswith("project_")},
                }

    def _openstack(self) -> Iterator[dict[str, Any]]:
        ways: Mapping[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "compute": lambda: self._limits(self.cloud.compute, _COMPUTE),
            "volume": lambda: self._limits(self.cloud.volume, _VOLUME),
            "network": self._network,
            "object-store": self._storage,
        }
        from pelagos.clients.errors import ClientError, CloudNotConfigured

        failures: dict[str, ClientError] = {}
        is_answered = False
        for service, way in ways.items():
            try:
                yield from list(way())
                is_answered = True
            except CloudNotConfigured:
                continue  # the cloud has no such service
            except ClientError as error:
                failures[service] = error
        if failures and not is_answered:
            raise next(iter(failures.values()))
        for service, failure in failures.items():
            self.context.say(f"{service}: {' '.join(failure.message.split())}")

    @staticmethod
    def _limits(client: Any, table: Any) -> Iterator[dict[str, Any]]:
        found = client.get(("limits",)).member("limits").get("absolute") or {}
        for resource, used, limit, unit in table:
            if limit not in found:
                continue
            factor = unit or 1
            told, most = found.get(used), found[limit]
            yield {
                "resource": resource,
                "used": None if told is None else told * factor,
                "limit": most * factor if most >= 0 else -1,
                "unit": "bytes" if unit else None,
            }

    def _network(self) -> Iterator[dict[str, Any]]:
        project = self.cloud.access.project_id
        reply = self.cloud.network.get(("quotas", project, "details.json"))
        for resource, found in sorted(reply.member("quota").items()):
            yield {
                "resource": _plural(resource.replace("_", " ")),
                "used": found.get("used"),
                "limit": found.get("limit"),
                "unit": None,
            }

    def _storage(self) -> Iterator[dict[str, Any]]:
        info = self.cloud.object_store.get_account_info()
        limit = info.get("x-account-meta-quota-bytes") or info.get("x-account-quota-bytes")
        yield {
            "resource": "object storage",
            "used": int(info.get("x-account-bytes-used") or 0),
            "limit": int(limit) if limit else -1,
            "unit": "bytes",
        }


def _plural(word: str) -> str:
    return f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"


def _worded(row: dict[str, Any]) -> dict[str, Any]:
    """The row with texts for a person; a limit below 0 is none."""
    used, limit = row.get("used"), row.get("limit")
    is_bytes = row.get("unit") == "bytes"

    def text(value: int | None) -> str:
        if value is None:
            return ""
        return size(value) if is_bytes else f"{value:,}"

    is_limited = limit is not None and limit >= 0
    return {
        **row,
        "used_text": text(used),
        "limit_text": text(limit) if is_limited else "none",
        "left_text": text(max(0, limit - used)) if is_limited and used is not None else "",
    }


@command(_quota_commands)
class QuotaUsers(ServiceCommand):
    """List what users have and may have: a service of a Synnefo asks.

    Without USER of all users; with --projects of projects as a whole.
    """

    shows = True
    lists = True
    keys = ("unit", "used", "pelagos.clients.astakos.types:Quota")
    arguments = {
        **SERVICE,
        "project": RepeatableArgument(
            "only in this project", "--project", metavar="ID", complete="cloud:project-id"
        ),
        "projects": FlagArgument("what projects have as a whole", "--projects"),
        "resource": ValueArgument(
            "only resources whose names begin so", "--resource", metavar="TEXT"
        ),
    }
    operands = {"users": Operand("ids of users")}

    def main(self, *users: str) -> None:
        """Print them."""
        if users and self["projects"]:
            raise UsageError("--projects is of no user", hint="narrow it with --project ID")
        only = self["project"] or None
        columns = [
            Column("user"),
            Column("project"),
            Column("resource"),
            Column("used_text", "used"),
            Column("limit_text", "limit"),
        ]
        if self["projects"]:
            found: dict[str, Any] = {"": self.service.service_get_project_quotas(only)}
            del columns[0]
        else:
            found = dict(self.service.service_get_quotas(users or None, only))
        units = {name: one.get("unit") for name, one in self.service.get_resources().items()}
        rows = [
            _worded({"user": user, "project": project, "resource": resource} | _counted(one, unit))
            for user, projects in found.items()
            for project, resources in projects.items()
            for resource, one in sorted(resources.items())
            if resource.startswith(self["resource"] or "")
            for unit in [units.get(resource)]
        ]
        self.context.output.show_list(rows, columns, empty="nothing is counted")


def _counted(found: Mapping[str, Any], unit: str | None) -> dict[str, Any]:
    """What is used and may be; of a project as a whole where no member is told of."""
    return {
        **found,
        "used": found.get("usage", found.get("project_usage")),
        "limit": found.get("limit", found.get("project_limit")),
        "unit": unit,
    }


@command(_quota_commands)
class QuotaResources(IdentityCommand):
    """List what a Synnefo counts."""

    shows = True
    lists = True
    keys = ("pelagos.clients.astakos.types:Resource",)
    arguments = CLOUD

    def main(self) -> None:
        """Print it."""
        self.only_synnefo("resources", "see: pelagos quota list")
        rows = [
            {"resource": name, **found}
            for name, found in sorted(self.cloud.astakos.get_resources().items())
        ]
        columns = (
            Column("resource"),
            Column("unit"),
            Column("service"),
            Column("description"),
        )
        self.context.output.show_list(rows, columns)
