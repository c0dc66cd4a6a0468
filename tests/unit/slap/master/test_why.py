"""Faults, made on purpose: `why` names what happened, to whom, and a command that exists."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pelagos.cli.index import COMMANDS
from pelagos.slap import master
from pelagos.slap.errors import NotFoundError, ResourceNotReady
from pelagos.slap.master.auth import Role
from pelagos.slap.model import (
    Cause,
    ComputerFormat,
    Explanation,
    Instance,
    InstanceRequest,
    InstanceState,
)
from support.slap_site import ADMIN, COMPUTER, URL, Site, announcement

AGENT = master.computer(COMPUTER)
OTHER = "/srv/other/software.cfg"


def started(site: Site, reference: str = "db", **kw: object) -> Instance:
    """A service that was seen well."""
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    found = site.request(reference, **kw)
    site.report(found)
    return found


def waits(site: Site, parent: Instance, reference: str, **kw: object) -> None:
    with pytest.raises(ResourceNotReady):
        site.child(parent, reference, **kw)


# ---- one fault each: it builds a state; what is asked about is "db" ----------------------------


def release_unknown(site: Site) -> None:
    site.refusal("db", url=OTHER)


def release_elsewhere(site: Site) -> None:
    site.add_computer("COMP-2", 1)
    site.refusal("db", filters={"computer_guid": "COMP-2"})


def release_withdrawn(site: Site) -> None:
    started(site)
    site.supply(state="destroyed")
    site.request("db", parameters={"a": "b"})


def release_changed(site: Site) -> None:
    started(site)
    site.request("db", url=OTHER)


def all_taken(site: Site) -> None:
    for number in range(3):
        site.request(f"s{number}")
    site.refusal("db")


def nothing_announced(site: Site) -> None:
    site.service.format_computer(announcement(0), AGENT)
    site.refusal("db")


def no_such_capability(site: Site) -> None:
    site.refusal("db", filters={"capability": "gpu"})


def unknown_filter(site: Site) -> None:
    site.refusal("db", filters={"regoin": "sea"})


def unmatched_filter(site: Site) -> None:
    site.refusal("db", filters={"region": "sea"})


def wrong_mode(site: Site) -> None:
    site.refusal("db", filters={"mode": "lonely"})


def unshared_guid(site: Site) -> None:
    site.refusal("db", filters={"instance_guid": "SOFTINST-1"})


def no_network_left(site: Site) -> None:
    root = site.request("root")
    waits(site, root, "db", filters={"mode": "unique_by_network"})


def draining(site: Site) -> None:
    site.service.drain(COMPUTER, True, ADMIN)
    site.refusal("db")


def silent_before(site: Site) -> None:
    site.clock.advance(100)
    site.refusal("db")


def silent_after(site: Site) -> None:
    started(site)
    site.clock.advance(100)


def never_seen(site: Site) -> None:
    site.service.register_computer("COMP-9")


def not_acted(site: Site) -> None:
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    site.request("db")


def building(site: Site) -> None:
    site.request("db")
    site.service.report_release(COMPUTER, URL, "building", AGENT)


def build_failed(site: Site) -> None:
    site.request("db")
    log = "While:\n  Installing db.\nError: no distribution for 'nothing'"
    site.service.report_release_error(COMPUTER, URL, log, AGENT)


def release_gone(site: Site) -> None:
    site.request("db")
    said = Cause("release-unreachable", f"{URL} answers 404", hint="check the URL")
    site.service.report_release_error(COMPUTER, URL, "404", AGENT, said)


def promise_failed(site: Site) -> None:
    said = Cause("promise-failed", "promise db-listens: connection refused", hint="look at it")
    site.fail(started(site), "promise", said)


def crashed(site: Site) -> None:
    site.fail(started(site), "x", Cause("service-crashed", "db ended with 1", hint="read its log"))


def foreign_error(site: Site) -> None:
    site.fail(started(site), "Traceback\nValueError: bad port of db")


def stopped(site: Site) -> None:
    found = started(site)
    site.set_state("db", "stopped")
    site.report(found, "stopped")


def stopping(site: Site) -> None:
    started(site)
    site.set_state("db", "stopped")


def stopped_by_its_root(site: Site) -> None:
    root = started(site, "root")
    kid = site.child(root, "db")
    site.set_state("root", "stopped")
    site.report(kid, "stopped")


def destroying(site: Site) -> None:
    started(site)
    site.set_state("db", "destroyed")


def destroying_waits_for_children(site: Site) -> None:
    root = started(site)
    site.child(root, "kid")
    site.set_state("db", "destroyed")
    site.report(root, "destroyed")


def destroying_on_a_silent_computer(site: Site) -> None:
    destroying(site)
    site.clock.advance(100)


def destroyed(site: Site) -> None:
    found = started(site)
    site.set_state("db", "destroyed")
    site.report(found, "destroyed")


def host_without_a_place(site: Site) -> None:
    site.refusal("host", url=OTHER)
    site.refusal("db", url=OTHER, shared=True)


def host_gone(site: Site) -> None:
    host = started(site, "host")
    site.request("db", shared=True)
    site.set_state("host", "destroyed")
    site.report(host, "destroyed")


def host_failed(site: Site) -> None:
    host = started(site, "host")
    site.request("db", shared=True)
    site.fail(host, "x", Cause("promise-failed", "promise of host fails", hint="look"))


def host_says_nothing(site: Site) -> None:
    host = started(site, "host")
    site.request("db", shared=True)
    site.report(host)


def shared_fails_alone(site: Site) -> None:
    host = started(site, "host")
    shared = site.request("db", shared=True)
    site.service.report_partition_error(
        COMPUTER, host.partition_id, "bad domain of db", AGENT, shared_reference=shared.guid
    )


def child_without_a_place(site: Site) -> None:
    root = started(site)
    waits(site, root, "kid", url=OTHER)
    site.fail(root, "kid is not ready")


def child_failed(site: Site) -> None:
    root = started(site)
    kid = site.child(root, "kid")
    site.fail(root, "kid is not ready")
    site.fail(kid, "x", Cause("port-taken", "kid: port 80 is taken", hint="ss -ltnp"))


FAULTS: list[tuple[Callable[[Site], None], str, str]] = [
    (release_unknown, "release-unknown", OTHER),
    (release_elsewhere, "release-not-supplied", "COMP-2"),
    (release_withdrawn, "release-not-supplied", URL),
    (release_changed, "release-not-supplied", OTHER),
    (all_taken, "no-partition-free", COMPUTER),
    (nothing_announced, "no-partition-free", COMPUTER),
    (no_such_capability, "no-partition-free", "gpu"),
    (unknown_filter, "filter-unmatched", "regoin"),
    (unmatched_filter, "filter-unmatched", "region=sea"),
    (wrong_mode, "filter-unmatched", "lonely"),
    (unshared_guid, "filter-unmatched", "instance_guid"),
    (no_network_left, "filter-unmatched", "unique_by_network"),
    (draining, "computer-draining", COMPUTER),
    (silent_before, "computer-silent", COMPUTER),
    (silent_after, "computer-silent", COMPUTER),
    (not_acted, "waiting-for-agent", COMPUTER),
    (building, "release-building", URL),
    (build_failed, "buildout-failed", "nothing"),
    (release_gone, "release-unreachable", URL),
    (promise_failed, "promise-failed", "db-listens"),
    (crashed, "service-crashed", "db"),
    (foreign_error, "instance-error", "bad port of db"),
    (stopped, "stopped", "stopped"),
    (stopping, "waiting-for-agent", COMPUTER),
    (stopped_by_its_root, "stopped", "stopped"),
    (destroying, "destroying", COMPUTER),
    (destroying_waits_for_children, "destroying", COMPUTER),
    (destroying_on_a_silent_computer, "computer-silent", COMPUTER),
    (destroyed, "destroyed", "gone"),
    (host_without_a_place, "release-unknown", OTHER),
    (host_gone, "no-shared-host", "host"),
    (host_failed, "promise-failed", "host"),
    (host_says_nothing, "waiting-for-host", "host"),
    (shared_fails_alone, "instance-error", "bad domain"),
    (child_without_a_place, "release-unknown", OTHER),
    (child_failed, "port-taken", "kid"),
]
#: They are as they were wished to be, or only wait: there is nothing to do.
NO_HINT = {"stopped", "destroyed", "release-building"}


def commands() -> set[str]:
    return {name for name, _, _ in COMMANDS}


def check_hint(cause: Cause) -> None:
    """Each command that a hint names is one of the command line's."""
    known = commands()
    for words in re.findall(r"pelagos ((?:[a-z-]+ ?)+)", cause.hint):
        parts = words.split()
        assert any(" ".join(parts[: n + 1]) in known for n in range(len(parts))), cause.hint


def _name(item: object) -> str:
    return str(getattr(item, "__name__", item)).strip("/").replace("/", "-")


@pytest.mark.parametrize(("fault", "code", "named"), FAULTS, ids=_name)
def test_a_fault_is_explained(site: Site, fault: Callable[[Site], None], code: str, named: str):
    fault(site)
    found = site.service.explain("db")
    assert found.cause.code == code
    assert named in found.cause.message
    assert found.cause.since > 0
    assert found.cause.seen_by
    assert found.cause not in found.chain
    assert bool(found.cause.hint) or code in NO_HINT
    for cause in (found.cause, *found.chain):
        assert cause.message
        check_hint(cause)


def test_a_computer_that_never_called_is_explained(site: Site):
    never_seen(site)
    found = site.service.explain("COMP-9")
    assert found.cause.code == "never-seen"
    assert "COMP-9" in found.cause.message
    check_hint(found.cause)


# ---- chains ------------------------------------------------------------------------------------


def links(found: Explanation) -> list[str]:
    return [cause.code for cause in found.chain]


def test_a_root_waits_for_a_child_that_waits_for_a_shared_one_whose_host_has_no_computer(
    site: Site,
):
    root = started(site, "root")
    middle = site.child(root, "middle")
    waits(site, root, "host", url=OTHER)
    waits(site, middle, "front", url=OTHER, shared=True)
    site.fail(middle, "front is not ready")
    site.fail(root, "middle is not ready")
    found = site.service.explain("root")
    assert found.cause.code == "release-unknown"
    assert OTHER in found.cause.message
    # The host is a child of the root, too, and has no place: that is the shorter way.
    assert links(found) == ["instance-error", "waiting-for-child"]
    found = site.service.explain("middle")
    assert found.cause.code == "release-unknown"
    assert links(found) == ["instance-error", "waiting-for-child", "waiting-for-host"]
    assert "front" in found.chain[1].message
    assert "host" in found.chain[2].message


def test_a_chain_of_four_names_each_link_nearest_first(site: Site):
    site.refusal("host", url=OTHER)
    root = site.request("root")
    middle = site.child(root, "middle")
    waits(site, middle, "front", url=OTHER, shared=True)
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    found = site.service.explain("root")
    assert found.cause.code == "release-unknown"
    assert links(found) == ["waiting-for-child", "waiting-for-child", "waiting-for-host"]
    for cause, (waiting, awaited) in zip(
        found.chain, [("root", "middle"), ("middle", "front"), ("front", "host")], strict=True
    ):
        assert cause.message.startswith(f"{waiting} waits for {awaited}")
    site.supply(OTHER)
    found = site.service.explain("root")
    assert found.cause.code == "waiting-for-agent"


def test_those_who_wait_for_each_other_end_the_chain(site: Site):
    host = site.request("host")
    site.child(host, "kid", shared=True, filters={"instance_guid": host.guid})
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    site.fail(host, "kid gives nothing")
    found = site.service.explain("host")
    assert found.cause.code == "waiting-for-host"
    assert links(found) == ["instance-error", "waiting-for-child"]


def test_a_well_root_is_well_whatever_its_children_do(site: Site):
    root = started(site, "root")
    waits(site, root, "kid", url=OTHER)
    assert site.service.explain("root").cause.code == "ok"


def test_a_doomed_tree_is_explained_down_to_the_computer_that_is_silent(site: Site):
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    root = started(site, "root")
    site.child(root, "kid", filters={"computer_guid": "COMP-2"})
    site.set_state("root", "destroyed")
    site.report(root, "destroyed")
    site.clock.advance(100)
    site.service.seen(COMPUTER)
    found = site.service.explain("root")
    assert found.cause.code == "computer-silent"
    assert "COMP-2" in found.cause.message
    assert links(found)[0] == "destroying"


def test_a_computers_properties_do_not_hide_its_faults(site: Site):
    said = ComputerFormat(COMPUTER, announcement(3).partitions, properties={"region": "sea"})
    site.service.format_computer(said, AGENT)
    site.clock.advance(100)
    cause = site.refusal("db", filters={"region": "sea"}, state=InstanceState.STOPPED)
    assert cause.code == "computer-silent"


def test_the_chain_ends_before_what_the_caller_may_not_see(site: Site):
    ann = master.person("ann", Role.TENANT)
    host = started(site, "secret-host")
    wish = InstanceRequest("front", URL, shared=True)
    front = site.service.request(wish, ann)
    site.fail(host, "x", Cause("promise-failed", "a secret of the host", hint="look"))
    assert site.service.explain("front", identity=ADMIN).cause.code == "promise-failed"
    found = site.service.explain("front", identity=ann)
    assert found.cause.code == "waiting-for-host"
    assert "secret" not in str(found)
    assert [node.guid for node in site.service.tree("front", ann)] == [front.guid]
    with pytest.raises(NotFoundError):
        site.service.tree("secret-host", ann)
