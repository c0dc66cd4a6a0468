"""Routers, marketplaces, hooks and backup jobs as the XML that OpenNebula answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pelagos.box.opennebula.kinds import BACKUPJOB, HOOK, MARKET, MARKETAPP, VROUTER
from pelagos.box.opennebula.markup import cdata, element, ids

if TYPE_CHECKING:  # for a cycle: these are a part of them
    from pelagos.box.opennebula.shapes import Shapes
    from pelagos.box.opennebula.world import Thing

Shape = Callable[["Thing", bool], str]
_JOB_LISTS = ("UPDATED_VMS", "OUTDATED_VMS", "BACKING_UP_VMS", "ERROR_VMS")


def known(shapes: Shapes) -> dict[str, Shape]:
    """How each kind is written."""
    from pelagos.box.opennebula.shapes import lock, permissions  # noqa: PLC0415  # see above

    def router(thing: Thing, _: bool) -> str:
        return (
            shapes.head(thing) + lock(thing) + ids("VMS", thing.more["vms"]) + thing.template.xml()
        )

    def market(thing: Thing, _: bool) -> str:
        state = (
            element("STATE", thing.more["state"])
            + cdata("MARKET_MAD", thing.template.get("MARKET_MAD"))
            + cdata("ZONE_ID", 0)
            + "<TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB><USED_MB>0</USED_MB>"
            + ids("MARKETPLACEAPPS", shapes.apps_of(thing))
        )
        return shapes.head(thing, state) + thing.template.xml()

    def app(thing: Thing, _: bool) -> str:
        more = thing.more
        head = shapes.head(thing).replace(permissions(thing), "")
        return (
            head
            + lock(thing)
            + element("REGTIME", more["time"])
            + cdata("ZONE_ID", 0)
            + cdata("ORIGIN_ID", more["origin"])
            + cdata("SOURCE", f"http://127.0.0.1/apps/{thing.id}")
            + cdata("MD5", "")
            + element("SIZE", more["size"])
            + cdata("DESCRIPTION", more["description"])
            + cdata("VERSION", more["version"])
            + cdata("FORMAT", "raw")
            + cdata("APPTEMPLATE64", more["apptemplate"])
            + element("MARKETPLACE_ID", more["market"])
            + element("MARKETPLACE", shapes.name_of(MARKET, more["market"]))
            + element("STATE", more["state"])
            + element("TYPE", more["type"])
            + permissions(thing)
            + thing.template.xml()
        )

    def hook(thing: Thing, _: bool) -> str:
        return (
            f"<ID>{thing.id}</ID><NAME>{thing.name}</NAME><TYPE>{thing.more['type']}</TYPE>"
            f"{lock(thing)}{thing.template.xml()}<HOOKLOG></HOOKLOG>"
        )

    def job(thing: Thing, _: bool) -> str:
        plans = [one["ID"] for one in thing.more["scheduled"]]
        return (
            shapes.head(thing)
            + lock(thing)
            + element("PRIORITY", thing.more["priority"])
            + "<LAST_BACKUP_TIME>0</LAST_BACKUP_TIME>"
            "<LAST_BACKUP_DURATION>0</LAST_BACKUP_DURATION>"
            + ids("SCHED_ACTIONS", plans)
            + "".join(map(element, _JOB_LISTS))
            + thing.template.xml()
        )

    return {
        VROUTER.word: router,
        MARKET.word: market,
        MARKETAPP.word: app,
        HOOK.word: hook,
        BACKUPJOB.word: job,
    }
