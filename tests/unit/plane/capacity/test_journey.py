"""From a request that finds no computer to a machine that is removed; and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pelagos.plane.capacity.base import MachineState
from pelagos.plane.capacity.errors import QuotaReached, Refused, Unanswered
from pelagos.plane.capacity.ledger import Record
from pelagos.slap import joining
from pelagos.slap.errors import NotFoundError, Unauthorized
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import InstanceState
from support.capacity_site import ADMIN, CapacitySite, token_of

MakeSite = Callable[..., CapacitySite]


def placed(site: CapacitySite, reference: str = "db") -> str:
    """Have a service placed on a new machine; the machine's name."""
    assert site.request(reference) is None
    site.round()
    name = site.machine()
    site.join(name)
    site.round()
    site.round()
    assert site.where(reference) == name
    return name


def test_a_request_gets_a_machine_and_an_idle_machine_goes(site: CapacitySite) -> None:
    assert site.request() is None
    assert site.why("db").cause.code == "release-unknown"  # nobody has looked yet
    site.round()
    assert site.why("db").cause.code == "machine-making"
    assert [one.code for one in site.why("db").chain] == ["release-unknown"]
    site.round()
    name = site.machine()
    assert site.phases() == {name: "booting"}
    assert site.why("db").cause.code == "machine-making" or name in site.why("db").cause.message
    assert site.why(name).state == "booting"
    site.join(name)
    site.round()
    site.round()
    assert site.where() == name
    assert site.phases() == {name: "joined"}
    site.round(5000.0)
    site.call(name)
    assert site.phases() == {name: "joined"}  # a service sits there
    site.destroy()
    site.round()
    assert "machine-idle" in [one.code for one in site.why(name).chain]
    site.round(901.0)
    site.round()
    assert site.cloud.list("") == []
    site.round(61.0)
    assert site.phases() == {}
    with pytest.raises(NotFoundError):
        site.service.computer(name, ADMIN)
    assert site.cloud.made == 1


def test_many_requests_share_machines(make_site: MakeSite) -> None:
    site = make_site(north={"partitions": 2, "max_machines": 2})
    for number in range(5):
        assert site.request(f"db{number}") is None
    site.round()
    site.round()
    machines = sorted(one.name for one in site.cloud.list(""))
    assert len(machines) == 2
    assert site.why("db4").cause.code == "capacity-full"
    for name in machines:
        site.join(name)
    site.round()
    site.round()
    assert [site.where(f"db{number}") is not None for number in range(5)] == [True] * 4 + [False]


def test_a_machine_with_room_gets_another_release(site: CapacitySite) -> None:
    name = placed(site)
    assert site.request("other", url="/srv/b/software.cfg") is None
    site.round()
    assert site.where("other") == name
    assert site.cloud.made == 1


def test_no_machine_is_made_for_what_the_site_does_not_supply(make_site: MakeSite) -> None:
    site = make_site(north={"releases": ""})
    site.request()
    site.round()
    assert site.cloud.made == 0
    assert site.why("db").cause.code == "release-unknown"


def test_a_request_waits_a_little_before_a_machine_is_made(make_site: MakeSite) -> None:
    site = make_site(north={"patience": 10.0})
    site.request()
    site.round()
    assert site.cloud.made == 0
    assert [one.code for one in site.why("db").chain] == ["machine-soon"]
    site.round(11.0)
    assert site.cloud.made == 1


def test_a_machine_that_would_not_do_is_not_made(make_site: MakeSite) -> None:
    site = make_site(
        north={"properties": {"region": "north"}}, south={"properties": {"region": "s"}}
    )
    site.request(filters={"region": "east"})
    site.request("there", filters={"region": "s"})
    site.round()
    assert site.clouds["north"].made == 0
    assert site.clouds["south"].made == 1
    assert "machine-would-not-do" in [one.code for one in site.why("db").chain]


def test_a_used_up_quota_is_told_and_another_cloud_is_asked(make_site: MakeSite) -> None:
    site = make_site(north={"quota": 0}, south={})
    site.request()
    site.round()
    site.round()
    assert site.clouds["south"].made == 1
    rows = {row.name: row for row in site.program.line.overview().capacities}
    assert (rows["north"].state, rows["north"].cause.code) == ("failing", "machine-quota")
    site.round(61.0)
    assert [name for name in site.phases() if "north" in name] == []


def test_a_quota_is_tried_again_after_a_pause_that_grows(make_site: MakeSite) -> None:
    site = make_site(north={"quota": 0, "makes_per_hour": 1000, "cool_down": 100.0})
    site.request()
    for _ in range(80):
        site.round(10.0)
    assert site.keeper.ledger.book.count == 4  # at 0, 100, 300 and 700 s
    cause = site.why("db").cause
    assert cause.code == "machine-quota"
    assert "tried again in" in cause.message


def test_the_budget_of_an_hour_holds(make_site: MakeSite) -> None:
    site = make_site(north={"makes_per_hour": 2, "cool_down": 1.0, "quota": 0})
    site.request()
    for _ in range(100):
        site.round(30.0)
    assert site.keeper.ledger.book.count == 2
    assert site.why("db").cause.code == "capacity-spent"
    site.round(1000.0)
    assert site.keeper.ledger.book.count == 3


def test_a_refusal_is_told_with_what_the_cloud_said(site: CapacitySite) -> None:
    def refuse(method: str, _about: str) -> None:
        if method == "make":
            raise Refused("Flavor m9 could not be found")

    site.cloud.before = refuse
    site.request()
    site.round()
    site.round()
    assert site.why("db").cause.code == "machine-refused"
    assert "Flavor m9" in site.why("db").cause.message
    assert site.phases() == {}


def test_a_lost_answer_makes_no_second_machine(site: CapacitySite) -> None:
    def lose(method: str, _about: str) -> None:
        if method == "make":
            site.cloud.after = lambda _method, _name: None
            raise Unanswered("no answer came in 60 s")

    site.cloud.after = lose
    site.request()
    site.round()
    assert site.phases() == {site.machine(): "planned"}
    assert site.why("db").cause.code == "cloud-unanswered"
    site.round(11.0)
    assert site.cloud.made == 1
    assert site.phases() == {site.machine(): "making"}


def test_a_cloud_that_does_not_answer_is_told_and_left_for_another(make_site: MakeSite) -> None:
    site = make_site(north={}, south={})

    def hang(_method: str, _about: str) -> None:
        raise Unanswered("no answer came in 60 s")

    site.clouds["north"].before = hang
    site.request()
    site.round()
    site.round()
    assert site.clouds["south"].made == 1
    rows = {row.name: row for row in site.program.line.overview().capacities}
    assert rows["north"].state == "failing"
    assert rows["north"].cause.code == "cloud-unanswered"


def test_who_waits_for_a_machine_is_told_that_its_cloud_is_silent(site: CapacitySite) -> None:
    def hang(_method: str, _about: str) -> None:
        raise Unanswered("no answer came in 60 s")

    site.request()
    site.round()
    assert site.why("db").cause.code == "machine-making"
    site.cloud.before = hang
    site.round(11.0)
    site.round(11.0)
    found = site.why("db").cause
    assert (found.code, bool(found.hint)) == ("cloud-unanswered", True)
    site.cloud.before = lambda _method, _about: None
    site.round(61.0)
    site.round(61.0)
    assert site.why("db").cause.code.startswith("machine-")


def test_an_agent_that_does_not_join_loses_its_machine(make_site: MakeSite) -> None:
    site = make_site(north={"ready_within": 600.0})
    site.request()
    site.round()
    name = site.machine()
    site.round(5.0)
    site.round(601.0)
    assert site.phases()[name] == "removing"
    assert site.why("db").cause.code == "machine-did-not-join"
    site.round()
    site.round(61.0)
    assert name not in {one.name for one in site.cloud.list("")}
    assert site.cloud.made <= 2


def test_a_machine_that_fails_is_removed_with_its_reason(site: CapacitySite) -> None:
    site.request()
    site.round()
    name = site.machine()
    site.cloud.put(name, MachineState.FAILED, "ERROR: No valid host was found")
    site.round(1.0)
    assert "No valid host" in site.why("db").cause.message
    site.round(1.0)
    assert site.cloud.list("") == []


def test_a_machine_that_vanishes_is_replaced(site: CapacitySite) -> None:
    site.request()
    site.round()
    [machine] = site.cloud.list("")
    site.cloud.remove(machine.key)
    site.round(61.0)
    site.round(1.0)
    assert site.phases() == {}
    site.round(61.0)
    assert site.cloud.made == 2


def test_a_vanished_machine_with_services_is_told_and_stays_known(site: CapacitySite) -> None:
    name = placed(site)
    [machine] = site.cloud.list("")
    site.cloud.remove(machine.key)
    site.round(61.0)
    assert site.phases() == {name: "joined"}
    assert site.why(name).cause.code == "machine-gone"
    assert "db" in site.why(name).cause.message


def test_services_of_a_lost_machine_begin_anew_when_a_person_gives_it_up(
    site: CapacitySite,
) -> None:
    name, line = placed(site), site.program.line
    assert site.request("doomed") is not None
    with pytest.raises(Conflict, match="not lost"):
        line.remove(name, "person:admin", lost=True)
    [machine] = site.cloud.list("")
    site.cloud.remove(machine.key)
    site.round(61.0)
    site.service.set_state("doomed", InstanceState.DESTROYED, ADMIN)
    with pytest.raises(Conflict, match="would lose") as refused:
        line.remove(name, "person:admin")
    assert f"pelagos capacity remove {name} --lost" in str(refused.value.hint)
    line.remove(name, "person:admin", lost=True)
    assert site.where() is None
    site.round(61.0)
    site.round()
    assert name not in site.phases()
    assert name not in site.service.machines([name])
    [other] = {one.name for one in site.cloud.list("")}
    assert other != name
    site.join(other)
    site.round()
    site.round()
    assert site.where() == other
    assert site.why("doomed").cause.code == "destroyed"


def test_a_second_machine_of_a_name_is_removed(site: CapacitySite) -> None:
    site.request()
    site.round()
    name = site.machine()
    site.cloud.add_twin(name)
    site.round(1.0)
    assert len(site.cloud.list("")) == 1
    assert site.phases() == {name: "booting"}


def test_a_second_machine_of_a_name_with_services_goes_with_the_first(
    site: CapacitySite,
) -> None:
    name = placed(site)
    site.cloud.add_twin(name)
    site.round(61.0)
    assert len(site.cloud.list("")) == 2  # on which of them the service sits nobody knows
    site.destroy()
    site.round(901.0)
    site.round(901.0)
    assert site.cloud.list("") == []


def test_a_machine_that_the_book_lacks_is_removed(site: CapacitySite) -> None:
    site.request()
    site.round()
    name = site.machine()
    (site.folder.path / "capacity.json").unlink()
    plane = site.keeper.ledger.book.plane
    site.begin_again()
    given = {"north": Record(highest=5)}
    site.keeper.ledger.change(lambda book: type(book)(plane, 5, records=given))
    site.round()
    site.round()
    assert name not in {one.name for one in site.cloud.list("")}


def test_a_service_that_comes_while_a_machine_leaves_keeps_it(site: CapacitySite) -> None:
    name = placed(site)
    site.destroy()
    site.round()
    site.clock.advance(901.0)
    site.call(name)
    site.request("late")  # is placed at once: the release is there
    assert site.where("late") == name
    site.round()
    site.round()
    assert site.phases() == {name: "joined"}


def test_a_kept_machine_is_not_removed_when_idle(site: CapacitySite) -> None:
    made = site.program.line.make("north", keep=True, actor="person:admin")
    site.round()
    site.join(made.name)
    site.round()
    site.round(5000.0)
    site.round(5000.0)
    assert site.phases() == {made.name: "joined"}
    site.program.line.remove(made.name, "person:admin")
    site.round()
    site.round()
    assert site.cloud.list("") == []


def test_a_machine_with_a_service_is_not_removed_by_hand(site: CapacitySite) -> None:
    name = placed(site)
    with pytest.raises(Conflict, match="db"):
        site.program.line.remove(name, "person:admin")


def test_limits_hold_for_machines_made_by_hand(make_site: MakeSite) -> None:
    site = make_site(north={"max_machines": 1})
    site.program.line.make("north", keep=False, actor="person:admin")
    with pytest.raises(Conflict, match="may have no more"):
        site.program.line.make("north", keep=False, actor="person:admin")
    with pytest.raises(NotFoundError, match="there is no capacity nort"):
        site.program.line.make("nort", keep=False, actor="person:admin")


def test_no_token_is_on_the_disk(site: CapacitySite) -> None:
    site.request()
    site.round()

    token = token_of(site.cloud.user_data(site.machine()))
    for file in site.folder.path.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file


def test_what_lets_a_machine_in_is_void_once_it_is_gone(make_site: MakeSite) -> None:
    site = make_site(north={"ready_within": 60.0})
    site.request()
    site.round()
    name = site.machine()
    data = site.cloud.user_data(name)
    site.round(61.0)
    site.round()
    site.round(61.0)
    assert name not in site.phases()

    with pytest.raises(Unauthorized):
        site.service.join(joining.decode(token_of(data)).secret)


def test_a_machine_that_the_database_does_not_know_stays_until_a_person_decides(
    site: CapacitySite,
) -> None:
    name = placed(site)
    site.destroy()
    assert site.service.retire(name)
    site.round(61.0)
    site.round(5000.0)
    site.round()
    assert site.phases() == {name: "joined"}
    assert site.why(name).cause.code == "machine-unknown"
    site.program.line.remove(name, "person:admin")
    site.round()
    assert site.cloud.list("") == []


def test_agents_may_call_before_they_count_as_silent(site: CapacitySite) -> None:
    name = placed(site)
    site.clock.advance(500.0)
    site.begin_again()
    assert site.request("late") is None
    assert site.why("late").cause.code == "computer-silent"
    site.round()
    assert site.cloud.made == 1
    site.call(name)
    site.round()
    assert site.where("late") == name


def test_a_silent_machine_is_listed_as_such(site: CapacitySite) -> None:
    placed(site)
    site.round(500.0)
    [row] = site.program.line.overview().machines
    assert (row.state, row.cause.code) == ("joined", "machine-silent")


def test_a_quota_error_is_a_refusal() -> None:
    assert issubclass(QuotaReached, Refused)
