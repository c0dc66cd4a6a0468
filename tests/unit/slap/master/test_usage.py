"""Usage reports kept and asked for; each sees what is his."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master import usage
from pelagos.slap.master.auth import Role
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.master.store import Reader
from pelagos.slap.master.usage import UsageWish
from pelagos.slap.model import InstanceRequest
from pelagos.slap.tio import Movement, read_journal, write_journal
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


def test_a_large_report_is_kept_with_few_queries(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.supply()
    site.request("one")
    asked: list[str] = []
    for name in ("partition", "instance_in_partition"):
        known = getattr(Reader, name)

        def counted(
            self: Reader, *where: str, name: str = name, known: Callable[..., Any] = known
        ) -> Any:
            asked.append(name)
            return known(self, *where)

        monkeypatch.setattr(Reader, name, counted)
    report = journal(*[cpu(f"slappart{number % 3}") for number in range(2000)])
    site.service.use_computer(COMPUTER, report, AGENT)
    assert len(rows(site, limit=5000)) == 2000
    assert {row[0] for row in rows(site, limit=5000)} == {"one", None}
    assert len(asked) <= 2


def test_a_report_of_many_movements_is_read_in_time_that_grows_with_it() -> None:
    def spent(count: int) -> float:
        document = write_journal(COMPUTER, [cpu("p")] * count, start=0.0, stop=1.0)
        begun = time.thread_time()
        read_journal(document)
        return time.thread_time() - begun

    spent(100)
    long, short = (min(spent(count) for _ in range(5)) for count in (4000, 400))
    assert long < 50 * short  # ten times as many movements


def test_a_computer_cannot_fill_the_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_REPORTS_A_DAY", 3)
    for number in range(3):
        site.service.use_computer(COMPUTER, journal(cpu(""), title=str(number)), AGENT)
    site.service.use_computer(COMPUTER, journal(cpu(""), title="0"), AGENT)  # again
    with pytest.raises(TooLarge, match="within a day") as refused:
        site.service.use_computer(COMPUTER, journal(cpu(""), title="new"), AGENT)
    assert refused.value.status == 429 and refused.value.retry_after
    site.clock.advance(86_401.0)
    monkeypatch.setattr(usage, "_CHARACTERS_A_DAY", 100)
    with pytest.raises(TooLarge, match="characters"):
        site.service.use_computer(COMPUTER, journal(cpu(""), title="new"), AGENT)
