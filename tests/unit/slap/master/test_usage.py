"""Usage reports kept and asked for; each sees what is his."""

from __future__ import annotations

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master.auth import Role
from pelagos.slap.master.usage import UsageWish
from pelagos.slap.model import InstanceRequest
from pelagos.slap.tio import Movement, write_journal
from support.slap_site import ADMIN, COMPUTER, URL, Site

AGENT = master.computer(COMPUTER)
ANN = master.person("ann", Role.TENANT)
BOB = master.person("bob", Role.TENANT)


def journal(*movements: Movement, stop: float = 1_003_600.0, title: str = "") -> str:
    return write_journal(COMPUTER, movements, start=stop - 3600, stop=stop, title=title).decode()


def cpu(partition: str, quantity: float = 1.0) -> Movement:
    return Movement("cpu", quantity, "processor time, seconds", partition)


def rows(
    site: Site, identity: master.Identity = ADMIN, **wish: object
) -> list[tuple[object, ...]]:
    found = site.service.usage(UsageWish(**wish), identity)  # type: ignore[arg-type]  # as given
    return [(row.service, row.partition_id, row.resource, row.quantity) for row in found]


def test_a_report_can_be_asked_for_by_service_computer_and_time(site: Site) -> None:
    site.supply()
    site.request("one")
    site.request("two")
    site.service.use_computer(
        COMPUTER, journal(cpu("slappart0", 1.0), cpu("slappart1", 2.0), cpu("", 3.0)), AGENT
    )
    site.service.use_computer(COMPUTER, journal(cpu("slappart0", 4.0), stop=2e6), AGENT)
    assert set(rows(site)) == {
        ("one", "slappart0", "cpu", 1.0),
        ("two", "slappart1", "cpu", 2.0),
        (None, None, "cpu", 3.0),
        ("one", "slappart0", "cpu", 4.0),
    }
    assert [row[3] for row in rows(site, service="one")] == [4.0, 1.0]
    assert [row[3] for row in rows(site, since=1.5e6)] == [4.0]
    assert [row[3] for row in rows(site, service="one", until=1.5e6)] == [1.0]
    assert len(rows(site, computer_id=COMPUTER, limit=2)) == 2


def test_a_root_stands_for_its_tree(site: Site) -> None:
    site.supply()
    root = site.request("one")
    site.child(root, "below")
    site.service.use_computer(COMPUTER, journal(cpu("slappart0"), cpu("slappart1")), AGENT)
    assert {row[0] for row in rows(site, service="one")} == {"one", "below"}


def test_each_sees_his_own(site: Site) -> None:
    site.supply()
    for reference, owner in (("hers", ANN), ("his", BOB)):
        site.service.request(InstanceRequest(reference, URL), owner)
    report = journal(cpu("slappart0"), cpu("slappart1"), cpu(""))
    site.service.use_computer(COMPUTER, report, AGENT)
    assert [row[0] for row in rows(site, ANN)] == ["hers"]
    assert [row[0] for row in rows(site, BOB)] == ["his"]
    with pytest.raises(NotFoundError):
        rows(site, ANN, service="his")
    assert len(rows(site)) == 3


def test_the_same_report_once_more_changes_nothing(site: Site) -> None:
    for _ in range(2):
        site.service.use_computer(COMPUTER, journal(cpu("")), AGENT)
    assert len(rows(site)) == 1
    site.service.use_computer(COMPUTER, journal(cpu(""), title="another"), AGENT)
    assert len(rows(site)) == 2


def test_old_reports_are_forgotten(site: Site) -> None:
    site.service.use_computer(COMPUTER, journal(cpu("")), AGENT)
    site.clock.advance(401 * 86_400.0)
    site.service.use_computer(COMPUTER, journal(cpu("", 2.0)), AGENT)
    assert [row[3] for row in rows(site)] == [2.0]


def test_a_partition_of_another_computer_is_not_touched(site: Site) -> None:
    site.add_computer("COMP-2", 1)
    site.supply()
    site.request("one")
    report = journal(cpu("slappart0"), cpu("../etc"))
    site.service.use_computer("COMP-2", report, master.computer("COMP-2"))
    assert {row[:2] for row in rows(site)} == {(None, "slappart0"), (None, None)}


@pytest.mark.parametrize("report", ["", "text", "<x/>", "<journal><transaction/></journal>"])
def test_what_is_no_report_is_refused_with_a_reason(report: str, site: Site) -> None:
    with pytest.raises(BadRequest, match="usage report"):
        site.service.use_computer(COMPUTER, report, AGENT)


def test_nobody_asks_for_what_is_not_there(site: Site) -> None:
    with pytest.raises(NotFoundError):
        rows(site, service="nothing")
    with pytest.raises(NotFoundError):
        rows(site, computer_id="COMP-9")
