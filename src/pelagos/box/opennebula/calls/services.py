"""Routers, marketplaces and their apps, hooks, backup jobs, costs."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.box.opennebula import addresses, machine
from pelagos.box.opennebula.calls.devices import numbered_plan, planned
from pelagos.box.opennebula.calls.others import new_thing
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.kinds import (
    BACKUPJOB,
    HOOK,
    MARKET,
    MARKETAPP,
    NETWORK,
    TEMPLATE,
    VM,
    VROUTER,
    Kind,
)
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, USE
from pelagos.box.opennebula.world import Thing

_APPS = ("UNKNOWN", "IMAGE", "VMTEMPLATE", "SERVICE_TEMPLATE")
_READY, _DISABLED = 1, 4
_PRIORITIES = range(100)
_HIGHEST_OF_USERS = 50


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of these kinds that not all have."""
    calls = _Services(cloud)
    for kind in (VROUTER, MARKET, MARKETAPP, HOOK, BACKUPJOB):
        yield Method.of(f"one.{kind.word}.delete", "i", calls.deleter(kind))
    yield Method.of("one.vrouter.allocate", "s", calls.allocate_router)
    yield Method.of("one.vrouter.instantiate", "iiisbs", calls.instantiate)
    yield Method.of("one.vrouter.attachnic", "is", calls.attach_nic)
    yield Method.of("one.vrouter.detachnic", "ii", calls.detach_nic)
    yield Method.of("one.market.allocate", "s", calls.allocate_market)
    yield Method.of("one.market.enable", "ib", calls.enable_market)
    yield Method.of("one.marketapp.allocate", "si", calls.allocate_app)
    yield Method.of("one.marketapp.enable", "ib", calls.enable_app)
    yield Method.of("one.hook.allocate", "s", calls.allocate_hook)
    yield Method.of("one.hook.retry", "ii", calls.retry_hook)
    yield Method.of("one.hooklog.info", "iiii", calls.hook_log)
    yield Method.of("one.backupjob.allocate", "s", calls.allocate_job)
    yield Method.of("one.backupjob.priority", "ii", calls.priority)
    for word in ("backup", "cancel", "retry"):
        yield Method.of(f"one.backupjob.{word}", "i", calls.job_is_there)
    yield Method.of("one.backupjob.schedadd", "is", calls.plan)
    yield Method.of("one.backupjob.schedupdate", "iis", calls.change_plan)
    yield Method.of("one.backupjob.scheddelete", "ii", calls.drop_plan)
    yield Method.of("one.vmpool.showback", "iiiii", calls.showback)
    yield Method.of("one.vmpool.calculateshowback", "iiii", calls.calculate)


class _Services:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def _template(self, caller: int, kind: Kind, text: str) -> Attributes:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, kind, CREATE)
        return template

    def deleter(self, kind: Kind):  # type: ignore[no-untyped-def]  # a handler
        def delete(caller: int, number: int) -> int:
            thing = self._cloud.guard.need(caller, kind, number, MANAGE)
            if kind == MARKET and self._cloud.shapes.apps_of(thing):
                raise Failure(Code.ACTION, f"Marketplace {number} is not empty.", number)
            if kind == VROUTER:
                if any(self._lives(vm) for vm in thing.more["vms"]):
                    raise Failure(Code.ACTION, f"Virtual router {number} has machines", number)
                for nic in thing.template.vectors("NIC"):
                    self._let_go(thing, nic)
            self._world.remove(thing)
            return number

        return delete

    def _lives(self, number: int) -> bool:
        vm = self._world.find(VM, number)
        return vm is not None and vm.more["state"] != 6  # noqa: PLR2004  # done

    # ---- routers

    def allocate_router(self, caller: int, text: str) -> int:
        template = self._template(caller, VROUTER, text)
        nics = template.vectors("NIC")
        template.take("NIC")
        router = new_thing(self._cloud, caller, VROUTER, template, {})
        for nic in nics:
            self._take(caller, router, nic)
        return router.id

    def _take(self, caller: int, router: Thing, nic: dict[str, str]) -> None:
        network = machine.find_named(self._cloud, caller, NETWORK, nic, "NETWORK")
        taken = [int(one["NIC_ID"]) for one in router.template.vectors("NIC")]
        kept = {
            **nic,
            "NETWORK": network.name,
            "NETWORK_ID": str(network.id),
            "NIC_ID": str(max(taken, default=-1) + 1),
        }
        if nic.get("FLOATING_IP", "").upper() == "YES":
            holder = ("VROUTER", router.id)
            lease = addresses.take(network.more["ars"], holder, nic.get("IP", ""))
            self._world.save(network)
            kept |= {"AR_ID": lease["AR_ID"], "VROUTER_MAC": lease["MAC"]}
            kept |= {"VROUTER_IP": lease["IP"]} if "IP" in lease else {}
        self._world.save(router)
        router.template.add("NIC", kept)

    def _let_go(self, router: Thing, nic: dict[str, str]) -> None:
        network = self._world.find(NETWORK, int(nic["NETWORK_ID"]))
        if network is not None and "VROUTER_IP" in nic:
            addresses.release(network.more["ars"], ("VROUTER", router.id), nic["VROUTER_IP"])
            self._world.save(network)

    def instantiate(
        self, caller: int, number: int, count: int, template: int, name: str, hold: bool,
        extra: str,
    ) -> int:  # fmt: skip
        router = self._cloud.guard.need(caller, VROUTER, number, MANAGE)
        source = self._cloud.guard.need(caller, TEMPLATE, template, USE)
        self._cloud.guard.need_kind(caller, VM, CREATE)
        self._world.save(router)
        for at in range(count):
            whole = machine.merged(source.template, parse(extra) if extra else Attributes())
            whole.put("VROUTER_ID", str(number))
            for nic in router.template.vectors("NIC"):
                whole.add("NIC", {"NETWORK_ID": nic["NETWORK_ID"]})
            called = (name or f"vr-{router.name}-%i").replace("%i", str(at))
            vm = machine.make(self._cloud, caller, whole, name=called, on_hold=hold)
            router.more["vms"].append(vm.id)
        return number

    def attach_nic(self, caller: int, number: int, text: str) -> int:
        router = self._cloud.guard.need(caller, VROUTER, number, MANAGE)
        for nic in parse(text).vectors("NIC"):
            self._take(caller, router, nic)
        return number

    def detach_nic(self, caller: int, number: int, nic_id: int) -> int:
        router = self._cloud.guard.need(caller, VROUTER, number, MANAGE)
        for nic in router.template.vectors("NIC"):
            if nic["NIC_ID"] == str(nic_id):
                self._world.save(router)
                self._let_go(router, nic)
                pairs = [pair for pair in router.template.pairs if pair[1] is not nic]
                router.template.pairs = pairs
                return number
        raise Failure(Code.ACTION, f"Virtual router {number} has no NIC {nic_id}", nic_id)

    # ---- marketplaces

    def allocate_market(self, caller: int, text: str) -> int:
        template = self._template(caller, MARKET, text)
        if not template.get("MARKET_MAD"):
            raise Failure(Code.INTERNAL, "No MARKET_MAD in template.")
        return new_thing(self._cloud, caller, MARKET, template, {"state": 0}).id

    def enable_market(self, caller: int, number: int, wished: bool) -> int:
        market = self._cloud.guard.need(caller, MARKET, number, MANAGE)
        self._world.save(market)
        market.more["state"] = int(not wished)
        return number

    def allocate_app(self, caller: int, text: str, market: int) -> int:
        template = self._template(caller, MARKETAPP, text)
        self._cloud.guard.need(caller, MARKET, market, USE)
        kind = template.take("TYPE").upper() or "IMAGE"
        if kind not in _APPS:
            raise Failure(Code.INTERNAL, "Unknown TYPE of marketplace app")
        more = {
            "market": market, "type": _APPS.index(kind), "state": _READY,
            "origin": template.take("ORIGIN_ID") or "-1", "size": template.take("SIZE") or "0",
            "description": template.take("DESCRIPTION"), "version": template.take("VERSION"),
            "apptemplate": template.take("APPTEMPLATE64"),
        }  # fmt: skip
        return new_thing(self._cloud, caller, MARKETAPP, template, more).id

    def enable_app(self, caller: int, number: int, wished: bool) -> int:
        app = self._cloud.guard.need(caller, MARKETAPP, number, MANAGE)
        self._world.save(app)
        app.more["state"] = _READY if wished else _DISABLED
        return number

    # ---- hooks

    def allocate_hook(self, caller: int, text: str) -> int:
        template = self._template(caller, HOOK, text)
        kind = template.take("TYPE").lower()
        if kind not in {"api", "state"}:
            raise Failure(Code.INTERNAL, "Missing or wrong TYPE of the hook.")
        if not template.get("COMMAND"):
            raise Failure(Code.INTERNAL, "COMMAND attribute is missing")
        return new_thing(self._cloud, caller, HOOK, template, {"type": kind}).id

    def retry_hook(self, caller: int, number: int, execution: int) -> int:
        self._cloud.guard.need(caller, HOOK, number, ADMIN)
        raise Failure(Code.NO_EXISTS, f"There is no execution {execution} of the hook", execution)

    def hook_log(self, caller: int, _first: int, _last: int, _hook: int, _code: int) -> str:
        self._cloud.guard.need_kind(caller, HOOK, ADMIN)
        return "<HOOKLOG></HOOKLOG>"

    # ---- backup jobs

    def allocate_job(self, caller: int, text: str) -> int:
        template = self._template(caller, BACKUPJOB, text)
        priority = template.take("PRIORITY") or str(_HIGHEST_OF_USERS)
        more = {"priority": self._checked(caller, priority), "scheduled": []}
        return new_thing(self._cloud, caller, BACKUPJOB, template, more).id

    def _checked(self, caller: int, priority: str) -> int:
        highest = _PRIORITIES[-1] if self._cloud.guard.who(caller).is_admin else _HIGHEST_OF_USERS
        if not priority.isdigit() or int(priority) > highest:
            raise Failure(Code.INTERNAL, f"Priority has to be a number from 0 to {highest}")
        return int(priority)

    def priority(self, caller: int, number: int, priority: int) -> int:
        job = self._cloud.guard.need(caller, BACKUPJOB, number, MANAGE)
        wished = self._checked(caller, str(priority))
        self._world.save(job)
        job.more["priority"] = wished
        return number

    def job_is_there(self, caller: int, number: int) -> int:
        self._cloud.guard.need(caller, BACKUPJOB, number, MANAGE)
        return number

    def plan(self, caller: int, number: int, text: str) -> int:
        job = self._cloud.guard.need(caller, BACKUPJOB, number, MANAGE)
        self._world.save(job)
        plan = max((one["ID"] for one in job.more["scheduled"]), default=-1) + 1
        job.more["scheduled"].append(planned(plan, number, text))
        return plan

    def change_plan(self, caller: int, number: int, plan: int, text: str) -> int:
        job = self._cloud.guard.need(caller, BACKUPJOB, number, MANAGE)
        found = numbered_plan(job, plan)
        self._world.save(job)
        found.update(planned(plan, number, text))
        return plan

    def drop_plan(self, caller: int, number: int, plan: int) -> int:
        job = self._cloud.guard.need(caller, BACKUPJOB, number, MANAGE)
        found = numbered_plan(job, plan)
        self._world.save(job)
        job.more["scheduled"].remove(found)
        return plan

    # ---- costs

    def showback(self, caller: int, flag: int, *_months: int) -> str:
        self._cloud.guard.visible(caller, VM, flag)
        return "<SHOWBACK_RECORDS></SHOWBACK_RECORDS>"

    def calculate(self, caller: int, *_months: int) -> str:
        self._cloud.guard.need_kind(caller, VM, ADMIN)
        return " "
