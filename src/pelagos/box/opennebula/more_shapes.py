"""Routers, marketplaces, hooks and backup jobs as the XML that OpenNebula answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pelagos.box.opennebula.kinds import BACKUPJOB, HOOK, MARKET, MARKETAPP, VROUTER
from pelagos.box.opennebula.markup import cdata, element, ids, lock, permissions

if TYPE_CHECKING:  # for a cycle: these are a part of them
    from pelagos.box.opennebula.shapes import Shapes
    from pelagos.box.opennebula.world import Thing

Shape = Callable[["Thing", bool], str]
_JOB_LISTS = ("UPDATED_VMS", "OUTDATED_VMS", "BACKING_UP_VMS", "ERROR_VMS")


class MoreShapes:
    """How the rarer kinds are written.

    Attributes:
        of: per word of a kind, what writes one; the second argument has no meaning for these.
    """

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self.of: dict[str, Shape] = {
            VROUTER.word: self._router,
            MARKET.word: self._market,
            MARKETAPP.word: self._app,
            HOOK.word: self._hook,
            BACKUPJOB.word: self._job,
        }

    def _router(self, router: Thing, _: bool) -> str:
        vms = ids("VMS", router.more["vms"])
        return self._shapes.head(router) + lock(router) + vms + router.template.xml()

    def _market(self, market: Thing, _: bool) -> str:
        state = (
            element("STATE", market.more["state"])
            + cdata("MARKET_MAD", market.template.get("MARKET_MAD"))
            + cdata("ZONE_ID", 0)
            + "<TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB><USED_MB>0</USED_MB>"
            + ids("MARKETPLACEAPPS", self._shapes.apps_of(market))
        )
        return self._shapes.head(market, state) + market.template.xml()

    def _app(self, app: Thing, _: bool) -> str:
        more = app.more
        rights = permissions(app)
        return (
            self._shapes.head(app).replace(rights, "")
            + lock(app)
            + element("REGTIME", more["time"])
            + cdata("ZONE_ID", 0)
            + cdata("ORIGIN_ID", more["origin"])
            + cdata("SOURCE", f"http://127.0.0.1/apps/{app.id}")
            + cdata("MD5", "")
            + element("SIZE", more["size"])
            + cdata("DESCRIPTION", more["description"])
            + cdata("VERSION", more["version"])
            + cdata("FORMAT", "raw")
            + cdata("APPTEMPLATE64", more["apptemplate"])
            + element("MARKETPLACE_ID", more["market"])
            + element("MARKETPLACE", self._shapes.name_of(MARKET, more["market"]))
            + element("STATE", more["state"])
            + element("TYPE", more["type"])
            + rights
            + app.template.xml()
        )

    def _hook(self, hook: Thing, _: bool) -> str:
        head = f"<ID>{hook.id}</ID><NAME>{hook.name}</NAME><TYPE>{hook.more['type']}</TYPE>"
        return head + lock(hook) + hook.template.xml() + "<HOOKLOG></HOOKLOG>"

    def _job(self, job: Thing, _: bool) -> str:
        plans = [one["ID"] for one in job.more["scheduled"]]
        return (
            self._shapes.head(job)
            + lock(job)
            + element("PRIORITY", job.more["priority"])
            + "<LAST_BACKUP_TIME>0</LAST_BACKUP_TIME>"
            "<LAST_BACKUP_DURATION>0</LAST_BACKUP_DURATION>"
            + ids("SCHED_ACTIONS", plans)
            + "".join(map(element, _JOB_LISTS))
            + job.template.xml()
        )
